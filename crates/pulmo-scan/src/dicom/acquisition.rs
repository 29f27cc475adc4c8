//! Which reconstruction and phase a slice belongs to, and how the patient lay.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use glam::DVec3;
use pulmo_key::hexadecimal;

use super::attributes::{Attribute, Attributes, attribute};

/// How far a column direction may lie from the one that Patient Position asks for, as a cosine.
const SAME_SENSE: f64 = 0.7;

/// What tells the reconstructions and phases of one series apart. Each mark is compared as text and
/// means nothing by itself; what is missing or cannot be read is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acquisition {
    /// Patient Position, such as `HFS`.
    pub patient_position: Option<String>,
    /// The values of [`Acquisition::MARKS`], in that order.
    pub marks: [Option<String>; 10],
}

impl Acquisition {
    /// What the marks are, those that tell reconstructions apart first.
    pub const MARKS: [&'static str; 10] = {
        let mut names = [""; 10];
        let mut index = 0;
        while index < names.len() {
            names[index] = MARKS[index].of_image.name;
            index += 1;
        }
        names
    };

    /// Convolution Kernel; several values are divided by backslashes.
    pub(super) fn convolution_kernel(&self) -> Option<&str> {
        self.marks[0].as_deref()
    }

    /// Slice Thickness as it is written.
    pub(super) fn slice_thickness(&self) -> Option<&str> {
        self.marks[2].as_deref()
    }

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

/// Where a mark stands.
struct Mark {
    of_image: Attribute,
    /// The attribute of a multi-frame object that says it of one frame, before the image's own.
    of_frame: Option<Attribute>,
}

const fn mark(tag: Tag, name: &'static str) -> Mark {
    Mark { of_image: attribute(tag, name), of_frame: None }
}

impl Mark {
    const fn or_of_frame(self, tag: Tag, name: &'static str) -> Self {
        Self { of_frame: Some(attribute(tag, name)), ..self }
    }
}

const MARKS: [Mark; 10] = [
    mark(tags::CONVOLUTION_KERNEL, "Convolution Kernel"),
    mark(tags::IMAGE_TYPE, "Image Type").or_of_frame(tags::FRAME_TYPE, "Frame Type"),
    mark(tags::SLICE_THICKNESS, "Slice Thickness"),
    mark(tags::ACQUISITION_NUMBER, "Acquisition Number")
        .or_of_frame(tags::FRAME_ACQUISITION_NUMBER, "Frame Acquisition Number"),
    mark(tags::TEMPORAL_POSITION_IDENTIFIER, "Temporal Position Identifier")
        .or_of_frame(tags::TEMPORAL_POSITION_INDEX, "Temporal Position Index"),
    mark(tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, "Nominal Percentage of Cardiac Phase"),
    mark(tags::TRIGGER_TIME, "Trigger Time"),
    mark(tags::STACK_ID, "Stack ID"),
    mark(tags::SERIES_NUMBER, "Series Number"),
    mark(tags::ACQUISITION_TIME, "Acquisition Time")
        .or_of_frame(tags::FRAME_ACQUISITION_DATE_TIME, "Frame Acquisition DateTime"),
];

/// Reads the marks of a single-frame image.
pub(super) fn acquisition(attributes: Attributes<'_>) -> Acquisition {
    Acquisition {
        patient_position: value(attributes, PATIENT_POSITION),
        marks: MARKS.each_ref().map(|mark| value(attributes, mark.of_image)),
    }
}

/// Reads the marks of a frame: each from the first place that has it, of `groups` (the items of its
/// functional groups) and the whole object.
pub(super) fn frame_acquisition(groups: &[Attributes<'_>], object: Attributes<'_>) -> Acquisition {
    let places = || groups.iter().chain([&object]);
    let first = |attribute: Attribute| places().find_map(|place| value(*place, attribute));
    let of_frame = |mark: &Mark| mark.of_frame.and_then(first).or_else(|| first(mark.of_image));
    Acquisition { patient_position: first(PATIENT_POSITION), marks: MARKS.each_ref().map(of_frame) }
}

/// The value of an attribute as text, in hexadecimal digits where it is none.
fn value(attributes: Attributes<'_>, attribute: Attribute) -> Option<String> {
    let bytes = attributes.0.get(attribute.tag)?.bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control() && c != '\0') => {
            let words: Vec<&str> = text.trim_end_matches('\0').split('\\').map(str::trim).collect();
            Some(words.join("\\")).filter(|text| !text.is_empty())
        }
        _ => Some(hexadecimal(bytes)),
    }
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
