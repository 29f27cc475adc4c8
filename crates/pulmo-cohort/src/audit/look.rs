//! What is measured of one case: its signature, and the properties that should not tell its class.

use std::path::Path;

use super::Signature;
use pulmo_scan::dicom::describe;
use pulmo_scan::files::{VolumeFormat, picture_encoding};
use pulmo_scan::geometry::Unit;
use pulmo_scan::intake::{Item, Loaded};

/// The properties of a case, in the order of [`Look::properties`].
pub const PROPERTIES: [&str; 13] = [
    "file_format",
    "colour_mode",
    "bit_depth",
    "transfer_syntax",
    "kernel",
    "rows",
    "columns",
    "aspect",
    "slices",
    "pixel_spacing_mm",
    "slice_spacing_mm",
    "mean_intensity",
    "file_bytes",
];

/// One property of one case.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyValue {
    /// A number.
    Number(f64),
    /// A word: an element of a set without order.
    Word(String),
    /// The case has none.
    Missing,
}

/// The properties of one case, as [`PROPERTIES`] names them. `aspect` is columns / rows;
/// `mean_intensity` a share of white for pictures and Hounsfield units for CT.
pub type Properties = [PropertyValue; PROPERTIES.len()];

/// What was measured of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What tells the image again.
    pub signature: Signature,
    /// How it is stored and made.
    pub properties: Properties,
}

impl From<Option<f64>> for PropertyValue {
    fn from(number: Option<f64>) -> Self {
        number.filter(|number| number.is_finite()).map_or(Self::Missing, Self::Number)
    }
}

impl From<Option<&str>> for PropertyValue {
    fn from(word: Option<&str>) -> Self {
        word.map_or(Self::Missing, |word| Self::Word(word.to_owned()))
    }
}

impl Look {
    /// Measures a case that was opened.
    pub fn at(item: &Item, loaded: &Loaded) -> Self {
        Self { signature: Signature::of(loaded.volume.voxels()), properties: properties(item, loaded) }
    }
}

/// How a case is stored and made.
pub fn properties(item: &Item, loaded: &Loaded) -> Properties {
    let grid = loaded.volume.grid();
    let [slices, rows, columns] = grid.shape_zyx().map(|side| side as f64);
    let spacing = grid.spacing_mm();
    let spacing =
        |axis: usize| PropertyValue::from((grid.unit() == Unit::Millimetre).then_some(spacing[axis]));
    let values = loaded.volume.as_slice();
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64;
    let encoding = item.file().and_then(|file| picture_encoding(file).ok());
    let described = item.series().and_then(|series| describe(&series.slices.first()?.path).ok());
    let described = described.as_ref();
    let format = encoding.map(|encoding| encoding.format).or(described.map(|_| "DICOM"));
    [
        PropertyValue::from(format.or(item.volume_format().map(volume_format))),
        PropertyValue::from(encoding.map(|encoding| encoding.colour)),
        PropertyValue::from(encoding.map(|encoding| f64::from(encoding.bits))),
        PropertyValue::from(described.map(|described| described.transfer_syntax.as_str())),
        PropertyValue::from(described.and_then(|described| described.kernel.as_deref())),
        PropertyValue::Number(rows),
        PropertyValue::Number(columns),
        PropertyValue::Number(columns / rows),
        PropertyValue::Number(slices),
        spacing(1),
        if slices > 1.0 { spacing(0) } else { PropertyValue::Missing },
        PropertyValue::from(Some(mean / loaded.max_value.map_or(1.0, f64::from))),
        PropertyValue::from(bytes(item)),
    ]
}

fn volume_format(format: VolumeFormat) -> &'static str {
    match format {
        VolumeFormat::Npy => "npy",
        VolumeFormat::Npz => "npz",
        VolumeFormat::Nifti => "NIfTI",
        VolumeFormat::MetaImage => "MetaImage",
        VolumeFormat::Nrrd => "NRRD",
    }
}

/// Bytes of all files of the item.
fn bytes(item: &Item) -> Option<f64> {
    let size = |path: &Path| std::fs::metadata(path).ok().map(|file| file.len() as f64);
    match item.series() {
        Some(series) => series.slices.iter().map(|slice| size(&slice.path)).sum(),
        None => size(item.file()?),
    }
}
