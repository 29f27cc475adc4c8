//! What a key makes of a scan's identity.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use pulmo_key::SecretKey;

use crate::findings::{Identity, Pseudonyms};

/// Days of each subject begin between so many days before 1970 and twice as many: a hundred years in which a
/// date may lie.
const DAYS_HIDDEN: u32 = 36_525;

/// Returns the names of a scan's patient, study and series by a key, and its day.
///
/// A name is `HMAC-SHA256(key, kind 00 part 00 part ...)` in hexadecimal digits ([`SecretKey::name`]):
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
pub fn pseudonyms(key: &SecretKey, identity: &Identity) -> Pseudonyms {
    let part = |tag: Tag| identity.text(tag.group(), tag.element()).and_then(sound);
    let patient = patient(identity).map(|parts| parts.map(str::as_bytes));
    let day = patient.and_then(|parts| Some(shifted(day_of(identity)?, key.hash("day", &parts))));
    let uid = |kind: &str, tag: Tag| part(tag).map(|uid| key.name(kind, &[uid.as_bytes()]));
    Pseudonyms {
        subject: patient.map(|parts| key.name("subject", &parts)),
        study: uid("study", tags::STUDY_INSTANCE_UID),
        series: uid("series", tags::SERIES_INSTANCE_UID),
        day: day.flatten(),
    }
}

/// Returns when a scan was made, `YYYYMMDD` and, where it is told, `HHMMSS`, in the scanner's time: Acquisition
/// DateTime, or date and time of acquisition, series or study. It is the patient's, and for local files alone.
pub fn acquired(identity: &Identity) -> Option<String> {
    let text = |tag: Tag| identity.text(tag.group(), tag.element());
    let whole = text(tags::ACQUISITION_DATE_TIME).and_then(|text| Some((day_text(text)?, text.get(8..14))));
    let pairs = [
        (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
        (tags::SERIES_DATE, tags::SERIES_TIME),
        (tags::STUDY_DATE, tags::STUDY_TIME),
    ];
    let of_pair =
        |(date, time): (Tag, Tag)| Some((day_text(text(date)?)?, text(time).and_then(|time| time.get(..6))));
    let (day, time) = whole.or_else(|| pairs.into_iter().find_map(of_pair))?;
    let time = time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()));
    Some(format!("{day}{}", time.unwrap_or_default()))
}

/// `YYYYMMDD` at the beginning of a text that is a date.
fn day_text(text: &str) -> Option<&str> {
    days_since_1970(text).and_then(|_| text.get(..8))
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
        pseudonyms(&key(7), &identity(texts)).subject
    }

    const ID: Tag = tags::PATIENT_ID;
    const ISSUER: Tag = tags::ISSUER_OF_PATIENT_ID;

    /// ORIGIN: Python 3.11, `hmac.new(bytes([7] * 32), parts, 'sha256').hexdigest()`; exact.
    #[test]
    fn names_are_those_that_other_tools_make() {
        let identity = identity(&[(ID, "4711"), (ISSUER, "A"), (tags::STUDY_INSTANCE_UID, "1.2.3")]);
        let names = pseudonyms(&key(7), &identity);
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
        assert_ne!(pseudonyms(&key(8), &identity(&[(ID, "4711"), (ISSUER, "A")])).subject, known);
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
            pseudonyms(&key(7), &identity(&[(ID, id), (tags::STUDY_DATE, date)])).day.unwrap()
        };
        assert_eq!(day("4711", "20240301") - day("4711", "20231231"), 61);
        assert_ne!(day("4711", "20240301"), day("4712", "20240301"));
        let nobody = pseudonyms(&key(7), &identity(&[(tags::STUDY_DATE, "20240301")]));
        assert_eq!(nobody.day, None);
    }

    #[test]
    fn a_scan_was_made_when_the_most_exact_of_its_times_says() {
        let when = |texts: &[(Tag, &str)]| acquired(&identity(texts));
        let study = [(tags::STUDY_DATE, "20240229"), (tags::STUDY_TIME, "0102")];
        assert_eq!(when(&study).as_deref(), Some("20240229"));
        let series = [(tags::SERIES_DATE, "20240301"), (tags::SERIES_TIME, "010203.5")];
        assert_eq!(when(&[study, series].concat()).as_deref(), Some("20240301010203"));
        let whole = [(tags::ACQUISITION_DATE_TIME, "20240302040506+0100")];
        assert_eq!(when(&[&series[..], &whole].concat()).as_deref(), Some("20240302040506"));
        assert_eq!(when(&[(tags::STUDY_DATE, "19700101CANARY")]).as_deref(), Some("19700101"));
        assert_eq!(when(&[(tags::STUDY_DATE, "1970"), (tags::SERIES_TIME, "010203")]), None);
    }
}
