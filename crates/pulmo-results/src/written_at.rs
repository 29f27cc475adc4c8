//! When results are written.

use dicom_core::chrono::{DateTime, FixedOffset, Local};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

/// A moment and the time zone of who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenAt(DateTime<FixedOffset>);

/// A moment as DICOM writes it.
pub(crate) struct Clock {
    /// `YYYYMMDD`.
    pub(crate) date: String,
    /// `HHMMSS`.
    pub(crate) time: String,
}

impl WrittenAt {
    /// Now, in the time zone of this machine.
    pub fn now() -> Self {
        Self(Local::now().fixed_offset())
    }

    /// A moment by its seconds since 1970 (UTC), told in a zone so many minutes east of Greenwich; `None` of what no
    /// calendar holds.
    pub fn new(seconds_since_1970: i64, minutes_east: i32) -> Option<Self> {
        let zone = FixedOffset::east_opt(minutes_east.checked_mul(60)?)?;
        Some(Self(DateTime::from_timestamp(seconds_since_1970, 0)?.with_timezone(&zone)))
    }

    /// The moment in an object's own time zone, where it says one (Timezone Offset From UTC holds for all its times).
    pub(crate) fn beside(self, object: &InMemDicomObject) -> Clock {
        let told = object.element_opt(tags::TIMEZONE_OFFSET_FROM_UTC).ok().flatten();
        let zone = told.and_then(|element| zone(&element.to_str().ok()?));
        let here = zone.map_or(self.0, |zone| self.0.with_timezone(&zone));
        Clock { date: here.format("%Y%m%d").to_string(), time: here.format("%H%M%S").to_string() }
    }
}

/// The zone of `+HHMM` or `-HHMM`.
fn zone(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    let east = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..5).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number: i32 = digits.parse().ok()?;
    FixedOffset::east_opt(east * (number / 100 * 3600 + number % 100 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::VR;
    use pulmo_scan::dicom::PutAttribute;

    #[test]
    fn a_moment_is_told_in_the_zone_of_the_study_or_else_of_the_writer() {
        let moment = WrittenAt::new(1_709_251_200, 60).unwrap(); // 2024-03-01 00:00:00 UTC
        let mut object = InMemDicomObject::new_empty();
        let told = |object: &InMemDicomObject| {
            let Clock { date, time } = moment.beside(object);
            format!("{date} {time}")
        };
        assert_eq!(told(&object), "20240301 010000");
        for (zone, expected) in
            [("+0900", "20240301 090000"), ("-0330", "20240229 203000"), ("nonsense", "20240301 010000")]
        {
            object.put_text(tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, zone);
            assert_eq!(told(&object), expected);
        }
    }
}
