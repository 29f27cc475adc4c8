//! The segments of a segmentation.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use pulmo_scan::dicom::{PutAttribute, decimals};
use pulmo_scan::findings::Side;

use super::colour::{self, Colour};
use super::concept::{
    ABNORMAL_STRUCTURE, ANATOMICAL_STRUCTURE, ARTIFICIAL_INTELLIGENCE, BACKGROUND, Concept, LUNG, NODULE,
};
use super::origin_study::OriginStudy;
use super::placed_mask::PlacedMask;
use super::{Algorithm, MeasuredNodule, ResultsError, ScanResults};

/// What follows one thing through reports and segmentations.
pub(crate) struct Tracking {
    /// Its name for people.
    pub(crate) identifier: String,
    /// Its name for machines.
    pub(crate) uid: String,
}

/// What a segment is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    Lung(Side),
    /// The nodule of this index.
    Nodule(usize),
}

/// One segment.
pub(crate) struct NumberedSegment<'a> {
    pub(crate) kind: SegmentKind,
    /// From 1 on, in the order of the segments.
    pub(crate) number: u16,
    pub(crate) voxels: PlacedMask<'a>,
    tracking: Tracking,
    side: Option<Side>,
}

/// The name of the nodule of an index.
pub(crate) fn nodule_tracking(study: &OriginStudy<'_>, results: &ScanResults<'_>, index: usize) -> Tracking {
    let centre = results.nodules.get(index).map_or(String::new(), |nodule| decimals(&nodule.centre_mm));
    Tracking {
        identifier: format!("Nodule {}", index + 1),
        uid: study.derived_uid(&[b"nodule", centre.as_bytes()]),
    }
}

/// The name of a lung.
pub(crate) fn lung_tracking(study: &OriginStudy<'_>, side: Side) -> Tracking {
    let identifier = format!("{} lung", Concept::of_side(side).meaning());
    let uid = study.derived_uid(&[b"lung", identifier.as_bytes()]);
    Tracking { identifier, uid }
}

/// Returns a segment for each lung and nodule that has a voxel: lungs first, left before right.
///
/// # Errors
/// [`ResultsError`] where a mask is not on the volume's grid, or there are too many.
pub(crate) fn segments<'a>(
    study: &OriginStudy<'_>,
    results: &ScanResults<'a>,
) -> Result<Vec<NumberedSegment<'a>>, ResultsError> {
    let lungs = results.lungs.iter().flat_map(|lungs| [(Side::Left, lungs.left), (Side::Right, lungs.right)]);
    let lungs = lungs.filter_map(|(side, mask)| Some((SegmentKind::Lung(side), mask?)));
    let nodule =
        |(index, nodule): (usize, &'a MeasuredNodule)| Some((SegmentKind::Nodule(index), nodule.voxels()?));
    let masks = lungs.chain(results.nodules.iter().enumerate().filter_map(nodule));
    let mut found = Vec::new();
    for (kind, mask) in masks.filter(|(_, mask)| mask.voxels().iter().any(|inside| *inside)) {
        let (tracking, side) = match kind {
            SegmentKind::Lung(side) => (lung_tracking(study, side), Some(side)),
            SegmentKind::Nodule(index) => {
                (nodule_tracking(study, results, index), results.nodules[index].side)
            }
        };
        let voxels = PlacedMask::on(results.volume.grid(), mask, &tracking.identifier.to_lowercase())?;
        let segments = found.len() + 1;
        let number = u16::try_from(segments).map_err(|_| ResultsError::TooManySegments { segments })?;
        found.push(NumberedSegment { kind, number, voxels, tracking, side });
    }
    Ok(found)
}

impl NumberedSegment<'_> {
    fn colour(&self) -> Colour {
        match self.kind {
            SegmentKind::Lung(Side::Left) => colour::LEFT_LUNG,
            SegmentKind::Lung(Side::Right) => colour::RIGHT_LUNG,
            SegmentKind::Nodule(_) => colour::NODULE,
        }
    }

    /// The segment as an item of a Segment Sequence.
    pub(crate) fn item(&self, algorithm: &Algorithm) -> InMemDicomObject {
        let described = |category: Concept, what: Concept| {
            description(self.number, &self.tracking.identifier, [category, what], self.colour())
        };
        let side = self.side.map(|side| Concept::of_side(side).item());
        let mut item = match self.kind {
            SegmentKind::Lung(_) => {
                let mut item = described(ANATOMICAL_STRUCTURE, LUNG);
                let mut lung = LUNG.item();
                lung.put_items(
                    tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
                    side.into_iter().collect(),
                );
                item.put_items(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![lung]);
                item
            }
            SegmentKind::Nodule(_) => {
                let mut item = described(ABNORMAL_STRUCTURE, NODULE);
                let mut region = LUNG.item();
                if let Some(side) = side {
                    region.put_items(tags::ANATOMIC_REGION_MODIFIER_SEQUENCE, vec![side]);
                }
                item.put_items(tags::ANATOMIC_REGION_SEQUENCE, vec![region]);
                item
            }
        };
        item.put_text(tags::TRACKING_ID, VR::UT, &self.tracking.identifier);
        item.put_text(tags::TRACKING_UID, VR::UI, &self.tracking.uid);
        item.put_items(tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE, vec![identification(algorithm)]);
        item
    }
}

/// What a label map's pixels of no segment are.
pub(crate) fn background() -> InMemDicomObject {
    description(0, "Background", [BACKGROUND; 2], colour::BLACK)
}

fn description(number: u16, label: &str, [category, what]: [Concept; 2], colour: Colour) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    item.put_number(tags::SEGMENT_NUMBER, number);
    item.put_text(tags::SEGMENT_LABEL, VR::LO, label);
    item.put_text(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, "AUTOMATIC");
    item.put_text(tags::SEGMENT_ALGORITHM_NAME, VR::LO, "pulmo");
    item.put_items(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, vec![category.item()]);
    item.put_items(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![what.item()]);
    let lab = PrimitiveValue::U16(colour.cielab().into_iter().collect());
    item.put_value(tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, VR::US, lab);
    item
}

fn identification(algorithm: &Algorithm) -> InMemDicomObject {
    let Algorithm { name, version, parameters } = algorithm;
    let mut item = InMemDicomObject::new_empty();
    item.put_items(tags::ALGORITHM_FAMILY_CODE_SEQUENCE, vec![ARTIFICIAL_INTELLIGENCE.item()]);
    item.put_text(tags::ALGORITHM_NAME, VR::LO, name);
    item.put_text(tags::ALGORITHM_VERSION, VR::LO, version);
    if !parameters.is_empty() {
        item.put_text(tags::ALGORITHM_PARAMETERS, VR::LT, &parameters.join("; "));
    }
    item
}
