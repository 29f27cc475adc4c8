//! Which reconstruction and phase a slice belongs to, and how the patient lay.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use glam::DVec3;

use super::attributes::{Attribute, Attributes};

/// How far a column direction may lie from the one that Patient Position asks for, as a cosine.
const SAME_SENSE: f64 = 0.7;

const fn attribute(tag: Tag, name: &'static str) -> Attribute {
    Attribute { tag, name }
}

/// What tells the reconstructions and phases of one series apart. Each mark is compared as text and
/// means nothing by itself; what is missing or cannot be read is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acquisition {
    /// Patient Position, such as `HFS`.
    pub patient_position: Option<String>,
    /// The values of [`Acquisition::MARKS`], in that order.
    pub marks: [Option<String>; 9],
}

impl Acquisition {
    /// What the marks are, those that tell reconstructions apart first.
    pub const MARKS: [&'static str; 9] = [
        "Convolution Kernel",
        "Image Type",
        "Slice Thickness",
        "Acquisition Number",
        "Temporal Position Identifier",
        "Nominal Percentage of Cardiac Phase",
        "Trigger Time",
        "Series Number",
        "Acquisition Time",
    ];

    /// Whether Patient Position contradicts an axial slice's column direction. Rows run down the
    /// gantry, whichever end of the patient went in first; of other slices nothing is claimed.
    pub(super) fn contradicts(&self, normal: DVec3, column_direction: DVec3) -> bool {
        let down = match self.patient_position.as_deref().and_then(|term| term.get(2..)) {
            Some("S") => DVec3::Y,
            Some("P") => DVec3::NEG_Y,
            Some("DR") => DVec3::NEG_X,
            Some("DL") => DVec3::X,
            _ => return false,
        };
        normal.z.abs() > SAME_SENSE && column_direction.dot(down) < SAME_SENSE
    }
}

const PATIENT_POSITION: Attribute = attribute(tags::PATIENT_POSITION, "Patient Position");
const MARKS: [Attribute; 9] = [
    attribute(tags::CONVOLUTION_KERNEL, "Convolution Kernel"),
    attribute(tags::IMAGE_TYPE, "Image Type"),
    attribute(tags::SLICE_THICKNESS, "Slice Thickness"),
    attribute(tags::ACQUISITION_NUMBER, "Acquisition Number"),
    attribute(tags::TEMPORAL_POSITION_IDENTIFIER, "Temporal Position Identifier"),
    attribute(tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, "Nominal Percentage of Cardiac Phase"),
    attribute(tags::TRIGGER_TIME, "Trigger Time"),
    attribute(tags::SERIES_NUMBER, "Series Number"),
    attribute(tags::ACQUISITION_TIME, "Acquisition Time"),
];

/// Reads the marks of a single-frame image.
pub(super) fn acquisition(attributes: Attributes<'_>) -> Acquisition {
    let text = |attribute| {
        let texts = attributes.texts(attribute).ok().flatten()?;
        Some(texts.iter().map(|text| text.trim()).collect::<Vec<_>>().join("\\"))
    };
    Acquisition { patient_position: text(PATIENT_POSITION), marks: MARKS.map(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patient_position_speaks_of_rows_of_axial_slices_only() {
        let lying = |term: &str| Acquisition { patient_position: Some(term.into()), ..Default::default() };
        for (term, down) in
            [("HFS", DVec3::Y), ("FFP", DVec3::NEG_Y), ("HFDR", DVec3::NEG_X), ("FFDL", DVec3::X)]
        {
            assert!(!lying(term).contradicts(DVec3::Z, down), "{term}");
            assert!(lying(term).contradicts(DVec3::NEG_Z, -down), "{term}");
            assert!(!lying(term).contradicts(DVec3::X, -down), "{term}");
        }
        assert!(!lying("SITTING").contradicts(DVec3::Z, DVec3::X));
        assert!(!lying("é").contradicts(DVec3::Z, DVec3::X));
        assert!(!Acquisition::default().contradicts(DVec3::Z, DVec3::X));
    }
}
