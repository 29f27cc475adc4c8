//! The elements that pulmo reads, and their value representations. All others are passed over.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::copied::COPIED;

/// Tags that are kept wherever they stand outside passed-over sequences, ascending (PS3.6 section 6).
const WANTED: &[(Tag, VR)] = &[
    (tags::DIRECTORY_RECORD_SEQUENCE, VR::SQ),
    (tags::SPECIFIC_CHARACTER_SET, VR::CS),
    (tags::IMAGE_TYPE, VR::CS),
    (tags::SOP_CLASS_UID, VR::UI),
    (tags::ACQUISITION_TIME, VR::TM),
    (tags::MODALITY, VR::CS),
    (tags::FRAME_TYPE, VR::CS),
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::SLICE_THICKNESS, VR::DS),
    (tags::KVP, VR::DS),
    (tags::TRIGGER_TIME, VR::DS),
    (tags::CONVOLUTION_KERNEL, VR::SH),
    (tags::PATIENT_POSITION, VR::CS),
    (tags::FRAME_ACQUISITION_DATE_TIME, VR::DT),
    (tags::CT_RECONSTRUCTION_SEQUENCE, VR::SQ),
    (tags::CTX_RAY_DETAILS_SEQUENCE, VR::SQ),
    (tags::CT_IMAGE_FRAME_TYPE_SEQUENCE, VR::SQ),
    (tags::STUDY_INSTANCE_UID, VR::UI),
    (tags::SERIES_INSTANCE_UID, VR::UI),
    (tags::SERIES_NUMBER, VR::IS),
    (tags::ACQUISITION_NUMBER, VR::IS),
    (tags::IMAGE_POSITION_PATIENT, VR::DS),
    (tags::IMAGE_ORIENTATION_PATIENT, VR::DS),
    (tags::FRAME_OF_REFERENCE_UID, VR::UI),
    (tags::TEMPORAL_POSITION_IDENTIFIER, VR::IS),
    (tags::STACK_ID, VR::SH),
    (tags::FRAME_CONTENT_SEQUENCE, VR::SQ),
    (tags::PLANE_POSITION_SEQUENCE, VR::SQ),
    (tags::PLANE_ORIENTATION_SEQUENCE, VR::SQ),
    (tags::TEMPORAL_POSITION_INDEX, VR::UL),
    (tags::FRAME_ACQUISITION_NUMBER, VR::US),
    (tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, VR::FD),
    (tags::SAMPLES_PER_PIXEL, VR::US),
    (tags::NUMBER_OF_FRAMES, VR::IS),
    (tags::ROWS, VR::US),
    (tags::COLUMNS, VR::US),
    (tags::PIXEL_SPACING, VR::DS),
    (tags::BITS_ALLOCATED, VR::US),
    (tags::BITS_STORED, VR::US),
    (tags::HIGH_BIT, VR::US),
    (tags::PIXEL_REPRESENTATION, VR::US),
    (tags::PIXEL_PADDING_VALUE, VR::US),
    (tags::PIXEL_PADDING_RANGE_LIMIT, VR::US),
    (tags::RESCALE_INTERCEPT, VR::DS),
    (tags::RESCALE_SLOPE, VR::DS),
    (tags::RESCALE_TYPE, VR::LO),
    (tags::LOSSY_IMAGE_COMPRESSION, VR::CS),
    (tags::MODALITY_LUT_SEQUENCE, VR::SQ),
    (tags::PIXEL_MEASURES_SEQUENCE, VR::SQ),
    (tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, VR::SQ),
    (tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, VR::SQ),
    (tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, VR::SQ),
    (tags::EXTENDED_OFFSET_TABLE, VR::OV),
    (tags::EXTENDED_OFFSET_TABLE_LENGTHS, VR::OV),
];

/// Of these, which are only shown to people, a value longer than any of its kind is left out; of
/// all others it is refused.
const SHOWN: &[Tag] = &[tags::SPECIFIC_CHARACTER_SET, tags::PATIENT_NAME, tags::PATIENT_ID, tags::KVP];

/// Of these, a value of another kind than the standard's is passed over, not refused: what pulmo makes
/// of the file does not hang on it. Numbers of 32 bits instead of 16 are kept.
const OPTIONAL: &[Tag] = &[tags::PIXEL_PADDING_VALUE, tags::PIXEL_PADDING_RANGE_LIMIT, tags::KVP];

/// Longest value kept of any element but an offset table.
const LONGEST_VALUE: u32 = 4096;
/// Longest offset table: 8 bytes a frame, for eight times the frames that pulmo reads.
const LONGEST_TABLE: u32 = 1 << 18;

/// What the standard says of an element that pulmo reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The standard's value representation.
    pub(super) vr: VR,
    /// Longest value kept.
    pub(super) longest: u32,
    /// Whether the element is only shown to people.
    pub(super) is_shown_only: bool,
    /// Whether the element is passed over where it is of another kind.
    pub(super) is_optional: bool,
}

/// Looks the tag of an element at this depth (0 for the file's own) up; `None` where pulmo does not read it.
pub(super) fn wanted(tag: Tag, level: u32) -> Option<Wanted> {
    if let Some(vr) = representation(WANTED, tag) {
        let longest = if vr == VR::OV { LONGEST_TABLE } else { LONGEST_VALUE };
        let [is_shown_only, is_optional] = [SHOWN, OPTIONAL].map(|tags| tags.contains(&tag));
        return Some(Wanted { vr, longest, is_shown_only, is_optional });
    }
    let vr = representation(COPIED, tag).filter(|_| level == 0)?;
    Some(Wanted { vr, longest: LONGEST_VALUE, is_shown_only: true, is_optional: true })
}

/// The representation of a tag in a list that ascends.
fn representation(list: &[(Tag, VR)], tag: Tag) -> Option<VR> {
    let index = list.binary_search_by_key(&tag, |(listed, _)| *listed).ok()?;
    list.get(index).map(|(_, vr)| *vr)
}

/// How a value is to be understood, as coarse as pulmo's readers need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Numbers(usize),
    Sequence,
    Bytes,
}

fn kind(vr: VR) -> Kind {
    match vr {
        VR::SQ => Kind::Sequence,
        VR::US | VR::SS => Kind::Numbers(2),
        VR::UL | VR::SL | VR::FL | VR::AT => Kind::Numbers(4),
        VR::FD | VR::OV | VR::SV | VR::UV => Kind::Numbers(8),
        VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::UN => Kind::Bytes,
        _ => Kind::Text,
    }
}

/// Whether a file may write an element of representation `standard` as `found`: any text for text,
/// signed for unsigned of the same size, and `UN` for everything.
fn may_be_written_as(standard: VR, found: VR) -> bool {
    found == VR::UN || kind(standard) == kind(found)
}

impl Wanted {
    /// Whether the element is read where a file writes it as `found`.
    pub(super) fn is_read_as(&self, found: VR) -> bool {
        let is_wider = (kind(self.vr), kind(found)) == (Kind::Numbers(2), Kind::Numbers(4));
        may_be_written_as(self.vr, found) || self.is_optional && is_wider
    }
}

/// Bytes of one number of the representation; 1 for text.
pub(super) fn number_size(vr: VR) -> usize {
    match kind(vr) {
        Kind::Numbers(size) => size,
        Kind::Text | Kind::Sequence | Kind::Bytes => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_representation_may_vary_only_where_no_value_changes() {
        for (standard, found, expected) in [
            (VR::DS, VR::LO, true),
            (VR::US, VR::SS, true),
            (VR::US, VR::UN, true),
            (VR::US, VR::UL, false),
            (VR::US, VR::DS, false),
            (VR::DS, VR::FD, false),
            (VR::SQ, VR::OB, false),
        ] {
            assert_eq!(may_be_written_as(standard, found), expected, "{standard} {found}");
        }
    }

    #[test]
    fn tags_ascend() {
        assert!(WANTED.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn what_is_only_copied_is_kept_of_the_file_itself_and_in_its_own_kind() {
        assert!(wanted(tags::ACCESSION_NUMBER, 0).is_some() && wanted(tags::ACCESSION_NUMBER, 1).is_none());
        assert!(COPIED.iter().all(|(tag, _)| representation(WANTED, *tag).is_none()));
        let wanted = wanted(tags::PATIENT_BIRTH_DATE, 0).unwrap();
        assert!(wanted.is_read_as(VR::LO) && !wanted.is_read_as(VR::UL) && !wanted.is_read_as(VR::SQ));
    }
}
