//! Names for patients, studies and series that tell nothing but which are the same.

use serde::Serialize;

/// Names for the patient, study and series of a scan, made with a secret key
/// ([`SecretKey`](pulmo_key::SecretKey)): equal where the patient, study or series is the same, and without
/// the key neither to be read nor to be guessed. Each is 64 hexadecimal digits, `None` where the scan does not
/// say what it would be made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pseudonyms {
    /// The patient: Patient ID and Issuer of Patient ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The study: Study Instance UID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    /// The series: Series Instance UID. Parts that pulmo told apart within one series share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The day of the scan, counted from a day that is secret and the subject's own: days of one subject
    /// differ as the dates do, and no date can be told from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<u32>,
}
