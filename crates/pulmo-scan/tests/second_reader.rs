//! Two readers of one file, ours and dicom-rs: the same stored pixels, or one of them refuses and says why.
//!
//! Neither is the truth. Where they differ one of them is wrong, and the expected differences below say which and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use pulmo_forge::ct::{BITS_ALLOCATED, COLUMNS, CtSlice, ROWS};
use pulmo_forge::encoders::*;
use pulmo_forge::forge::{Body, Element, Forge, PIXEL_DATA, Style, deflate, rle_frame};
use pulmo_forge::jpeg_ls::{NearLossless, jpeg_ls};
use pulmo_scan::dicom::{
    Agreement, Links, ReaderRefusal, SecondReaderError, compare_readers, cross_check, discover, list,
};
use pulmo_scan::findings::Code;
use rayon::prelude::*;

const EQUAL: Outcome = Outcome::Equal;

/// What became of an image, without its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Equal,
    Rounded,
    Differ,
    /// By ours, with this code; dicom-rs is not asked then.
    Pulmo(Code),
    DicomRs(SecondReaderError),
}

impl From<Agreement> for Outcome {
    fn from(agreement: Agreement) -> Self {
        match agreement {
            Agreement::Equal => Self::Equal,
            Agreement::Rounded => Self::Rounded,
            Agreement::Differ(_) => Self::Differ,
            Agreement::Refused(ReaderRefusal::Pulmo(reason)) => Self::Pulmo(reason.code),
            Agreement::Refused(ReaderRefusal::DicomRs(error)) => Self::DicomRs(error),
        }
    }
}

fn outcome(file: &[u8]) -> Outcome {
    compare_readers(Cursor::new(file)).into()
}

fn compressed(image: &Image, transfer_syntax: &str, codestream: &[u8]) -> Outcome {
    let mut slice = CtSlice::at(0.0);
    slice.word(ROWS, image.rows as u16);
    slice.word(COLUMNS, image.columns as u16);
    slice.format(image.bits as u16, 0);
    if image.bits <= 8 {
        slice.word(BITS_ALLOCATED, 8);
    }
    outcome(&encapsulated(&slice, transfer_syntax, &[codestream]))
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/golden/codecs/{name}")).unwrap()
}

#[test]
fn forged_files_of_every_syntax_are_read_alike() {
    for style in [Style::Explicit, Style::Implicit, Style::BigEndian, Style::Deflated] {
        assert_eq!(outcome(&Forge::styled(style).bytes()), EQUAL, "{style:?}");
    }
    assert_eq!(outcome(&Forge::rle(1).bytes()), EQUAL);
    // dicom-rs takes each fragment of RLE for a frame
    assert_eq!(outcome(&Forge::rle(2).bytes()), Outcome::DicomRs(SecondReaderError::Pixels));
    for bits in [8, 12, 16] {
        let image = Image::textured(24, 40, bits);
        let flat = Image::textured(24, 40, 8).of_flat_blocks();
        let bytes_per_sample = if bits == 8 { 1 } else { 2 };
        let bytes: Vec<u8> = image
            .samples
            .iter()
            .flat_map(|word| word.to_le_bytes().into_iter().take(bytes_per_sample))
            .collect();
        assert_eq!(compressed(&image, RLE, &rle(&image, bytes_per_sample)), EQUAL, "{bits} bits");
        for syntax in [JPEG_LOSSLESS, JPEG_LOSSLESS_SV1] {
            assert_eq!(compressed(&image, syntax, &jpeg_lossless(&image, SV1)), EQUAL, "{bits} bits");
        }
        assert_eq!(compressed(&image, "1.2.840.10008.1.2.1.98", &bytes), EQUAL, "{bits} bits");
        assert_eq!(
            compressed(&image, "1.2.840.10008.1.2.8.1", &deflate(bytes.as_slice())),
            EQUAL,
            "{bits} bits"
        );
        assert_eq!(compressed(&flat, JPEG_BASELINE, &jpeg_of_flat_blocks(&flat, 0)), EQUAL);
        let jph = golden(&format!("lossless-{bits}.jph"));
        assert_eq!(compressed(&image, "1.2.840.10008.1.2.4.201", &jph), EQUAL, "{bits} bits");
        let no_decoder = Outcome::DicomRs(SecondReaderError::TransferSyntax);
        let jpeg_ls = jpeg_ls(&image, NearLossless::default()).0;
        assert_eq!(compressed(&image, JPEG_LS, &jpeg_ls), no_decoder);
        let jpeg_xl = golden(&format!("lossless-{bits}.jxl"));
        assert_eq!(compressed(&image, "1.2.840.10008.1.2.4.110", &jpeg_xl), no_decoder);
    }
}

/// What dicom-rs 0.10.1 was seen to abort, panic or lie on, as [`Outcome`] of a whole file. It never sees any of them:
/// ours refuses first.
#[test]
fn what_kills_the_second_reader_never_reaches_it() {
    let with = |element: u16, word| Forge::ct().with(Element::word((0x0028, element), word));
    let rle_of = |frame: Vec<u8>| {
        let mut forge =
            Forge::rle(1).with(Element::new(PIXEL_DATA, "OB", Body::Fragments(vec![], vec![frame])));
        forge.transfer_syntax = Some(RLE.to_owned());
        forge
    };
    let sound = rle_frame(&Forge::ct().words());
    let segments = [&u32::MAX.to_le_bytes()[..], &sound[4..]].concat();
    let sequence = |inner| Element::new((0x0019, 0x1002), "SQ", Body::Items(inner));
    let deep = (0..3000).fold(sequence(vec![]), |inner, _| sequence(vec![vec![inner]]));
    for (what, forge, code) in [
        ("no bits stored: panic of its look-up table", with(0x0101, 0), Code::Bits),
        ("32 bits stored: -1024 everywhere", with(0x0101, 32), Code::Bits),
        ("high bit 15 of 12 bits stored: wrong values", with(0x0102, 15), Code::Bits),
        ("an RLE frame of 10 bytes: panic", rle_of(vec![0; 10]), Code::Codec),
        ("2^32 - 1 RLE segments: 17 GB, abort", rle_of(segments), Code::Codec),
        ("nested sequences: stack overflow, abort", Forge::ct().with(deep), Code::Depth),
    ] {
        assert_eq!(outcome(&forge.bytes()), Outcome::Pulmo(code), "{what}");
    }
    let boast = Forge::ct().changing(PIXEL_DATA, |pixels| pixels.declared = Some(0xFFFF_FFF0));
    assert_eq!(outcome(&boast.bytes()), Outcome::Pulmo(Code::Length), "4 GiB of zeros");
    let image = Image::textured(8, 8, 12);
    for (rows, columns) in [(64, 64), (4, 4)] {
        let header = Image { rows, columns, ..image.clone() };
        let answer = compressed(&header, JPEG_LOSSLESS_SV1, &jpeg_lossless(&image, SV1));
        assert_eq!(
            answer,
            Outcome::Pulmo(Code::CodecDimensions),
            "a smaller image ends in air, a larger one in a panic"
        );
    }
}

/// Sequences that dicom-rs would descend into, and ours passes over, are no part of what it gets.
#[test]
fn the_second_reader_gets_the_image_alone() {
    let nested = (0..3000_u32).rev().fold(Vec::new(), |inner: Vec<u8>, _| {
        // implicit VR: Referenced Image Sequence (0008,1140) with one item
        let item = [b"\xFE\xFF\0\xE0", &(inner.len() as u32).to_le_bytes()[..], &inner].concat();
        [b"\x08\0\x40\x11", &(item.len() as u32).to_le_bytes()[..], &item].concat()
    });
    let forge = Forge::styled(Style::Implicit).with(Element::bytes((0x0008, 0x1140), "SQ", &nested));
    assert_eq!(outcome(&forge.bytes()), EQUAL);
}

/// Files that the two read differently, or that dicom-rs cannot read, and why. All paths are below the data folder.
const EXPECTED: &[(&str, Outcome, &str)] = &[
    (
        "conformance/cornerstone/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
        Outcome::DicomRs(SecondReaderError::Pixels),
        "dicom-rs decodes JPEG with loss of 8 bits only, not of 12",
    ),
    ("conformance/pydicom/JPGExtended.dcm", Outcome::DicomRs(SecondReaderError::Pixels), "as above"),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    list(&[folder.to_path_buf()], Links::Files).files.into_iter().collect()
}

#[test]
fn real_files_are_read_alike() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let mut tally: BTreeMap<(String, Outcome), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let found: Vec<PathBuf> =
        ["conformance", "hazards"].iter().flat_map(|folder| files(&data.join(folder))).collect();
    let outcomes: Vec<(PathBuf, Agreement)> = found
        .into_par_iter()
        .map(|path| {
            let agreement = compare_readers(File::open(&path).unwrap());
            (path, agreement)
        })
        .collect();
    for (path, agreement) in outcomes {
        let name = path.strip_prefix(&data).unwrap().to_string_lossy().into_owned();
        let outcome = Outcome::from(agreement.clone());
        *tally.entry((folder_of(&name), outcome)).or_default() += 1;
        let expected = EXPECTED.iter().find(|(path, ..)| *path == name);
        if let Some((path, _, reason)) = expected {
            eprintln!("{outcome:?} {path}: {reason}");
        }
        let is_expected = match expected {
            Some((_, expected, _)) => outcome == *expected,
            None => {
                matches!(outcome, Outcome::Equal | Outcome::Rounded | Outcome::Pulmo(_))
                    || is_without_decoder(outcome)
            }
        };
        if !is_expected {
            wrong.push((name, agreement));
        }
    }
    for ((folder, outcome), files) in &tally {
        eprintln!("{folder:28} {:40} {files}", format!("{outcome:?}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let equal: usize =
        tally.iter().filter(|((_, outcome), _)| *outcome == EQUAL).map(|(_, files)| files).sum();
    assert!(equal > 100, "{equal} files");
}

fn is_without_decoder(outcome: Outcome) -> bool {
    outcome == Outcome::DicomRs(SecondReaderError::TransferSyntax)
}

fn folder_of(name: &str) -> String {
    name.split('/').take(2).collect::<Vec<_>>().join("/")
}

#[test]
fn a_whole_series_is_read_alike() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    for (folder, images) in [("covid_ct_md/P002", 133), ("hazards/siemens_j2k_partial_lung", 20)] {
        let series = discover(&[data.join(folder)]).series.remove(0);
        let check = cross_check(&series.slices);
        assert_eq!((check.images, check.equal), (images, images), "{folder}: {check:?}");
    }
}
