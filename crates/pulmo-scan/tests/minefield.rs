//! A minefield: thousands of files that are cut, flipped, spliced and lied about.
//!
//! Of none may pulmo panic, take long or take much memory, and none may be called usable with other
//! Hounsfield units than the sound file's, unless the bytes of pixels or of the rescaling were touched.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use pulmo_forge::counting::{Counting, HELD, PEAK};
use pulmo_forge::forge::{Body, Element, Forge, PIXEL_DATA, Style};
use pulmo_scan::dicom::{SliceHeader, StoredPixels};
use rayon::prelude::*;

/// No file takes longer.
const LONGEST: Duration = Duration::from_secs(5);
/// Most memory that reading a header may take above what was held before.
const MOST_MEMORY: isize = 64 << 20;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A sound file, and which of its bytes may change Hounsfield units.
struct Base {
    name: String,
    bytes: Vec<u8>,
    hu: Vec<f32>,
    telling: Vec<Range<usize>>,
}

/// What a file was found to be.
struct Outcome {
    hu: Option<Vec<f32>>,
    code: String,
    peak: isize,
    took: Duration,
}

/// Reads a file; `None` where that panics.
fn outcome(bytes: &[u8]) -> Option<Outcome> {
    let start = Instant::now();
    catch_unwind(|| {
        let before = HELD.get();
        PEAK.set(before);
        let header = SliceHeader::read(Cursor::new(bytes));
        let peak = PEAK.get() - before;
        let read = header.and_then(|header| Ok((header, StoredPixels::read(Cursor::new(bytes))?)));
        let (hu, code) = match read {
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains("CANARY"));
                (None, error.code().to_string())
            }
            Ok((header, pixels)) => match header.rescale {
                None => (None, "NO_RESCALE".to_owned()),
                Some(rescale) => {
                    (Some(pixels.values().map(|value| rescale.hounsfield(value)).collect()), "OK".to_owned())
                }
            },
        };
        Outcome { hu, code, peak, took: start.elapsed() }
    })
    .ok()
}

impl Base {
    fn forged(name: &str, forge: &Forge) -> Self {
        let (bytes, places) = forge.mapped();
        let mut telling: Vec<Range<usize>> = [(0x0028, 0x0103), (0x0028, 0x1052), (0x0028, 0x1053)]
            .iter()
            .map(|tag| places[tag].clone())
            .collect();
        let pixels = places[&PIXEL_DATA].clone();
        telling.push(match forge.elements.last().unwrap().body {
            // between the headers of table and fragment, and the delimiter
            Body::Fragments(..) => pixels.start + 16..pixels.end - 8,
            _ => pixels,
        });
        if forge.style == Style::Deflated {
            telling.push(0..bytes.len());
        }
        Self::of(name, bytes, telling)
    }

    /// A file in Explicit VR Little Endian, whose elements are found by their bytes.
    fn found(name: &str, bytes: Vec<u8>) -> Self {
        let find = |pattern: &[u8]| bytes.windows(pattern.len()).rposition(|window| window == pattern);
        let value = |pattern: &[u8]| {
            let start = find(pattern).unwrap() + 8;
            let length = u16::from_le_bytes([bytes[start - 2], bytes[start - 1]]);
            start..start + usize::from(length)
        };
        let telling = vec![
            value(b"\x28\0\x03\x01US"),
            value(b"\x28\0\x52\x10DS"),
            value(b"\x28\0\x53\x10DS"),
            find(b"\xe0\x7f\x10\0O").unwrap() + 12..bytes.len(),
        ];
        Self::of(name, bytes, telling)
    }

    fn of(name: &str, bytes: Vec<u8>, telling: Vec<Range<usize>>) -> Self {
        let hu = outcome(&bytes).unwrap().hu.expect("a sound file");
        Self { name: name.to_owned(), bytes, hu, telling }
    }
}

/// A file to step on, and whether its Hounsfield units may differ from the base's.
struct Mine<'a> {
    base: &'a Base,
    what: String,
    bytes: Vec<u8>,
    may_differ: bool,
}

/// What became of the files.
#[derive(Default)]
struct Report {
    files: usize,
    codes: BTreeMap<String, usize>,
    peak: isize,
    slowest: Duration,
    wrong: Vec<String>,
}

impl Report {
    fn step_on(mut self, mine: &Mine<'_>) -> Self {
        let name = || format!("{}: {}", mine.base.name, mine.what);
        self.files += 1;
        let Some(outcome) = outcome(&mine.bytes) else {
            self.wrong.push(format!("{} panics", name()));
            return self;
        };
        *self.codes.entry(outcome.code).or_default() += 1;
        self.peak = self.peak.max(outcome.peak);
        self.slowest = self.slowest.max(outcome.took);
        if outcome.took > LONGEST || outcome.peak > MOST_MEMORY {
            self.wrong.push(format!("{} takes {:?} and {} bytes", name(), outcome.took, outcome.peak));
        }
        if !mine.may_differ && outcome.hu.is_some_and(|hu| hu != mine.base.hu) {
            self.wrong.push(format!("{} is called usable with other Hounsfield units", name()));
        }
        self
    }

    fn with(mut self, other: Self) -> Self {
        self.files += other.files;
        self.peak = self.peak.max(other.peak);
        self.slowest = self.slowest.max(other.slowest);
        other.codes.into_iter().for_each(|(code, files)| *self.codes.entry(code).or_default() += files);
        self.wrong.extend(other.wrong);
        self
    }

    fn check(self, name: &str, least: usize) {
        let Self { files, codes, peak, slowest, wrong } = self;
        eprintln!("{name}: {files} files, slowest {slowest:?}, gate's peak {peak} bytes, {codes:?}");
        assert!(wrong.is_empty(), "{} of {files}: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
        assert!(files >= least && codes.len() > 5);
    }
}

fn step_on_all<'a>(mines: impl ParallelIterator<Item = Mine<'a>>) -> Report {
    mines.fold(Report::default, |report, mine| report.step_on(&mine)).reduce(Report::default, Report::with)
}

/// Pseudo-random numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll() as u8).collect()
    }
}

/// Forged files of every encoding.
fn forges() -> Vec<(String, Forge)> {
    let rich = |forge: Forge| {
        let item = vec![Element::text((0x0018, 0x9074), "DT", "2020"), Element::word((0x0028, 0x0002), 1)];
        let group = |item| Element::new((0x0020, 0x9113), "SQ", Body::Items(vec![item]));
        forge
            .with(Element::new((0x0019, 0x1001), "SQ", Body::OpenItems(vec![item.clone(), vec![]])))
            .with(Element::bytes((0x0019, 0x1002), "OB", &[7; 300]))
            .with(Element::new((0x5200, 0x9229), "SQ", Body::OpenItems(vec![vec![group(item)]])))
            .with(Element::text((0x0028, 0x1050), "DS", "40"))
            .with(Element::text((0x0028, 0x1054), "LO", "HU"))
    };
    [Style::Explicit, Style::Implicit, Style::BigEndian, Style::Deflated]
        .map(|style| (format!("{style:?}"), rich(Forge::styled(style))))
        .into_iter()
        .chain([("Rle".to_owned(), rich(Forge::rle(1)))])
        .collect()
}

fn bases() -> Vec<Base> {
    forges().iter().map(|(name, forge)| Base::forged(name, forge)).collect()
}

/// Small real files of CT, where data are, and how often each is flipped.
fn real_bases() -> Vec<(Base, u64)> {
    let Some(data) = pulmo_forge::data_folder() else { return vec![] };
    [
        ("conformance/pydicom/CT_small.dcm", 600),
        ("conformance/pydicom/dicomdirtests/77654033/CT2/17106", 600),
        ("conformance/wg04/RLE/CT2_RLE", 600),
        ("conformance/wg04/JLSL/CT1_JLSL", 600),
        ("conformance/pydicom_data/693_J2KR.dcm", 80),
        ("conformance/wg04/J2KR/CT1_J2KR", 80),
    ]
    .into_iter()
    .map(|(name, flips)| (Base::found(name, std::fs::read(data.join(name)).unwrap()), flips))
    .collect()
}

fn flipped<'a>(base: &'a Base, seed: u64) -> Mine<'a> {
    let mut dice = Dice(seed);
    let mut bytes = base.bytes.clone();
    // headers are small: half of the flips go there
    let end =
        if dice.below(2) == 0 { base.telling.last().unwrap().start.clamp(1, 8192) } else { bytes.len() };
    let (at, bit) = (dice.below(end), dice.below(8));
    bytes[at] ^= 1 << bit;
    let may_differ = base.telling.iter().any(|telling| telling.contains(&at));
    Mine { base, what: format!("bit {bit} of byte {at} flipped"), bytes, may_differ }
}

#[test]
fn every_truncation() {
    let bases = bases();
    let cuts =
        bases.par_iter().flat_map(|base| (0..base.bytes.len()).into_par_iter().map(move |cut| (base, cut)));
    let mines = cuts.map(|(base, cut)| Mine {
        base,
        what: format!("cut after {cut} bytes"),
        bytes: base.bytes[..cut].to_vec(),
        may_differ: false,
    });
    step_on_all(mines).check("truncations", 5000);
}

#[test]
fn case_056_bit_flips() {
    let forged = bases().into_iter().map(|base| (base, 3000));
    let bases: Vec<(Base, u64)> = forged.chain(real_bases()).collect();
    let flips = bases
        .par_iter()
        .flat_map(|(base, flips)| (0..*flips).into_par_iter().map(move |seed| flipped(base, seed)));
    step_on_all(flips).check("bit flips", 10_000);
}

/// Lies about the structure of a forged file. Those about pixels and rescaling may change values.
fn lie(forge: &Forge, dice: &mut Dice) -> (Forge, &'static str) {
    let mut forge = forge.clone();
    let last = forge.elements.len() - 1;
    let index = dice.below(last);
    let lengths = [0, 1, 2, 7, 8, 0x7F, 0xFFFF, 0x1_0000, 0x2020_2020, 0x7FFF_FFFF, 0xFFFF_FFFE, u32::MAX];
    match dice.below(10) {
        0 => {
            forge.elements[dice_any(dice, last)].declared = Some(lengths[dice.below(lengths.len())]);
            (forge, "a length lies")
        }
        1 => {
            forge.elements.remove(index);
            (forge, "an element is missing")
        }
        2 => {
            let twin = forge.elements[index].clone();
            forge.elements.insert(dice.below(last), twin);
            (forge, "an element stands twice")
        }
        3 => {
            forge.elements.swap(index, dice.below(last));
            (forge, "elements changed places")
        }
        4 => {
            let vrs = [b"UN", b"OB", b"SQ", b"US", b"UL", b"DS", b"FD", b"UT", b"??", b"AT"];
            forge.elements[index].vr = *vrs[dice.below(vrs.len())];
            (forge, "a value representation lies")
        }
        5 => {
            forge.tail = dice.bytes(1 + index * 7);
            (forge, "noise at the end")
        }
        6 => {
            let inner = vec![vec![Element::bytes((0x0019, 0x1003), "UN", &dice.bytes(index))]];
            let lies = Element::new((0x0019, 0x1003), "SQ", Body::Items(inner))
                .declaring(lengths[dice.below(lengths.len())]);
            (forge.with(lies), "a sequence lies")
        }
        7 => {
            let uids =
                ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"];
            forge.transfer_syntax = Some(uids[dice.below(uids.len())].to_owned());
            (forge, "the transfer syntax lies")
        }
        8 => {
            forge.elements[index].tag = (dice.roll() as u16, dice.roll() as u16);
            (forge, "a tag lies")
        }
        _ => {
            forge.meta_length = Some(dice.roll() as u32);
            forge.preamble = dice.bytes(128);
            (forge, "preamble and meta length lie")
        }
    }
}

fn dice_any(dice: &mut Dice, last: usize) -> usize {
    dice.below(last + 1)
}

#[test]
fn lies_about_structure() {
    let forges = forges();
    let bases = bases();
    let pairs: Vec<(&Forge, &Base)> = forges.iter().map(|(_, forge)| forge).zip(&bases).collect();
    let mines = pairs.par_iter().flat_map(|(forge, base)| {
        (0..2000_u64).into_par_iter().map(move |seed| {
            let (forge, what) = lie(forge, &mut Dice(seed));
            Mine { base, what: format!("{what} (seed {seed})"), bytes: forge.bytes(), may_differ: false }
        })
    });
    step_on_all(mines).check("lies", 5000);
}

/// Pieces of files that do not belong together. Pixels may be touched, so values may differ.
#[test]
fn splices() {
    let bases = bases();
    let mines = (0..4000_u64).into_par_iter().map(|seed| {
        let mut dice = Dice(seed);
        let base = &bases[dice.below(bases.len())];
        let other = &bases[dice.below(bases.len())];
        let mut bytes = base.bytes.clone();
        let at = dice.below(bytes.len());
        let piece = match dice.below(4) {
            0 => dice.bytes(1 + dice.0 as usize % 64),
            1 => vec![0; 1 + dice.below(4096)],
            2 => vec![0xFF; 1 + dice.below(64)],
            _ => other.bytes[dice.below(other.bytes.len())..].to_vec(),
        };
        match dice.below(2) {
            0 => _ = bytes.splice(at..at, piece),
            _ => _ = bytes.splice(at.., piece),
        }
        Mine { base, what: format!("spliced at {at} (seed {seed})"), bytes, may_differ: true }
    });
    step_on_all(mines).check("splices", 4000);
}

/// The costliest header that passes: as many kept elements as the gate allows.
#[test]
fn memory_of_the_gate_is_bounded() {
    let group = |tag, inner| Element::new(tag, "SQ", Body::OpenItems(vec![inner]));
    let position = |frame: u32| {
        let text = format!("-10\\-20\\{frame}");
        vec![group((0x0020, 0x9113), vec![Element::text((0x0020, 0x0032), "DS", &text)])]
    };
    for (frames, passes) in [(4_096, true), (75_000, true), (90_000, false)] {
        let items = (0..frames).map(position).collect();
        let forge = Forge::ct().with(Element::new((0x5200, 0x9230), "SQ", Body::OpenItems(items)));
        let outcome = outcome(&forge.bytes()).unwrap();
        eprintln!(
            "{frames} frames: {} with a peak of {} bytes in {:?}",
            outcome.code, outcome.peak, outcome.took
        );
        assert!(outcome.peak <= MOST_MEMORY && outcome.took <= LONGEST);
        assert_eq!(outcome.code == "OK", passes);
    }
    // fragments, of which each is kept as a place
    let fragments = vec![vec![]; 100_001];
    for list in [fragments.clone(), fragments[1..].to_vec()] {
        let forge = Forge::rle(1).with(Element::new(PIXEL_DATA, "OB", Body::Fragments(vec![], list)));
        let outcome = outcome(&forge.bytes()).unwrap();
        assert!(outcome.peak <= MOST_MEMORY && outcome.hu.is_none(), "{}", outcome.peak);
    }
}
