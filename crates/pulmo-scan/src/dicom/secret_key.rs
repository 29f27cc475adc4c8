//! The one place where identifiers become keyed names.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::hexadecimal;
use crate::findings::{Identity, Pseudonyms};

/// Days of each subject begin between so many days before 1970 and twice as many: a hundred years in which a
/// date may lie.
const DAYS_HIDDEN: u32 = 36_525;

/// A secret with which patients, studies and series are named.
///
/// Without a key there are no such names: who knows that a name is a plain hash of a patient's ID tries all
/// IDs and has it. A name is `HMAC-SHA256(key, kind 00 part 00 part ...)` in hexadecimal digits, `00` being a
/// byte of zero between the parts:
///
/// - `subject`, Patient ID, Issuer of Patient ID (nothing where it is missing)
/// - `study`, Study Instance UID
/// - `series`, Series Instance UID
///
/// each in UTF-8, without the padding around it; letter case counts, as in all that DICOM compares but names
/// (PS3.5 section 6.2, PS3.4 section C.2.2.2.1). What is missing, empty, undecodable or holds control
/// characters has no name: scans without an ID are never taken for one patient's. Neither are IDs that
/// several patients share, such as `ANONYMOUS`, known as such: they are one subject.
///
/// The day of a scan is that of Acquisition Date (of Acquisition DateTime, Series Date or Study Date where it
/// is missing), counted from a day of the subject's own: the first four bytes of `HMAC-SHA256(key, day 00 ID 00
/// issuer)`, big-endian, modulo 36525, give the days by which it lies further than 36525 before 1970.
#[derive(Clone)]
pub struct SecretKey(Hmac<Sha256>);

/// Tells nothing of the key.
impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

/// Why bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is {} to {} random bytes, not {bytes}", SecretKey::LEAST_BYTES, SecretKey::MOST_BYTES)]
pub struct SecretKeyError {
    /// Bytes given.
    pub bytes: usize,
}

impl SecretKey {
    /// Fewest bytes of a key: as many as the hash gives (RFC 2104, section 3).
    pub const LEAST_BYTES: usize = 32;
    /// Most bytes of a key: what is longer was hardly meant to be one.
    pub const MOST_BYTES: usize = 4096;

    /// Returns the key of these bytes, all of which count: a line end too.
    ///
    /// # Errors
    /// [`SecretKeyError`] where there are too few or too many.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretKeyError> {
        let error = SecretKeyError { bytes: bytes.len() };
        if !(Self::LEAST_BYTES..=Self::MOST_BYTES).contains(&bytes.len()) {
            return Err(error);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| error)
    }

    /// Returns the names of a scan's patient, study and series, and its day.
    pub fn pseudonyms(&self, identity: &Identity) -> Pseudonyms {
        let part = |tag: Tag| identity.text(tag.group(), tag.element()).and_then(sound);
        let patient = patient(identity);
        let name = |kind: &str, parts: &[&str]| hexadecimal(&self.hash(kind, parts));
        let day = patient.and_then(|parts| Some(shifted(day_of(identity)?, self.hash("day", &parts))));
        Pseudonyms {
            subject: patient.map(|parts| name("subject", &parts)),
            study: part(tags::STUDY_INSTANCE_UID).map(|uid| name("study", &[uid])),
            series: part(tags::SERIES_INSTANCE_UID).map(|uid| name("series", &[uid])),
            day: day.flatten(),
        }
    }

    fn hash(&self, kind: &str, parts: &[&str]) -> [u8; 32] {
        let mut hash = self.0.clone();
        hash.update(kind.as_bytes());
        for part in parts {
            hash.update(&[0]);
            hash.update(part.as_bytes());
        }
        hash.finalize().into_bytes().into()
    }
}

/// Patient ID and Issuer of Patient ID; `None` where the patient cannot be known by them.
fn patient(identity: &Identity) -> Option<[&str; 2]> {
    let text = |tag: Tag| identity.text(tag.group(), tag.element());
    let issuer = text(tags::ISSUER_OF_PATIENT_ID).map_or(Some(""), sound)?;
    Some([sound(text(tags::PATIENT_ID)?)?, issuer])
}

/// A text that says the same in every file; `None` of one that was not wholly decoded or holds control
/// characters.
fn sound(text: &str) -> Option<&str> {
    let is_sound = !text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER);
    is_sound.then_some(text)
}

/// The day of the scan, counted from 1970.
fn day_of(identity: &Identity) -> Option<i32> {
    let dates = [tags::ACQUISITION_DATE, tags::ACQUISITION_DATE_TIME, tags::SERIES_DATE, tags::STUDY_DATE];
    dates.into_iter().find_map(|tag| days_since_1970(identity.text(tag.group(), tag.element())?))
}

/// A day, from the hidden first one on; `None` of one that lies before all that may be hidden.
fn shifted(day: i32, hash: [u8; 32]) -> Option<u32> {
    let [a, b, c, d, ..] = hash;
    let shift = DAYS_HIDDEN + u32::from_be_bytes([a, b, c, d]) % DAYS_HIDDEN;
    shift.checked_add_signed(day)
}

/// The day of a text that begins with `YYYYMMDD`, in the Gregorian calendar; `None` where it is no date after
/// 1900. What follows is a time of day.
fn days_since_1970(text: &str) -> Option<i32> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i32>().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1900 || !(1..=longest).contains(&day) {
        return None;
    }
    // years from March on, so that a leap day is the last (Fliegel and Van Flandern, doi:10.1145/364096.364097)
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1;
    Some(days - 719_468)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn identity(texts: &[(Tag, &str)]) -> Identity {
        let texts = texts.iter().map(|(tag, text)| ((tag.group(), tag.element()), (*text).to_owned()));
        Identity::new(BTreeMap::from_iter(texts), Vec::new())
    }

    fn key(byte: u8) -> SecretKey {
        SecretKey::new(&[byte; 32]).unwrap()
    }

    fn subject(texts: &[(Tag, &str)]) -> Option<String> {
        key(7).pseudonyms(&identity(texts)).subject
    }

    const ID: Tag = tags::PATIENT_ID;
    const ISSUER: Tag = tags::ISSUER_OF_PATIENT_ID;

    /// ORIGIN: Python 3.11, `hmac.new(bytes([7] * 32), parts, 'sha256').hexdigest()`; exact.
    #[test]
    fn names_are_those_that_other_tools_make() {
        let identity = identity(&[(ID, "4711"), (ISSUER, "A"), (tags::STUDY_INSTANCE_UID, "1.2.3")]);
        let names = key(7).pseudonyms(&identity);
        assert_eq!(names.subject.as_deref(), Some(SUBJECT_4711_A));
        assert_eq!(names.study.as_deref(), Some(STUDY_1_2_3));
        assert_eq!((names.series, names.day), (None, None));
    }
    const SUBJECT_4711_A: &str = "dfa981cef3a5675dd43c924ead1819094946a2e5e50c1e3569710ed3514b5b8b";
    const STUDY_1_2_3: &str = "f8bfd10978175696a086c7151fdd9b2950b0eac2bbdc8de6c03f4d00d8453f0c";

    #[test]
    fn a_patient_is_one_by_id_and_issuer() {
        let known = subject(&[(ID, "4711"), (ISSUER, "A")]);
        assert_eq!(subject(&[(ISSUER, "A"), (ID, "4711"), (tags::PATIENT_NAME, "X")]), known);
        for other in [&[(ID, "4711")][..], &[(ID, "4711"), (ISSUER, "B")], &[(ID, "47"), (ISSUER, "11A")]] {
            assert_ne!(subject(other), known);
        }
        assert_ne!(subject(&[(ID, "a1")]), subject(&[(ID, "A1")]));
        assert_ne!(key(8).pseudonyms(&identity(&[(ID, "4711"), (ISSUER, "A")])).subject, known);
    }

    #[test]
    fn who_cannot_be_known_has_no_name() {
        let lost = char::REPLACEMENT_CHARACTER.to_string();
        for unknown in
            [&[][..], &[(ISSUER, "A")], &[(ID, "1\n2")], &[(ID, &lost)], &[(ID, "1"), (ISSUER, &lost)]]
        {
            assert_eq!(subject(unknown), None);
        }
    }

    /// ORIGIN: Python 3.11, `(datetime.date(...) - datetime.date(1970, 1, 1)).days`; exact.
    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (text, days) in [
            ("19700101", 0),
            ("20000229", 11_016),
            ("20000301", 11_017),
            ("19000228", -25_509),
            ("19000301", -25_508),
            ("20240229143000.25", 19_782),
        ] {
            assert_eq!(days_since_1970(text), Some(days), "{text}");
        }
        for text in ["", "2001", "20010229", "20011301", "20010100", "18991231", "2001-2-3", "+2010203"] {
            assert_eq!(days_since_1970(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_a_subject_differ_as_dates_do() {
        let day = |id: &str, date: &str| {
            key(7).pseudonyms(&identity(&[(ID, id), (tags::STUDY_DATE, date)])).day.unwrap()
        };
        assert_eq!(day("4711", "20240301") - day("4711", "20231231"), 61);
        assert_ne!(day("4711", "20240301"), day("4712", "20240301"));
        let nobody = key(7).pseudonyms(&identity(&[(tags::STUDY_DATE, "20240301")]));
        assert_eq!(nobody.day, None);
    }

    #[test]
    fn a_key_is_long_enough_and_never_shown() {
        for bytes in [0, 31, 4097] {
            assert_eq!(SecretKey::new(&vec![1; bytes]).unwrap_err(), SecretKeyError { bytes });
        }
        assert_eq!(format!("{:?}", key(65)), "SecretKey");
    }
}
