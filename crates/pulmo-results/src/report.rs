//! The report: what was measured, and where.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use pulmo_scan::dicom::{DicomObject, PutAttribute};

use super::concept::{
    COMMENT, CT_CHEST, DEVICE, DEVICE_MANUFACTURER, DEVICE_MODEL, DEVICE_NAME, DEVICE_UID, ENGLISH, FINDING,
    LANGUAGE, MEASUREMENTS, OBSERVER_TYPE, PROCEDURE, QUALITATIVE_EVALUATIONS, REPORT,
};
use super::content::{Relation, ReportItem};
use super::image_library::image_library;
use super::measurement_group::{Referred, lung_group, nodule_group};
use super::origin_study::{NewSeries, OriginStudy};
use super::segments::{NumberedSegment, SegmentKind, lung_tracking, nodule_tracking};
use super::{ResultsError, ScanResults};

/// Returns the Comprehensive 3D SR of a scan, by template 1500 (Measurement Report).
///
/// # Errors
/// [`ResultsError`] where it cannot be encoded.
///
/// # References
/// DICOM PS3.3 A.35.13 (Comprehensive 3D SR IOD), PS3.16 TID 1500.
pub(crate) fn report(
    referred: &Referred<'_>,
    results: &ScanResults<'_>,
    segments: &[NumberedSegment<'_>],
) -> Result<DicomObject, ResultsError> {
    let study = referred.study;
    let mut object = study.object(NewSeries::Report);
    for (tag, text) in [
        (tags::COMPLETION_FLAG, "COMPLETE"),
        (tags::VERIFICATION_FLAG, "UNVERIFIED"),
        (tags::PRELIMINARY_FLAG, "PRELIMINARY"),
    ] {
        object.put_text(tag, VR::CS, text);
    }
    object.put_items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new());
    object.put_items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new());
    let evidence = study.evidence(referred.segmentation.map(series_of));
    object.put_items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![evidence]);
    for element in content(referred, results, segments).item() {
        object.put(element);
    }
    Ok(DicomObject::new(uids::COMPREHENSIVE3_DSR_STORAGE, object)?)
}

/// An object's series, with a reference to the object.
fn series_of(object: &DicomObject) -> InMemDicomObject {
    let mut reference = InMemDicomObject::new_empty();
    reference.put_text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, object.sop_class());
    reference.put_text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, object.sop_instance());
    let mut series = InMemDicomObject::new_empty();
    if let Ok(uid) = object.attributes().element(tags::SERIES_INSTANCE_UID) {
        series.put(uid.clone());
    }
    series.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![reference]);
    series
}

/// The root of the report and all below it.
fn content(
    referred: &Referred<'_>,
    results: &ScanResults<'_>,
    segments: &[NumberedSegment<'_>],
) -> ReportItem {
    let study = referred.study;
    let lungs = segments.iter().filter_map(|segment| match segment.kind {
        SegmentKind::Lung(side) => Some(lung_group(referred, segment, &lung_tracking(study, side), side)),
        SegmentKind::Nodule(_) => None,
    });
    let nodules = results.nodules.iter().enumerate().map(|(index, nodule)| {
        let own = segments.iter().find(|segment| segment.kind == SegmentKind::Nodule(index));
        nodule_group(referred, nodule, &nodule_tracking(study, results, index), own)
    });
    let groups: Vec<ReportItem> = nodules.chain(lungs).collect();
    let found = if groups.is_empty() { nothing_found() } else { measured(groups) };
    let said = format!("{}: found by research software, not for diagnosis.", counted(results.nodules.len()));
    ReportItem::container(REPORT)
        .of_template("1500")
        .with(Relation::ConceptModifier, ReportItem::code(LANGUAGE, ENGLISH))
        .with_all(Relation::ObservationContext, observer(study))
        .with(Relation::ConceptModifier, ReportItem::code(PROCEDURE, CT_CHEST))
        .with(Relation::Contains, image_library(study))
        .with(Relation::Contains, found)
        .with(Relation::Contains, ReportItem::text(COMMENT, &said))
}

fn measured(groups: Vec<ReportItem>) -> ReportItem {
    ReportItem::container(MEASUREMENTS).with_all(Relation::Contains, groups)
}

/// What stands in place of measurements, where there is nothing that could be measured.
fn nothing_found() -> ReportItem {
    ReportItem::container(QUALITATIVE_EVALUATIONS)
        .with(Relation::Contains, ReportItem::text(FINDING, "No nodule was found."))
}

fn counted(nodules: usize) -> String {
    match nodules {
        0 => "No nodule".to_owned(),
        1 => "1 nodule".to_owned(),
        more => format!("{more} nodules"),
    }
}

/// The items of TID 1002 and 1004.
fn observer(study: &OriginStudy<'_>) -> Vec<ReportItem> {
    let algorithm = study.algorithm();
    vec![
        ReportItem::code(OBSERVER_TYPE, DEVICE),
        ReportItem::uid(DEVICE_UID, &study.device_uid()),
        ReportItem::text(DEVICE_NAME, &algorithm.name),
        ReportItem::text(DEVICE_MANUFACTURER, "pulmo"),
        ReportItem::text(DEVICE_MODEL, &format!("{} {}", algorithm.name, algorithm.version)),
    ]
}
