//! Multi-frame CT: the frames of Enhanced and Legacy Converted Enhanced CT images.

use dicom_dictionary_std::tags;

use super::acquisition::frame_acquisition;
use super::attributes::{Attribute, Attributes, attribute};
use super::frames::Frames;
use super::gate::FileHeader;
use super::header::SliceDirections;
use super::identity::PatientStudy;
use super::{DicomError, SliceHeader, codec, header};

const SHARED: Attribute =
    attribute(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "Shared Functional Groups Sequence");
const PER_FRAME: Attribute =
    attribute(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "Per-Frame Functional Groups Sequence");
const POSITION: Attribute = attribute(tags::PLANE_POSITION_SEQUENCE, "Plane Position Sequence");
const ORIENTATION: Attribute = attribute(tags::PLANE_ORIENTATION_SEQUENCE, "Plane Orientation Sequence");
const MEASURES: Attribute = attribute(tags::PIXEL_MEASURES_SEQUENCE, "Pixel Measures Sequence");
const VALUES: Attribute =
    attribute(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, "Pixel Value Transformation Sequence");
const CONTENT: Attribute = attribute(tags::FRAME_CONTENT_SEQUENCE, "Frame Content Sequence");
const TYPE: Attribute = attribute(tags::CT_IMAGE_FRAME_TYPE_SEQUENCE, "CT Image Frame Type Sequence");
const RECONSTRUCTION: Attribute = attribute(tags::CT_RECONSTRUCTION_SEQUENCE, "CT Reconstruction Sequence");
const FRAME_TYPE: Attribute = attribute(tags::FRAME_TYPE, "Frame Type");

/// One frame of a multi-frame object.
#[derive(Debug)]
pub(super) enum Frame {
    /// A slice.
    Slice(Box<SliceHeader>),
    /// A localizer among the slices.
    Localizer,
}

/// Reads what the functional groups say of each frame, in the order in which the frames are stored.
/// A frame's own group goes before the one that all frames share.
///
/// # Errors
/// [`DicomError`] where any frame lacks a group that a slice needs: then no order can be trusted.
///
/// # References
/// DICOM PS3.3 A.38 (Enhanced CT), A.70 (Legacy Converted Enhanced CT), C.7.6.16 (functional groups).
pub(super) fn frames(header: &FileHeader) -> Result<Vec<Frame>, DicomError> {
    let object = Attributes(&header.data_set);
    codec::check_supported(&header.transfer_syntax)?;
    let pixels = Frames::of(header)?;
    let shared = object.item(SHARED);
    let own = object.items(PER_FRAME);
    if own.len() != pixels.count() {
        return Err(missing(PER_FRAME));
    }
    own.iter().map(|own| Groups { object, shared, own: Attributes(own) }.frame(header, &pixels)).collect()
}

/// Where the attributes of one frame stand.
struct Groups<'a> {
    object: Attributes<'a>,
    shared: Option<Attributes<'a>>,
    own: Attributes<'a>,
}

impl<'a> Groups<'a> {
    fn get(&self, group: Attribute) -> Option<Attributes<'a>> {
        self.own.item(group).or_else(|| self.shared?.item(group))
    }

    fn needed(&self, group: Attribute) -> Result<Attributes<'a>, DicomError> {
        self.get(group).ok_or(missing(group))
    }

    fn frame(&self, header: &FileHeader, pixels: &Frames) -> Result<Frame, DicomError> {
        if self.get(TYPE).is_some_and(|group| header::is_localizer(group, FRAME_TYPE)) {
            return Ok(Frame::Localizer);
        }
        let SliceDirections { row, column } = header::orientation(self.needed(ORIENTATION)?)?;
        let values = self.needed(VALUES)?;
        let marked: Vec<Attributes<'a>> = [RECONSTRUCTION, TYPE, MEASURES, CONTENT]
            .into_iter()
            .filter_map(|group| self.get(group))
            .collect();
        Ok(Frame::Slice(Box::new(SliceHeader {
            patient_study: PatientStudy::of(self.object),
            frame_of_reference: header::frame_of_reference(self.object)?,
            position_mm: header::position(self.needed(POSITION)?)?,
            row_direction: row,
            column_direction: column,
            pixel_spacing_mm: header::pixel_spacing(self.needed(MEASURES)?)?,
            format: pixels.format(),
            rescale: header::rescale(values)?,
            units: header::units(values)?,
            padding: header::padding(self.object, pixels.format())?,
            lossy: header::is_lossy(self.object)?,
            acquisition: frame_acquisition(&marked, self.object),
            warnings: header.warnings.clone(),
        })))
    }
}

fn missing(group: Attribute) -> DicomError {
    DicomError::FunctionalGroup { name: group.name }
}
