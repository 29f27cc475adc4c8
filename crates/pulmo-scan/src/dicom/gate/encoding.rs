//! How the bytes of a data set are to be read: by its transfer syntax.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::uids;

use super::GateError;

/// Explicit VR Big Endian: retired by the standard, still found in archives.
pub(super) const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// All transfer syntaxes of the standard begin like this.
const STANDARD_ROOT: &str = "1.2.840.10008.1.2";

/// Begins an item (PS3.5 section 7.5).
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// Ends an item of undefined length.
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
/// Ends a sequence of undefined length.
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// Byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum Endianness {
    /// The low byte first.
    Little,
    /// The high byte first.
    Big,
}

/// Whether elements name their value representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VrEncoding {
    Explicit,
    Implicit,
}

/// How element headers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DataSetEncoding {
    pub(super) vr_encoding: VrEncoding,
    pub(super) order: Endianness,
}

impl DataSetEncoding {
    pub(super) const IMPLICIT: Self = Self { vr_encoding: VrEncoding::Implicit, order: Endianness::Little };
    pub(super) const EXPLICIT: Self = Self { vr_encoding: VrEncoding::Explicit, order: Endianness::Little };
    pub(super) const BIG_ENDIAN: Self = Self { vr_encoding: VrEncoding::Explicit, order: Endianness::Big };

    /// The encoding that a transfer syntax prescribes.
    pub(super) fn of(transfer_syntax: &str) -> Result<Self, GateError> {
        let is_uid = transfer_syntax.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !is_uid || transfer_syntax.len() > 64 || !transfer_syntax.starts_with(STANDARD_ROOT) {
            return Err(GateError::UnknownSyntax);
        }
        Ok(match transfer_syntax {
            uids::IMPLICIT_VR_LITTLE_ENDIAN => Self::IMPLICIT,
            EXPLICIT_VR_BIG_ENDIAN => Self::BIG_ENDIAN,
            // everything else in the standard is explicit and little endian (PS3.5 annex A)
            _ => Self::EXPLICIT,
        })
    }

    pub(super) fn word(self, bytes: [u8; 2]) -> u16 {
        match self.order {
            Endianness::Little => u16::from_le_bytes(bytes),
            Endianness::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn long(self, bytes: [u8; 4]) -> u32 {
        match self.order {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn tag(self, [a, b, c, d]: [u8; 4]) -> Tag {
        Tag(self.word([a, b]), self.word([c, d]))
    }
}

/// Whether a transfer syntax deflates the data set.
pub(super) fn is_deflated(transfer_syntax: &str) -> bool {
    [
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        uids::JPIP_REFERENCED_DEFLATE,
        uids::JPIPHTJ2K_REFERENCED_DEFLATE,
    ]
    .contains(&transfer_syntax)
}

/// Whether an explicit header of this representation has a length of 32 bits (PS3.5 section 7.1.2).
pub(super) fn has_long_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_syntaxes_prescribe_an_encoding() {
        for (syntax, encoding, deflated) in [
            ("1.2.840.10008.1.2", DataSetEncoding::IMPLICIT, false),
            ("1.2.840.10008.1.2.2", DataSetEncoding::BIG_ENDIAN, false),
            ("1.2.840.10008.1.2.1.99", DataSetEncoding::EXPLICIT, true),
            ("1.2.840.10008.1.2.4.70", DataSetEncoding::EXPLICIT, false),
        ] {
            assert_eq!((DataSetEncoding::of(syntax).unwrap(), is_deflated(syntax)), (encoding, deflated));
        }
        for unknown in ["", "..", "1.2.3", "1.2.840.10008.1.2.x"] {
            assert!(DataSetEncoding::of(unknown).is_err(), "{unknown}");
        }
        assert!(DataSetEncoding::of(&format!("1.2.840.10008.1.2.{}", "1".repeat(1000))).is_err());
    }
}
