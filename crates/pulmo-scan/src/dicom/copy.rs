//! Copies what a scan says of patient, study and series into a DICOM object that is made of it.

use std::collections::BTreeSet;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::write::content_uid;
use crate::findings::{Identity, SourceInstance};
use crate::geometry::Grid;

/// Modules whose attributes can be copied from a scan.
///
/// # References
/// DICOM PS3.3 C.7.1.1 (Patient), C.7.2.1 (General Study), C.7.2.2 (Patient Study), C.7.3.1 (General Series),
/// C.7.5.1 (General Equipment), C.7.4.1 (Frame of Reference), C.7.6.1 (General Image).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopiedModule {
    /// Name, ID and who gave it, birth date, sex, whether identity was removed, and whether there is a patient at all.
    Patient,
    /// UID, date, time, ID, accession number, referring physician, description, and the patient's age.
    Study,
    /// What of the patient was scanned and by which protocol. UID, number and modality are a new series' own.
    Series,
    /// The scanner, for an object that names who contributed to it.
    Equipment,
    /// UID and position reference indicator: for an object that lies in the same space.
    FrameOfReference,
    /// Whether the images were once compressed with loss, how much and how: what is made of them inherits it.
    Compression,
}

/// An attribute that is copied.
pub(super) struct Copied {
    module: CopiedModule,
    pub(super) tag: Tag,
    vr: VR,
    presence: Presence,
}

/// What becomes of an attribute that the scan does not say.
#[derive(PartialEq, Eq)]
enum Presence {
    /// It stands there empty (type 2).
    Always,
    /// It is left out (type 3).
    IfKnown,
}

const fn copy(module: CopiedModule, tag: Tag, vr: VR, presence: Presence) -> Copied {
    Copied { module, tag, vr, presence }
}

/// All that is copied.
pub(super) const COPIED: &[Copied] = {
    use CopiedModule::{Compression, Equipment, FrameOfReference, Patient, Series, Study};
    use Presence::{Always, IfKnown};
    &[
        copy(Patient, tags::PATIENT_NAME, VR::PN, Always),
        copy(Patient, tags::PATIENT_ID, VR::LO, Always),
        copy(Patient, tags::ISSUER_OF_PATIENT_ID, VR::LO, IfKnown),
        copy(Patient, tags::PATIENT_BIRTH_DATE, VR::DA, Always),
        copy(Patient, tags::PATIENT_SEX, VR::CS, Always),
        copy(Patient, tags::PATIENT_IDENTITY_REMOVED, VR::CS, IfKnown),
        copy(Patient, tags::DEIDENTIFICATION_METHOD, VR::LO, IfKnown),
        copy(Patient, tags::SYNTHETIC_DATA, VR::CS, IfKnown),
        copy(Study, tags::STUDY_INSTANCE_UID, VR::UI, IfKnown),
        copy(Study, tags::STUDY_DATE, VR::DA, Always),
        copy(Study, tags::STUDY_TIME, VR::TM, Always),
        copy(Study, tags::STUDY_ID, VR::SH, Always),
        copy(Study, tags::ACCESSION_NUMBER, VR::SH, Always),
        copy(Study, tags::REFERRING_PHYSICIAN_NAME, VR::PN, Always),
        copy(Study, tags::STUDY_DESCRIPTION, VR::LO, IfKnown),
        copy(Study, tags::PATIENT_AGE, VR::AS, IfKnown),
        copy(Study, tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, IfKnown),
        copy(Series, tags::SERIES_DESCRIPTION, VR::LO, IfKnown),
        copy(Series, tags::PROTOCOL_NAME, VR::LO, IfKnown),
        copy(Series, tags::BODY_PART_EXAMINED, VR::CS, IfKnown),
        copy(Series, tags::LATERALITY, VR::CS, IfKnown),
        copy(Series, tags::PATIENT_POSITION, VR::CS, IfKnown),
        copy(Equipment, tags::MANUFACTURER, VR::LO, Always),
        copy(Equipment, tags::INSTITUTION_NAME, VR::LO, IfKnown),
        copy(Equipment, tags::STATION_NAME, VR::SH, IfKnown),
        copy(Equipment, tags::MANUFACTURER_MODEL_NAME, VR::LO, IfKnown),
        copy(Equipment, tags::DEVICE_SERIAL_NUMBER, VR::LO, IfKnown),
        copy(Equipment, tags::SOFTWARE_VERSIONS, VR::LO, IfKnown),
        copy(FrameOfReference, tags::FRAME_OF_REFERENCE_UID, VR::UI, IfKnown),
        copy(FrameOfReference, tags::POSITION_REFERENCE_INDICATOR, VR::LO, Always),
        copy(Compression, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, IfKnown),
        copy(Compression, tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, IfKnown),
        copy(Compression, tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS, IfKnown),
    ]
};

/// Copies modules of the scan into `object`, in UTF-8 (Specific Character Set `ISO_IR 192`). What the standard
/// wants there and the scan does not say stands there empty; a Study Instance UID that is missing is the
/// writer's to make.
pub fn copy_modules(identity: &Identity, modules: &[CopiedModule], object: &mut InMemDicomObject) {
    put(object, tags::SPECIFIC_CHARACTER_SET, VR::CS, Some("ISO_IR 192"));
    for Copied { tag, vr, presence, .. } in COPIED.iter().filter(|copied| modules.contains(&copied.module)) {
        let text = identity.text(tag.group(), tag.element());
        if text.is_some() || *presence == Presence::Always {
            put(object, *tag, *vr, text);
        }
    }
}

/// Returns a reference to the stored image of each slice that the scan's volume was made of, ascending along
/// the normal: SOP class and instance, and for a multi-frame image the frame's number. None where an image
/// has no UID of its own. The volume's slices are these, unless it was resampled (`REGULARIZED`).
///
/// # References
/// DICOM PS3.3 table 10-3 (Image SOP Instance Reference Macro).
pub fn source_references(identity: &Identity) -> Vec<InMemDicomObject> {
    identity.sources().iter().map(|source| reference(&source.instance)).collect()
}

/// Returns where each slice of [`source_references`] lies, in the same order: its own pixels, as a grid of one
/// slice.
///
/// # Units
/// LPS millimetres; the distance between slices is none and stands as 1 mm.
pub fn source_planes(identity: &Identity) -> Vec<Grid> {
    identity.sources().iter().map(|source| source.plane).collect()
}

/// Returns a UID for something that is made of a scan: always the same for the same series and `parts`, and
/// another for any other. `None` where the scan does not name its series.
pub fn derived_uid(identity: &Identity, parts: &[&[u8]]) -> Option<String> {
    let series = identity.text(tags::SERIES_INSTANCE_UID.group(), tags::SERIES_INSTANCE_UID.element())?;
    let parts = [&[series.as_bytes()], parts].concat();
    Some(content_uid(&parts))
}

/// Returns the Referenced Series Sequence of what the volume was made of: its Series Instance UID and each of
/// its images once. `None` where the series or an image has no UID of its own.
///
/// # References
/// DICOM PS3.3 C.12.2 (Common Instance Reference).
pub fn source_series(identity: &Identity) -> Option<DataElement<InMemDicomObject>> {
    let uid = identity.text(tags::SERIES_INSTANCE_UID.group(), tags::SERIES_INSTANCE_UID.element())?;
    let mut seen = BTreeSet::new();
    let instances = identity.sources().iter().map(|source| &source.instance);
    let firsts = instances.filter(|instance| seen.insert(&instance.uid));
    let whole = |instance: &SourceInstance| SourceInstance { frame: None, ..instance.clone() };
    let images: Vec<InMemDicomObject> = firsts.map(|instance| reference(&whole(instance))).collect();
    if images.is_empty() {
        return None;
    }
    let mut series = InMemDicomObject::new_empty();
    put(&mut series, tags::SERIES_INSTANCE_UID, VR::UI, Some(uid));
    series.put(DataElement::new(tags::REFERENCED_INSTANCE_SEQUENCE, VR::SQ, DataSetSequence::from(images)));
    Some(DataElement::new(tags::REFERENCED_SERIES_SEQUENCE, VR::SQ, DataSetSequence::from(vec![series])))
}

fn reference(instance: &SourceInstance) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, tags::REFERENCED_SOP_CLASS_UID, VR::UI, Some(&instance.class_uid));
    put(&mut item, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, Some(&instance.uid));
    if let Some(frame) = instance.frame {
        put(&mut item, tags::REFERENCED_FRAME_NUMBER, VR::IS, Some(&frame.to_string()));
    }
    item
}

fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, text: Option<&str>) {
    let value = text.map_or(PrimitiveValue::Empty, PrimitiveValue::from);
    object.put(DataElement::new(tag, vr, value));
}
