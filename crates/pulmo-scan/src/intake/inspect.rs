//! What an item is, found out without judging what it shows.

use std::path::PathBuf;

use pulmo_key::hexadecimal;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::item::{Item, ReadSettings, Source};
use crate::dicom::{
    AssembleSettings, CrossCheck, Description, Padding, Partial, Series, Stack, Unspecified, check_whole,
    cross_check, describe,
};
use crate::findings::{Code, Verdict};
use crate::geometry::{Grid, Unit};
use crate::units::Hounsfield;
use crate::volume::Volume;

/// Items whose headers are read at once.
const HEADERS_AT_ONCE: usize = 64;

/// Why a series may be refused although its values can be told.
const TOLD_ALL_THE_SAME: [Code; 7] = [
    Code::Partial,
    Code::NotHounsfield,
    Code::FewSlices,
    Code::HuRange,
    Code::HuJump,
    Code::Content,
    Code::OutOfDomain,
];

/// How much of an item is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// DICOM headers; volume files and pictures are not opened.
    Headers,
    /// All values.
    Values,
    /// All values, and their digest.
    Digest,
}

/// By which readers the stored pixels of a DICOM series are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readers {
    /// Ours.
    #[default]
    Ours,
    /// Ours and dicom-rs, to compare them.
    Both,
}

/// How items are inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InspectSettings {
    /// How much is read.
    pub depth: Depth,
    /// By which readers.
    pub readers: Readers,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
}

impl From<Depth> for InspectSettings {
    fn from(depth: Depth) -> Self {
        Self { depth, readers: Readers::default(), partial: Partial::default() }
    }
}

impl InspectSettings {
    fn of_loading(self) -> ReadSettings {
        let assemble =
            AssembleSettings { padding: Padding::Keep, partial: self.partial, ..AssembleSettings::default() };
        ReadSettings { assemble, npy_spacing_mm: None }
    }
}

/// What an item was found to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The item's path.
    pub path: PathBuf,
    /// What a DICOM series says of itself; `None` for everything else.
    pub description: Option<Description>,
    /// Slices found, whether or not they make a volume; `None` for a file that is refused.
    pub slices: Option<usize>,
    /// Where the voxels lie, where that is certain.
    pub grid: Option<Grid>,
    /// Whether it can be used, as far as it was read; `None` for a file that was not opened.
    pub verdict: Option<Verdict>,
    /// The values of a volume in millimetres, where they were read; those of a series refused for its
    /// values, or as `FEW_SLICES`, are what its rescale gives.
    pub hounsfield: Option<HounsfieldSummary>,
    /// What two readers make of a series' stored pixels, where that was asked for.
    pub cross_check: Option<CrossCheck>,
}

/// Hounsfield units of a volume, before any padding is replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct HounsfieldSummary {
    /// Least value.
    pub min: Hounsfield,
    /// Largest value.
    pub max: Hounsfield,
    /// Arithmetic mean.
    pub mean: f64,
    /// SHA-256, hexadecimal, of the values as `int16` little endian, `[z, y, x]`; `None` where it was not
    /// asked for, or where a value is no whole number of 16 bits.
    pub sha256: Option<String>,
}

/// Finds out what an item is: one answer, and one for each file that a series leaves out.
///
/// A series without any usable slice gives the answers of its files only.
pub fn inspect(item: &Item, settings: impl Into<InspectSettings>) -> Vec<Inspection> {
    let settings = settings.into();
    let Source::Series(series) = &item.source else { return vec![inspect_file(item, settings)] };
    let set_aside = series.set_aside.iter().map(|refused| Inspection {
        path: item.display_path(&refused.path),
        ..Inspection::unread(PathBuf::new(), Some(refused.verdict.clone()))
    });
    let whole = (!series.slices.is_empty()).then(|| inspect_series(item, series, settings));
    whole.into_iter().chain(set_aside).collect()
}

/// Inspects items in order and gives the answers for each as soon as they are there: headers of many
/// items at once (of one archive only), values of one after the other, as each takes all cores and the
/// memory of a volume.
pub fn inspect_all(
    items: impl Iterator<Item = Item>,
    settings: InspectSettings,
) -> impl Iterator<Item = (Item, Vec<Inspection>)> {
    let at_once = if settings.depth == Depth::Headers { HEADERS_AT_ONCE } else { 1 };
    let mut items = items.peekable();
    let some = move || {
        let mut some = vec![items.next()?];
        while some.len() < at_once
            && let Some(item) = items.next_if(|next| next.archive() == some[0].archive())
        {
            some.push(item);
        }
        Some(some)
    };
    let inspected = move |item: Item| {
        let found = inspect(&item, settings);
        (item, found)
    };
    std::iter::from_fn(some).flat_map(move |some| some.into_par_iter().map(inspected).collect::<Vec<_>>())
}

/// The first 12 hexadecimal digits of a UID's SHA-256: the same series has the same, and neither
/// patient nor site can be read from it.
pub fn short_digest(uid: &str) -> String {
    hexadecimal(&Sha256::digest(uid.as_bytes())[..6])
}

impl Inspection {
    fn unread(path: PathBuf, verdict: Option<Verdict>) -> Self {
        Self {
            path,
            description: None,
            slices: None,
            grid: None,
            verdict,
            hounsfield: None,
            cross_check: None,
        }
    }
}

fn inspect_file(item: &Item, settings: InspectSettings) -> Inspection {
    if let Some(verdict) = item.refusal() {
        return Inspection::unread(item.path.clone(), Some(verdict.clone()));
    }
    match settings.depth {
        Depth::Headers => Inspection::unread(item.path.clone(), None),
        Depth::Values | Depth::Digest => inspect_values(item, settings),
    }
}

fn inspect_series(item: &Item, series: &Series, settings: InspectSettings) -> Inspection {
    let by_headers = inspect_headers(item, series, settings);
    let found = match settings.depth {
        Depth::Headers => by_headers,
        // a series whose values are refused may still lie on a grid
        Depth::Values | Depth::Digest => {
            let found = inspect_values(item, settings);
            Inspection { grid: found.grid.or(by_headers.grid), ..found }
        }
    };
    let description = series.slices.first().and_then(|slice| describe(&slice.path).ok());
    let checked = (settings.readers == Readers::Both).then(|| cross_check(&series.slices));
    let cross_check = checked.map(|checked| checked.with_paths(|path| item.display_path(path)));
    Inspection { description, slices: Some(series.slices.len()), cross_check, ..found }
}

fn inspect_headers(item: &Item, series: &Series, settings: InspectSettings) -> Inspection {
    let settings = settings.of_loading().assemble;
    let stack = Stack::new(&series.slices, &settings.geometry);
    let (grid, verdict) =
        match check_whole(series, settings.partial).and_then(|missing| Ok((missing, stack?))) {
            Ok((missing, stack)) => {
                let warnings = series.warnings.iter().cloned().chain(missing).collect();
                (Some(stack.grid), Verdict::from_warnings(item.with_archive(warnings)))
            }
            Err(error) => (None, Verdict::NotEvaluable((&error).into())),
        };
    Inspection { grid, ..Inspection::unread(item.path.clone(), Some(verdict)) }
}

fn inspect_values(item: &Item, settings: InspectSettings) -> Inspection {
    match item.load(&settings.of_loading()) {
        Err(error) => {
            let refused = Inspection::unread(item.path.clone(), Some(error.verdict()));
            let may_be_told = TOLD_ALL_THE_SAME.contains(&error.code());
            Inspection { hounsfield: may_be_told.then(|| leniently(item, settings)).flatten(), ..refused }
        }
        Ok(loaded) => {
            let grid = *loaded.volume.grid();
            let is_hounsfield = grid.unit() == Unit::Millimetre;
            Inspection {
                path: item.path.clone(),
                description: None,
                slices: Some(grid.shape_zyx()[0]),
                grid: Some(grid),
                verdict: Some(Verdict::from_warnings(loaded.warnings)),
                hounsfield: is_hounsfield.then(|| summarise(&loaded.volume, settings.depth)),
                cross_check: None,
            }
        }
    }
}

/// The rescaled values of a series of one or two slices, or that does not look like a CT: told, but not
/// to be used.
fn leniently(item: &Item, how: InspectSettings) -> Option<HounsfieldSummary> {
    let mut settings = how.of_loading();
    settings.assemble.partial = Partial::Allow;
    settings.assemble.unspecified = Unspecified::Accept;
    settings.assemble.geometry.least_slices = 1;
    let loaded = item.load(&settings).ok()?;
    Some(summarise(&loaded.volume, how.depth))
}

fn summarise(volume: &Volume, depth: Depth) -> HounsfieldSummary {
    let values = volume.as_slice();
    // in the order of the voxels, so that the sum does not depend on the threads
    let parts: Vec<Extremes> = values.par_chunks(1 << 16).map(Extremes::of).collect();
    let whole = parts.into_iter().fold(Extremes::NONE, Extremes::with);
    HounsfieldSummary {
        min: whole.min,
        max: whole.max,
        mean: whole.sum / values.len().max(1) as f64,
        sha256: if depth == Depth::Digest { digest(values) } else { None },
    }
}

/// Least value, largest value and sum.
#[derive(Clone, Copy)]
struct Extremes {
    min: Hounsfield,
    max: Hounsfield,
    sum: f64,
}

impl Extremes {
    const NONE: Self = Self { min: Hounsfield::INFINITY, max: Hounsfield::NEG_INFINITY, sum: 0.0 };

    /// In eight lanes, which do not wait for each other.
    fn of(values: &[Hounsfield]) -> Self {
        let Self { min, max, sum } = Self::NONE;
        let (mut min, mut max, mut sum) = ([min; 8], [max; 8], [sum; 8]);
        let (eights, rest) = values.as_chunks::<8>();
        for eight in eights {
            for lane in 0..8 {
                let value = eight[lane];
                min[lane] = if value < min[lane] { value } else { min[lane] };
                max[lane] = if value > max[lane] { value } else { max[lane] };
                sum[lane] += f64::from(value);
            }
        }
        let lanes = (0..8).map(|lane| Self { min: min[lane], max: max[lane], sum: sum[lane] });
        let rest = rest.iter().map(|value| Self { min: *value, max: *value, sum: f64::from(*value) });
        lanes.chain(rest).fold(Self::NONE, Self::with)
    }

    fn with(self, other: Self) -> Self {
        let (min, max) = (self.min.min(other.min), self.max.max(other.max));
        Self { min, max, sum: self.sum + other.sum }
    }
}

/// Values that are hashed while the next ones are made ready.
const HASHED_AT_ONCE: usize = 1 << 18;

/// The digest of values as `int16`; `None` where one of them is none.
fn digest(values: &[Hounsfield]) -> Option<String> {
    let mut hasher = Sha256::new();
    let mut ready = Vec::new();
    for some in values.chunks(HASHED_AT_ONCE) {
        let ((), next) = rayon::join(|| hasher.update(&ready), || shorts(some));
        ready = next?;
    }
    hasher.update(&ready);
    Some(hexadecimal(&hasher.finalize()))
}

/// Values as `int16` little endian; `None` where one of them is none.
#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "compared with what was cut")]
fn shorts(values: &[Hounsfield]) -> Option<Vec<u8>> {
    let mut are_whole = true;
    let short = |value: &Hounsfield| {
        let short = *value as i16;
        are_whole &= Hounsfield::from(short) == *value;
        short.to_le_bytes()
    };
    let bytes: Vec<[u8; 2]> = values.iter().map(short).collect();
    are_whole.then(|| bytes.into_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: `python3 -c "import hashlib; print(hashlib.sha256(b'\x00\xfc\xff\x0b').hexdigest())"`, exact.
    #[test]
    fn values_are_hashed_as_shorts() {
        let expected = "63360047d885b8b08fe6c6c139a786d519c3633c7fb1ae18fdfe3fd34daf3c5d";
        assert_eq!(digest(&[-1024.0, 3071.0]).as_deref(), Some(expected));
        assert_eq!(digest(&[0.5]), None);
        assert_eq!(digest(&[40000.0]), None);
    }

    #[test]
    fn a_digest_of_a_uid_is_short() {
        assert_eq!(short_digest("1.2.3").len(), 12);
        assert_ne!(short_digest("1.2.3"), short_digest("1.2.4"));
    }
}
