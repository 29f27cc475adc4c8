//! What was measured on one lung or nodule.
//!
//! # References
//! DICOM PS3.16 TID 1410 (planar regions), 1411 (volumes), 1419 (their measurements), 4019 (algorithms).

use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use glam::DVec3;
use pulmo_scan::dicom::{DicomObject, PutAttribute};
use pulmo_scan::findings::Side;

use super::concept::{
    ABNORMAL_STRUCTURE, ALGORITHM_NAME, ALGORITHM_PARAMETERS, ALGORITHM_VERSION, ANATOMICAL_STRUCTURE,
    ATTENUATION, CENTRE, CERTAINTY, CUBIC_MILLIMETRE, Concept, DIAMETER, FINDING, FINDING_CATEGORY,
    FINDING_SITE, GROUP, HOUNSFIELD, IMAGE_REGION, LATERALITY, LONG_AXIS, LUNG, MILLIMETRE, NODULE, PERCENT,
    REFERENCED_SEGMENT, SHORT_AXIS, SOURCE_IMAGE, SOURCE_OF_MEASUREMENT, SOURCE_SERIES, TEXTURE,
    TRACKING_IDENTIFIER, TRACKING_UID, VOLUME,
};
use super::content::{Point, Quantity, Relation, ReportItem};
use super::frames::SegmentFrames;
use super::origin_study::OriginStudy;
use super::segments::{NumberedSegment, Tracking};
use super::{Algorithm, MeasuredNodule};

/// What groups refer to.
pub(crate) struct Referred<'a> {
    pub(crate) study: &'a OriginStudy<'a>,
    pub(crate) frames: &'a SegmentFrames<'a>,
    /// The segmentation, where there is one.
    pub(crate) segmentation: Option<&'a DicomObject>,
}

impl Referred<'_> {
    /// A segment, and the images that it was made of; their series where no frame of it lies on an image.
    fn region(&self, segment: &NumberedSegment<'_>) -> Vec<ReportItem> {
        let Some(segmentation) = self.segmentation else { return Vec::new() };
        let mut reference = InMemDicomObject::new_empty();
        reference.put_text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, segmentation.sop_class());
        reference.put_text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, segmentation.sop_instance());
        reference.put_number(tags::REFERENCED_SEGMENT_NUMBER, segment.number);
        let slices = segment.voxels.slices().filter(|z| segment.voxels.slice(*z).is_some());
        let images = slices.filter_map(|z| self.frames.reference(z));
        let mut sources: Vec<_> =
            images.map(|image| ReportItem::image(SOURCE_IMAGE, image.clone())).collect();
        if sources.is_empty() {
            let series = self.study.series.element(tags::SERIES_INSTANCE_UID);
            let uid = series.ok().and_then(|series| series.to_str().ok()).unwrap_or_default();
            sources.push(ReportItem::uid(SOURCE_SERIES, &uid));
        }
        std::iter::once(ReportItem::image(REFERENCED_SEGMENT, reference)).chain(sources).collect()
    }

    fn point(&self, name: Concept, position_mm: [f64; 3]) -> ReportItem {
        let position_mm = DVec3::from(position_mm);
        ReportItem::point(name, &Point { position_mm, frame_of_reference: &self.study.frame_of_reference })
    }
}

/// Returns the group of a nodule; `segment` is its own, where it has one.
pub(crate) fn nodule_group(
    referred: &Referred<'_>,
    nodule: &MeasuredNodule,
    tracking: &Tracking,
    segment: Option<&NumberedSegment<'_>>,
) -> ReportItem {
    let zone = nodule.zone.map(|zone| site(Concept::of_zone(zone), nodule.side));
    let sites = std::iter::once(site(LUNG, nodule.side)).chain(zone);
    let group = head(tracking, [ABNORMAL_STRUCTURE, NODULE])
        .with_all(Relation::ConceptModifier, sites)
        .with_all(Relation::ConceptModifier, algorithm_items(referred.study.algorithm()));
    let key_image = segment.and_then(|segment| referred.frames.reference(segment.voxels.largest_slice()?));
    let group = match segment {
        Some(segment) => group
            .of_template("1411")
            .with_all(Relation::Contains, referred.region(segment))
            .with(Relation::Contains, referred.point(CENTRE, nodule.centre_mm)),
        None => {
            group.of_template("1410").with(Relation::Contains, referred.point(IMAGE_REGION, nodule.centre_mm))
        }
    };
    let density = nodule.density.map(|density| ReportItem::code(TEXTURE, Concept::of_density(density)));
    group.with_all(Relation::Contains, measurements(nodule, key_image)).with_all(Relation::Contains, density)
}

/// Returns the group of a lung.
pub(crate) fn lung_group(
    referred: &Referred<'_>,
    segment: &NumberedSegment<'_>,
    tracking: &Tracking,
    side: Side,
) -> ReportItem {
    let volume = Quantity { value: segment.voxels.volume_mm3(), unit: CUBIC_MILLIMETRE };
    head(tracking, [ANATOMICAL_STRUCTURE, LUNG])
        .of_template("1411")
        .with(Relation::ConceptModifier, site(LUNG, Some(side)))
        .with_all(Relation::ConceptModifier, algorithm_items(referred.study.algorithm()))
        .with_all(Relation::Contains, referred.region(segment))
        .with(Relation::Contains, ReportItem::number(VOLUME, volume))
}

/// How a group begins: what it follows, and what that is.
fn head(tracking: &Tracking, [category, what]: [Concept; 2]) -> ReportItem {
    ReportItem::container(GROUP)
        .with(Relation::ObservationContext, ReportItem::text(TRACKING_IDENTIFIER, &tracking.identifier))
        .with(Relation::ObservationContext, ReportItem::uid(TRACKING_UID, &tracking.uid))
        .with(Relation::Contains, ReportItem::code(FINDING_CATEGORY, category))
        .with(Relation::Contains, ReportItem::code(FINDING, what))
}

fn site(place: Concept, side: Option<Side>) -> ReportItem {
    let side = side.map(|side| ReportItem::code(LATERALITY, Concept::of_side(side)));
    ReportItem::code(FINDING_SITE, place).with_all(Relation::ConceptModifier, side)
}

/// The items of TID 4019.
pub(crate) fn algorithm_items(algorithm: &Algorithm) -> Vec<ReportItem> {
    let Algorithm { name, version, parameters } = algorithm;
    let named = [ReportItem::text(ALGORITHM_NAME, name), ReportItem::text(ALGORITHM_VERSION, version)];
    let parameters = parameters.iter().map(|parameter| ReportItem::text(ALGORITHM_PARAMETERS, parameter));
    named.into_iter().chain(parameters).collect()
}

/// What is known of a nodule's measures; those of one slice name its image.
fn measurements(nodule: &MeasuredNodule, key_image: Option<&InMemDicomObject>) -> Vec<ReportItem> {
    let number = |name, value: Option<f64>, unit| {
        value
            .filter(|value| value.is_finite())
            .map(|value| ReportItem::number(name, Quantity { value, unit }))
    };
    let source = || key_image.map(|image| ReportItem::image(SOURCE_OF_MEASUREMENT, image.clone()));
    let in_slice = |content: ReportItem| content.with_all(Relation::InferredFrom, source());
    let percent = nodule.probability.map(|probability| 100.0 * probability);
    let all = [
        number(VOLUME, nodule.volume_mm3, CUBIC_MILLIMETRE),
        number(LONG_AXIS, nodule.long_axis_mm, MILLIMETRE).map(in_slice),
        number(SHORT_AXIS, nodule.short_axis_mm, MILLIMETRE).map(in_slice),
        number(DIAMETER, nodule.mean_diameter_mm, MILLIMETRE).map(ReportItem::mean).map(in_slice),
        number(ATTENUATION, nodule.mean_hu, HOUNSFIELD).map(ReportItem::mean),
        number(CERTAINTY, percent, PERCENT),
    ];
    all.into_iter().flatten().collect()
}
