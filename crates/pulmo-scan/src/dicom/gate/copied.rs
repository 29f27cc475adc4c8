//! What a file says of patient, study, series and scanner and pulmo only hands on: to writers, and as facts
//! about a result.
//!
//! No volume hangs on any of it, so nothing wrong with these elements makes a file refused: one of another
//! kind than the standard's, or longer than any of its kind, is passed over.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// Elements that are kept of a file's own data set beside those that pulmo reads, ascending (PS3.6 section 6).
pub(super) const COPIED: &[(Tag, VR)] = &[
    (tags::SOP_INSTANCE_UID, VR::UI),
    (tags::SYNTHETIC_DATA, VR::CS),
    (tags::STUDY_DATE, VR::DA),
    (tags::SERIES_DATE, VR::DA),
    (tags::ACQUISITION_DATE, VR::DA),
    (tags::ACQUISITION_DATE_TIME, VR::DT),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::MANUFACTURER, VR::LO),
    (tags::INSTITUTION_NAME, VR::LO),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH),
    (tags::STATION_NAME, VR::SH),
    (tags::STUDY_DESCRIPTION, VR::LO),
    (tags::SERIES_DESCRIPTION, VR::LO),
    (tags::MANUFACTURER_MODEL_NAME, VR::LO),
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::PATIENT_AGE, VR::AS),
    (tags::PATIENT_IDENTITY_REMOVED, VR::CS),
    (tags::DEIDENTIFICATION_METHOD, VR::LO),
    (tags::BODY_PART_EXAMINED, VR::CS),
    (tags::DEVICE_SERIAL_NUMBER, VR::LO),
    (tags::SOFTWARE_VERSIONS, VR::LO),
    (tags::PROTOCOL_NAME, VR::LO),
    (tags::STUDY_ID, VR::SH),
    (tags::LATERALITY, VR::CS),
    (tags::POSITION_REFERENCE_INDICATOR, VR::LO),
    (tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS),
    (tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_ascend() {
        assert!(COPIED.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
