//! What a slice's header says: the facts that series, geometry and Hounsfield units need.

use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};
use glam::DVec3;

use super::attributes::{Attribute, Attributes};
use super::open::DataSet;
use super::{AttributeError, DicomError, PixelPadding, Rescale, codec};
use crate::findings::Code;

/// Largest number of rows or columns accepted.
pub const MAX_SIDE: u16 = 4096;

/// Deviation from orthonormal accepted in Image Orientation (Patient).
const ORTHONORMAL_WITHIN: f64 = 1e-3;

const fn attribute(tag: Tag, name: &'static str) -> Attribute {
    Attribute { tag, name }
}

const SOP_CLASS: Attribute = attribute(tags::SOP_CLASS_UID, "SOP Class UID");
const MODALITY: Attribute = attribute(tags::MODALITY, "Modality");
const IMAGE_TYPE: Attribute = attribute(tags::IMAGE_TYPE, "Image Type");
const SERIES: Attribute = attribute(tags::SERIES_INSTANCE_UID, "Series Instance UID");
const FRAME_OF_REFERENCE: Attribute = attribute(tags::FRAME_OF_REFERENCE_UID, "Frame of Reference UID");
const POSITION: Attribute = attribute(tags::IMAGE_POSITION_PATIENT, "Image Position (Patient)");
const ORIENTATION: Attribute = attribute(tags::IMAGE_ORIENTATION_PATIENT, "Image Orientation (Patient)");
const PIXEL_SPACING: Attribute = attribute(tags::PIXEL_SPACING, "Pixel Spacing");
const ROWS: Attribute = attribute(tags::ROWS, "Rows");
const COLUMNS: Attribute = attribute(tags::COLUMNS, "Columns");
const SAMPLES: Attribute = attribute(tags::SAMPLES_PER_PIXEL, "Samples per Pixel");
const FRAMES: Attribute = attribute(tags::NUMBER_OF_FRAMES, "Number of Frames");
const BITS_ALLOCATED: Attribute = attribute(tags::BITS_ALLOCATED, "Bits Allocated");
const BITS_STORED: Attribute = attribute(tags::BITS_STORED, "Bits Stored");
const HIGH_BIT: Attribute = attribute(tags::HIGH_BIT, "High Bit");
const REPRESENTATION: Attribute = attribute(tags::PIXEL_REPRESENTATION, "Pixel Representation");
const SLOPE: Attribute = attribute(tags::RESCALE_SLOPE, "Rescale Slope");
const INTERCEPT: Attribute = attribute(tags::RESCALE_INTERCEPT, "Rescale Intercept");
const RESCALE_TYPE: Attribute = attribute(tags::RESCALE_TYPE, "Rescale Type");
const MODALITY_LUT: Attribute = attribute(tags::MODALITY_LUT_SEQUENCE, "Modality LUT Sequence");
const PADDING: Attribute = attribute(tags::PIXEL_PADDING_VALUE, "Pixel Padding Value");
const PADDING_LIMIT: Attribute = attribute(tags::PIXEL_PADDING_RANGE_LIMIT, "Pixel Padding Range Limit");
const LOSSY: Attribute = attribute(tags::LOSSY_IMAGE_COMPRESSION, "Lossy Image Compression");

/// How pixels are stored: checked before any decoder sees them.
///
/// # References
/// DICOM PS3.3 C.7.6.3 (Image Pixel module), PS3.5 section 8.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    /// Rows, 1 to [`MAX_SIDE`].
    pub rows: u16,
    /// Columns, 1 to [`MAX_SIDE`].
    pub columns: u16,
    /// Bits of one sample's storage: 8 or 16.
    pub bits_allocated: u16,
    /// Bits that hold the value, 1 to `bits_allocated`, from bit 0 on.
    pub bits_stored: u16,
    /// Whether values are two's complement.
    pub signed: bool,
}

impl PixelFormat {
    /// Samples of one frame.
    pub fn samples(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Bytes of one uncompressed frame.
    pub fn bytes(&self) -> usize {
        self.samples() * usize::from(self.bits_allocated / 8)
    }
}

/// What one CT slice's header says.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceHeader {
    /// Frame of Reference UID, where there is one.
    pub frame_of_reference: Option<String>,
    /// Centre of the first voxel in LPS millimetres.
    pub position_mm: DVec3,
    /// Unit direction of growing column index.
    pub row_direction: DVec3,
    /// Unit direction of growing row index.
    pub column_direction: DVec3,
    /// Distance between rows, then between columns, in millimetres.
    pub pixel_spacing_mm: [f64; 2],
    /// How pixels are stored.
    pub format: PixelFormat,
    /// Rescale slope and intercept; `None` where either is missing.
    pub rescale: Option<Rescale>,
    /// Whether rescaled values are Hounsfield units, as far as the header says.
    pub hounsfield: bool,
    /// The stored values that mark pixels outside the reconstruction.
    pub padding: Option<PixelPadding>,
    /// Whether the pixels were once compressed with loss.
    pub lossy: bool,
}

impl SliceHeader {
    /// Unit normal of the slice: row direction x column direction.
    pub fn normal(&self) -> DVec3 {
        self.row_direction.cross(self.column_direction).normalize()
    }
}

/// What kind of object a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Ct,
    Localizer,
    Directory,
    Other,
}

/// Tells CT images from everything else (rule 1 of the geometry rules).
pub(super) fn object_kind(data_set: &DataSet) -> ObjectKind {
    let attributes = Attributes(&data_set.object);
    let class = attributes.text(SOP_CLASS).ok().flatten();
    let class = class.as_deref().unwrap_or_default();
    if class == uids::MEDIA_STORAGE_DIRECTORY_STORAGE || attributes.contains(DIRECTORY) {
        return ObjectKind::Directory;
    }
    let is_ct_class = [
        uids::CT_IMAGE_STORAGE,
        uids::ENHANCED_CT_IMAGE_STORAGE,
        uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
        "",
    ]
    .contains(&class);
    if !is_ct_class || attributes.text(MODALITY).ok().flatten().as_deref() != Some("CT") {
        return ObjectKind::Other;
    }
    let image_type = attributes.texts(IMAGE_TYPE).ok().flatten().unwrap_or_default();
    let is_localizer = image_type.iter().any(|word| word.trim().eq_ignore_ascii_case("LOCALIZER"));
    if is_localizer { ObjectKind::Localizer } else { ObjectKind::Ct }
}

const DIRECTORY: Attribute = attribute(tags::DIRECTORY_RECORD_SEQUENCE, "Directory Record Sequence");

/// Series Instance UID; `None` where it is missing or empty.
pub(super) fn series_uid(data_set: &DataSet) -> Option<String> {
    Attributes(&data_set.object).text(SERIES).ok().flatten()
}

/// Reads all that a CT slice needs.
pub(super) fn slice_header(data_set: &DataSet) -> Result<SliceHeader, DicomError> {
    let attributes = Attributes(&data_set.object);
    check_single_frame(data_set)?;
    codec::check_supported(&data_set.transfer_syntax)?;
    let format = pixel_format(data_set)?;
    let (row_direction, column_direction) = orientation(attributes)?;
    Ok(SliceHeader {
        frame_of_reference: attributes.text(FRAME_OF_REFERENCE).map_err(malformed)?,
        position_mm: position(attributes)?,
        row_direction,
        column_direction,
        pixel_spacing_mm: pixel_spacing(attributes)?,
        format,
        rescale: rescale(attributes)?,
        hounsfield: is_hounsfield(attributes)?,
        padding: padding(attributes, format)?,
        lossy: attributes.text(LOSSY).map_err(malformed)?.as_deref() == Some("01"),
    })
}

/// Refuses multi-frame objects.
pub(super) fn check_single_frame(data_set: &DataSet) -> Result<(), DicomError> {
    match Attributes(&data_set.object).integer(FRAMES).map_err(malformed)? {
        None | Some(1) => Ok(()),
        Some(frames) => Err(DicomError::MultiFrame { frames }),
    }
}

/// Reads and checks how pixels are stored.
pub(super) fn pixel_format(data_set: &DataSet) -> Result<PixelFormat, DicomError> {
    let read = |attribute, code| {
        Attributes(&data_set.object).unsigned(attribute).map_err(|source| coded(source, code))
    };
    let [rows, columns, samples] =
        [read(ROWS, Code::Dimensions)?, read(COLUMNS, Code::Dimensions)?, read(SAMPLES, Code::Dimensions)?];
    let sides = 1..=MAX_SIDE;
    if !sides.contains(&rows) || !sides.contains(&columns) || samples != 1 {
        return Err(DicomError::Dimensions { rows, columns, samples });
    }
    let allocated = read(BITS_ALLOCATED, Code::Bits)?;
    let stored = read(BITS_STORED, Code::Bits)?;
    let high = read(HIGH_BIT, Code::Bits)?;
    let representation = read(REPRESENTATION, Code::Bits)?;
    let fits = [8, 16].contains(&allocated) && (1..=allocated).contains(&stored) && high == stored - 1;
    if !fits || representation > 1 {
        return Err(DicomError::Bits { allocated, stored, high, representation });
    }
    let signed = representation == 1;
    Ok(PixelFormat { rows, columns, bits_allocated: allocated, bits_stored: stored, signed })
}

fn position(attributes: Attributes<'_>) -> Result<DVec3, DicomError> {
    let position = attributes.decimals::<3>(POSITION).map_err(|source| match source {
        AttributeError::Number { .. } => coded(source, Code::DecimalString),
        _ => coded(source, Code::NoPosition),
    })?;
    Ok(DVec3::from_array(position))
}

fn orientation(attributes: Attributes<'_>) -> Result<(DVec3, DVec3), DicomError> {
    let [a, b, c, d, e, f] =
        attributes.decimals::<6>(ORIENTATION).map_err(|source| coded(source, Code::Orientation))?;
    let (row, column) = (DVec3::new(a, b, c), DVec3::new(d, e, f));
    let off = [row.length() - 1.0, column.length() - 1.0, row.dot(column)];
    if off.iter().any(|off| off.abs() >= ORTHONORMAL_WITHIN) {
        return Err(DicomError::Orientation {
            row: row.length(),
            column: column.length(),
            dot: row.dot(column),
        });
    }
    Ok((row.normalize(), column.normalize()))
}

fn pixel_spacing(attributes: Attributes<'_>) -> Result<[f64; 2], DicomError> {
    let [row_mm, column_mm] = attributes.decimals::<2>(PIXEL_SPACING).map_err(|source| match source {
        AttributeError::Number { .. } => coded(source, Code::DecimalString),
        _ => coded(source, Code::PixelSpacing),
    })?;
    if row_mm <= 0.0 || column_mm <= 0.0 {
        return Err(DicomError::PixelSpacing { row_mm, column_mm });
    }
    Ok([row_mm, column_mm])
}

fn rescale(attributes: Attributes<'_>) -> Result<Option<Rescale>, DicomError> {
    let read = |attribute| match attributes.decimal(attribute) {
        Ok(value) => Ok(Some(value)),
        Err(AttributeError::Missing { .. }) => Ok(None),
        Err(source) => Err(coded(source, Code::DecimalString)),
    };
    let (slope, intercept) = (read(SLOPE)?, read(INTERCEPT)?);
    match slope {
        Some(slope) if slope <= 0.0 => Err(DicomError::Slope { slope }),
        _ => Ok(slope.zip(intercept).map(|(slope, intercept)| Rescale { slope, intercept })),
    }
}

/// `HU` is the standard's term; the unit's name written out (`Hounsfield`, and as one vendor has
/// it `Houndsfield Unit`) says the same. Missing or empty means HU for CT (PS3.3 C.8.2.1.1.2).
fn is_hounsfield(attributes: Attributes<'_>) -> Result<bool, DicomError> {
    let said = attributes.text(RESCALE_TYPE).map_err(malformed)?.map(|text| text.to_ascii_uppercase());
    let is_hu = said.is_none_or(|said| said == "HU" || said.starts_with("HOUN"));
    Ok(is_hu && !attributes.contains(MODALITY_LUT))
}

fn padding(attributes: Attributes<'_>, format: PixelFormat) -> Result<Option<PixelPadding>, DicomError> {
    let read = |attribute| match attributes.unsigned(attribute) {
        Ok(word) => Ok(Some(word)),
        Err(AttributeError::Missing { .. } | AttributeError::Empty { .. }) => Ok(None),
        Err(source) => Err(malformed(source)),
    };
    let (value, limit) = (read(PADDING)?, read(PADDING_LIMIT)?);
    Ok(value.map(|value| PixelPadding::new([value, limit.unwrap_or(value)], format)))
}

fn malformed(source: AttributeError) -> DicomError {
    coded(source, Code::Malformed)
}

/// The error of an attribute whose absence means `code`; a wrong kind is always `MALFORMED`.
fn coded(source: AttributeError, code: Code) -> DicomError {
    let code = if matches!(source, AttributeError::Kind { .. }) { Code::Malformed } else { code };
    DicomError::Attribute { code, source }
}
