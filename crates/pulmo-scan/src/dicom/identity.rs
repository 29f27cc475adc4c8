//! Whose image a file holds and which series it belongs to, without keeping what its header says.

use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;
use sha2::{Digest as _, Sha256};

use super::attributes::{Attribute, Attributes, attribute};

const PATIENT_ID: Attribute = attribute(tags::PATIENT_ID, "Patient ID");
const ISSUER: Attribute = attribute(tags::ISSUER_OF_PATIENT_ID, "Issuer of Patient ID");
const PATIENT_NAME: Attribute = attribute(tags::PATIENT_NAME, "Patient's Name");
const STUDY: Attribute = attribute(tags::STUDY_INSTANCE_UID, "Study Instance UID");
const SERIES: Attribute = attribute(tags::SERIES_INSTANCE_UID, "Series Instance UID");
const NUMBER: Attribute = attribute(tags::SERIES_NUMBER, "Series Number");
const KERNEL: Attribute = attribute(tags::CONVOLUTION_KERNEL, "Convolution Kernel");

/// The first 16 bytes of a text's SHA-256: compares, and tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest([u8; 16]);

impl Digest {
    /// The digest of an attribute's text; `None` where it is missing or empty.
    fn of(attributes: Attributes<'_>, attribute: Attribute) -> Option<Self> {
        let bytes = attributes.0.get(attribute.tag)?.bytes();
        let text = bytes.trim_ascii();
        let text = text.strip_suffix(b"\0").map_or(text, <[u8]>::trim_ascii_end);
        let hash = Sha256::digest(text);
        let (first, _) = hash.split_first_chunk()?;
        (!text.is_empty()).then_some(Self(*first))
    }
}

/// The patient and the study of an image, as digests. What is missing is unknown: it contradicts nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PatientStudy {
    patient_id: Option<Digest>,
    issuer: Option<Digest>,
    patient_name: Option<Digest>,
    study: Option<Digest>,
}

/// Tells nothing of the patient.
impl std::fmt::Debug for PatientStudy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PatientStudy")
    }
}

impl PatientStudy {
    /// What a data set says of both.
    pub(super) fn of(attributes: Attributes<'_>) -> Self {
        Self {
            patient_id: Digest::of(attributes, PATIENT_ID),
            issuer: Digest::of(attributes, ISSUER),
            patient_name: Digest::of(attributes, PATIENT_NAME),
            study: Digest::of(attributes, STUDY),
        }
    }

    /// Whether both name different patients: by their ids and who gave them, or by name where an id is unknown.
    pub(super) fn has_other_patient(&self, other: &Self) -> bool {
        match (self.patient_id, other.patient_id) {
            (Some(one), Some(other_id)) => one != other_id || differ(self.issuer, other.issuer),
            _ => differ(self.patient_name, other.patient_name),
        }
    }

    /// Whether both name different studies.
    pub(super) fn has_other_study(&self, other: &Self) -> bool {
        differ(self.study, other.study)
    }

    /// Whether both may be of one study of one patient.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        !self.has_other_patient(other) && !self.has_other_study(other)
    }

    /// What tells the study from all others, to make a keyed name of: digests of Patient ID, who gave it,
    /// and Study Instance UID. `None` where the last is unknown.
    pub fn study_bytes(&self) -> Option<[Vec<u8>; 3]> {
        let bytes = |digest: Option<Digest>| digest.map(|digest| digest.0.to_vec()).unwrap_or_default();
        Some([bytes(self.patient_id), bytes(self.issuer), self.study?.0.to_vec()])
    }

    /// How many facts are known.
    pub(super) fn known(&self) -> usize {
        [self.patient_id, self.issuer, self.patient_name, self.study].iter().flatten().count()
    }

    /// What either knows.
    pub(super) fn with(self, other: &Self) -> Self {
        Self {
            patient_id: self.patient_id.or(other.patient_id),
            issuer: self.issuer.or(other.issuer),
            patient_name: self.patient_name.or(other.patient_name),
            study: self.study.or(other.study),
        }
    }
}

/// Whether two facts contradict each other: an unknown one contradicts nothing.
pub(super) fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Which series a file says that it belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SeriesKey {
    /// By its Series Instance UID.
    Named(Digest),
    /// By what remains where that was removed.
    Unnamed(Traits),
}

/// What tells the series of one study apart beside their UIDs: folder, study, Series Number and Convolution
/// Kernel. Orientation and size are the clusters' to tell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traits {
    folder: PathBuf,
    study: Option<Digest>,
    number: Option<Digest>,
    kernel: Option<Digest>,
}

impl Traits {
    /// The traits of the file at `path`.
    pub(super) fn of(attributes: Attributes<'_>, path: &Path) -> Self {
        Self {
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            study: Digest::of(attributes, STUDY),
            number: Digest::of(attributes, NUMBER),
            kernel: Digest::of(attributes, KERNEL),
        }
    }

    /// Whether files of one folder may be of one series: nothing that both say differs.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        self.folder == other.folder
            && !differ(self.study, other.study)
            && !differ(self.number, other.number)
            && !differ(self.kernel, other.kernel)
    }
}

/// Tells nothing of the series.
impl std::fmt::Debug for SeriesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SeriesKey")
    }
}

impl SeriesKey {
    /// The key of a file with these traits.
    pub(super) fn of(attributes: Attributes<'_>, traits: &Traits) -> Self {
        Digest::of(attributes, SERIES).map_or_else(|| Self::Unnamed(traits.clone()), Self::Named)
    }
}
