//! What stored values stand for: slope, intercept and unit.

use crate::units::Hounsfield;

/// What Rescale Type (or a modality look-up table) says about rescaled values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// Hounsfield units: `HU`, the unit's name written out (`Hounsfield`, and as one vendor has it
    /// `Houndsfield Unit`), or nothing, which means HU for CT (PS3.3 C.8.2.1.1.2).
    Hounsfield,
    /// `US`: the unit is unspecified.
    Unspecified,
    /// Another unit, or a look-up table.
    Other,
}

impl Units {
    /// The unit that a Rescale Type names.
    pub fn of_rescale_type(term: Option<&str>) -> Self {
        match term.map(str::to_ascii_uppercase).as_deref() {
            None | Some("" | "HU") => Self::Hounsfield,
            Some("US") => Self::Unspecified,
            Some(term) if term.starts_with("HOUN") => Self::Hounsfield,
            Some(_) => Self::Other,
        }
    }

    /// Whether values may be taken for Hounsfield units by what the headers say: certainly, or only where
    /// they show a body.
    pub(super) fn least_certain(units: impl Iterator<Item = Self>) -> Self {
        units.fold(Self::Hounsfield, |least, units| match (least, units) {
            (Self::Other, _) | (_, Self::Other) => Self::Other,
            (Self::Unspecified, _) | (_, Self::Unspecified) => Self::Unspecified,
            _ => Self::Hounsfield,
        })
    }
}

/// Rescale Slope and Rescale Intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Hounsfield units per stored unit; positive.
    pub slope: f64,
    /// Hounsfield units at stored value 0.
    pub intercept: f64,
}

impl Rescale {
    /// The Hounsfield value of a stored value.
    #[expect(clippy::cast_possible_truncation, reason = "HU are held as f32: 24 bits for 16-bit samples")]
    pub fn hounsfield(&self, stored: i32) -> Hounsfield {
        (self.slope * f64::from(stored) + self.intercept) as Hounsfield
    }

    /// What is added to stored values where nothing else is to be done: a whole number of 16 bits.
    #[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "compared with what was cut")]
    pub(super) fn whole_offset(&self) -> Option<i32> {
        let offset = self.intercept as i16;
        (self.slope == 1.0 && f64::from(offset) == self.intercept).then_some(i32::from(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescale_types_are_told_apart() {
        for (term, units) in [
            (None, Units::Hounsfield),
            (Some(""), Units::Hounsfield),
            (Some("hu"), Units::Hounsfield),
            (Some("Houndsfield Unit"), Units::Hounsfield),
            (Some("US"), Units::Unspecified),
            (Some("OD"), Units::Other),
            (Some("HUGE"), Units::Other),
        ] {
            assert_eq!(Units::of_rescale_type(term), units, "{term:?}");
        }
    }

    #[test]
    fn rescale_is_not_truncated() {
        for (slope, stored) in [(0.5, 1), (1.00015, 3000), (2.44e-4, 65535)] {
            let expected: f64 = slope * f64::from(stored) - 1024.0;
            let got = Rescale { slope, intercept: -1024.0 }.hounsfield(stored);
            assert!((f64::from(got) - expected).abs() < 1e-3);
        }
    }
}
