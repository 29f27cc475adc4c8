//! What a slice's header says: the facts that series, geometry and Hounsfield units need.

use std::io::{Read, Seek};

use dicom_dictionary_std::{tags, uids};
use glam::DVec3;

use super::acquisition::acquisition;
use super::attributes::{Attribute, Attributes, attribute};
use super::frames::Frames;
use super::gate::{DataSet, FileHeader, read_file_header};
use super::identity::PatientStudy;
use super::pixel_format::check_single_frame;
use super::{Acquisition, AttributeError, DicomError, PixelFormat, PixelPadding, Rescale, Units, codec};
use crate::findings::Code;

/// Deviation from orthonormal accepted in Image Orientation (Patient).
const ORTHONORMAL_WITHIN: f64 = 1e-3;

const SOP_CLASS: Attribute = attribute(tags::SOP_CLASS_UID, "SOP Class UID");
const MODALITY: Attribute = attribute(tags::MODALITY, "Modality");
const IMAGE_TYPE: Attribute = attribute(tags::IMAGE_TYPE, "Image Type");
const SERIES: Attribute = attribute(tags::SERIES_INSTANCE_UID, "Series Instance UID");
const FRAME_OF_REFERENCE: Attribute = attribute(tags::FRAME_OF_REFERENCE_UID, "Frame of Reference UID");
const POSITION: Attribute = attribute(tags::IMAGE_POSITION_PATIENT, "Image Position (Patient)");
const ORIENTATION: Attribute = attribute(tags::IMAGE_ORIENTATION_PATIENT, "Image Orientation (Patient)");
const PIXEL_SPACING: Attribute = attribute(tags::PIXEL_SPACING, "Pixel Spacing");
const SLOPE: Attribute = attribute(tags::RESCALE_SLOPE, "Rescale Slope");
const INTERCEPT: Attribute = attribute(tags::RESCALE_INTERCEPT, "Rescale Intercept");
const RESCALE_TYPE: Attribute = attribute(tags::RESCALE_TYPE, "Rescale Type");
const MODALITY_LUT: Attribute = attribute(tags::MODALITY_LUT_SEQUENCE, "Modality LUT Sequence");
const PADDING: Attribute = attribute(tags::PIXEL_PADDING_VALUE, "Pixel Padding Value");
const PADDING_LIMIT: Attribute = attribute(tags::PIXEL_PADDING_RANGE_LIMIT, "Pixel Padding Range Limit");
const LOSSY: Attribute = attribute(tags::LOSSY_IMAGE_COMPRESSION, "Lossy Image Compression");

/// What one CT slice's header says.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceHeader {
    /// Whose image it is, as far as it says.
    pub patient_study: PatientStudy,
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
    /// The unit of rescaled values, as far as the header says.
    pub units: Units,
    /// The stored values that mark pixels outside the reconstruction.
    pub padding: Option<PixelPadding>,
    /// Whether the pixels were once compressed with loss.
    pub lossy: bool,
    /// What tells it from slices of other reconstructions and phases.
    pub acquisition: Acquisition,
    /// What was seen in the file and passed over.
    pub warnings: Vec<Code>,
}

impl SliceHeader {
    /// Reads the header of a single-frame CT image.
    ///
    /// # Errors
    /// [`DicomError`] where the content is not DICOM, breaks its rules, is no CT image, or an
    /// attribute that a slice needs is missing or wrong.
    pub fn read<R: Read + Seek>(source: R) -> Result<Self, DicomError> {
        let header = read_file_header(source)?.ok_or(DicomError::NotDicom)?;
        match object_kind(&header.data_set) {
            ObjectKind::Ct | ObjectKind::Enhanced => slice_header(&header),
            ObjectKind::Localizer => Err(DicomError::Localizer),
            ObjectKind::Directory | ObjectKind::Other => Err(DicomError::NotCt),
        }
    }

    /// Unit normal of the slice: row direction x column direction.
    pub fn normal(&self) -> DVec3 {
        self.row_direction.cross(self.column_direction).normalize()
    }
}

/// What kind of object a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Ct,
    Enhanced,
    Localizer,
    Directory,
    Other,
}

/// Tells CT images from everything else (rule 1 of the geometry rules).
pub(super) fn object_kind(data_set: &DataSet) -> ObjectKind {
    let attributes = Attributes(data_set);
    let class = attributes.text(SOP_CLASS).ok().flatten();
    let class = class.as_deref().unwrap_or_default();
    if class == uids::MEDIA_STORAGE_DIRECTORY_STORAGE || attributes.contains(DIRECTORY) {
        return ObjectKind::Directory;
    }
    let is_enhanced =
        [uids::ENHANCED_CT_IMAGE_STORAGE, uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE].contains(&class);
    let is_ct_class = is_enhanced || [uids::CT_IMAGE_STORAGE, ""].contains(&class);
    if !is_ct_class || attributes.text(MODALITY).ok().flatten().as_deref() != Some("CT") {
        return ObjectKind::Other;
    }
    match (is_localizer(attributes, IMAGE_TYPE), is_enhanced) {
        (true, _) => ObjectKind::Localizer,
        (false, true) => ObjectKind::Enhanced,
        (false, false) => ObjectKind::Ct,
    }
}

/// Whether Image Type (of a frame: Frame Type) says that the image is a localizer.
pub(super) fn is_localizer(attributes: Attributes<'_>, image_type: Attribute) -> bool {
    let words = attributes.texts(image_type).ok().flatten().unwrap_or_default();
    words.iter().any(|word| word.trim().eq_ignore_ascii_case("LOCALIZER"))
}

const DIRECTORY: Attribute = attribute(tags::DIRECTORY_RECORD_SEQUENCE, "Directory Record Sequence");

/// Whether a data set names its series.
pub(super) fn names_series(data_set: &DataSet) -> bool {
    Attributes(data_set).contains(SERIES)
}

/// Whether a data set names its modality.
pub(super) fn has_modality(data_set: &DataSet) -> bool {
    Attributes(data_set).contains(MODALITY)
}

/// Series Instance UID; `None` where it is missing or empty.
pub(super) fn series_uid(header: &FileHeader) -> Option<String> {
    Attributes(&header.data_set).text(SERIES).ok().flatten()
}

/// Reads all that a CT slice needs.
pub(super) fn slice_header(header: &FileHeader) -> Result<SliceHeader, DicomError> {
    let attributes = Attributes(&header.data_set);
    check_single_frame(header)?;
    codec::check_supported(&header.transfer_syntax)?;
    let format = Frames::of(header)?.format();
    let SliceDirections { row, column } = orientation(attributes)?;
    Ok(SliceHeader {
        patient_study: PatientStudy::of(attributes),
        frame_of_reference: frame_of_reference(attributes)?,
        position_mm: position(attributes)?,
        row_direction: row,
        column_direction: column,
        pixel_spacing_mm: pixel_spacing(attributes)?,
        format,
        rescale: rescale(attributes)?,
        units: units(attributes)?,
        padding: padding(attributes, format)?,
        lossy: is_lossy(attributes)?,
        acquisition: acquisition(attributes),
        warnings: header.warnings.clone(),
    })
}

/// Frame of Reference UID, where there is one.
pub(super) fn frame_of_reference(attributes: Attributes<'_>) -> Result<Option<String>, DicomError> {
    attributes.text(FRAME_OF_REFERENCE).map_err(malformed)
}

/// Whether the pixels were once compressed with loss.
pub(super) fn is_lossy(attributes: Attributes<'_>) -> Result<bool, DicomError> {
    Ok(attributes.text(LOSSY).map_err(malformed)?.as_deref() == Some("01"))
}

/// Image Position (Patient) in millimetres.
pub(super) fn position(attributes: Attributes<'_>) -> Result<DVec3, DicomError> {
    let position = attributes.decimals::<3>(POSITION).map_err(|source| match source {
        AttributeError::Number { .. } => DicomError::attribute(source, Code::DecimalString),
        _ => DicomError::attribute(source, Code::NoPosition),
    })?;
    Ok(DVec3::from_array(position))
}

/// The unit directions of growing column index, along a row, and of growing row index.
pub(super) struct SliceDirections {
    pub(super) row: DVec3,
    pub(super) column: DVec3,
}

/// Reads the directions of a slice.
pub(super) fn orientation(attributes: Attributes<'_>) -> Result<SliceDirections, DicomError> {
    let [a, b, c, d, e, f] = attributes
        .decimals::<6>(ORIENTATION)
        .map_err(|source| DicomError::attribute(source, Code::Orientation))?;
    let (row, column) = (DVec3::new(a, b, c), DVec3::new(d, e, f));
    let off = [row.length() - 1.0, column.length() - 1.0, row.dot(column)];
    if off.iter().any(|off| off.abs() >= ORTHONORMAL_WITHIN) {
        return Err(DicomError::Orientation {
            row: row.length(),
            column: column.length(),
            dot: row.dot(column),
        });
    }
    Ok(SliceDirections { row: row.normalize(), column: column.normalize() })
}

/// The distance between rows, then between columns, in millimetres.
pub(super) fn pixel_spacing(attributes: Attributes<'_>) -> Result<[f64; 2], DicomError> {
    let [row_mm, column_mm] = attributes.decimals::<2>(PIXEL_SPACING).map_err(|source| match source {
        AttributeError::Number { .. } => DicomError::attribute(source, Code::DecimalString),
        _ => DicomError::attribute(source, Code::PixelSpacing),
    })?;
    if row_mm <= 0.0 || column_mm <= 0.0 {
        return Err(DicomError::PixelSpacing { row_mm, column_mm });
    }
    Ok([row_mm, column_mm])
}

/// Rescale slope and intercept; `None` where either is missing.
pub(super) fn rescale(attributes: Attributes<'_>) -> Result<Option<Rescale>, DicomError> {
    let read = |attribute| match attributes.decimal(attribute) {
        Ok(value) => Ok(Some(value)),
        Err(AttributeError::Missing { .. }) => Ok(None),
        Err(source) => Err(DicomError::attribute(source, Code::DecimalString)),
    };
    let (slope, intercept) = (read(SLOPE)?, read(INTERCEPT)?);
    match slope {
        Some(slope) if slope <= 0.0 => Err(DicomError::Slope { slope }),
        _ => Ok(slope.zip(intercept).map(|(slope, intercept)| Rescale { slope, intercept })),
    }
}

/// The unit that Rescale Type names; a modality look-up table gives no Hounsfield units.
pub(super) fn units(attributes: Attributes<'_>) -> Result<Units, DicomError> {
    if attributes.contains(MODALITY_LUT) {
        return Ok(Units::Other);
    }
    Ok(Units::of_rescale_type(attributes.text(RESCALE_TYPE).map_err(malformed)?.as_deref()))
}

/// The stored values that the header declares as padding.
pub(super) fn padding(
    attributes: Attributes<'_>,
    format: PixelFormat,
) -> Result<Option<PixelPadding>, DicomError> {
    let [value, limit] = [PADDING, PADDING_LIMIT].map(|attribute| attributes.pattern(attribute));
    let (value, limit) = (value.map_err(malformed)?, limit.map_err(malformed)?);
    Ok(value.map(|value| PixelPadding::new([value, limit.unwrap_or(value)], format)))
}

fn malformed(source: AttributeError) -> DicomError {
    DicomError::attribute(source, Code::Malformed)
}
