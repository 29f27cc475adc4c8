//! The numbers of a NIfTI header, where `nifti1.h` and `nifti2.h` have them.

use glam::DVec3;

use super::element::ByteOrder;

/// Bytes of a NIfTI-1 header.
pub(super) const HEADER_1_BYTES: u16 = 348;
/// Bytes of a NIfTI-2 header.
pub(super) const HEADER_2_BYTES: u16 = 540;
/// Magic of a NIfTI-1 file that holds header and values.
pub(super) const MAGIC_1: &[u8; 4] = b"n+1\0";
const MAGIC_2: &[u8; 8] = b"n+2\0\r\n\x1a\n";

/// Furthest start of the values accepted: header extensions are skipped, never kept.
pub(super) const FURTHEST_VALUES: u64 = 1 << 26;

/// NIfTI's patient axes point to the right and to the front, LPS ones to the left and to the back.
pub(super) const LPS_FROM_RAS: DVec3 = DVec3::new(-1.0, -1.0, 1.0);

/// The bytes of a header, whose numbers are read at the offsets of `nifti1.h` and `nifti2.h`.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) order: ByteOrder,
    pub(super) is_nifti_2: bool,
}

impl<'a> Fields<'a> {
    /// The header at the beginning of a file; `None` where there is none.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = *bytes.first_chunk::<4>()?;
        let has_size = |number: u16| match u32::from(number) {
            number if u32::from_le_bytes(size) == number => Some(ByteOrder::Little),
            number if u32::from_be_bytes(size) == number => Some(ByteOrder::Big),
            _ => None,
        };
        if let (Some(order), Some(MAGIC_1)) = (has_size(HEADER_1_BYTES), bytes.get(344..348)?.first_chunk()) {
            return Some(Self { bytes, order, is_nifti_2: false });
        }
        let order = has_size(HEADER_2_BYTES).filter(|_| bytes.get(4..12) == Some(MAGIC_2))?;
        Some(Self { bytes, order, is_nifti_2: true })
    }

    /// The bytes of one number, least significant first; zeros beyond the header's end.
    pub(super) fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
        let mut bytes = found.copied().unwrap_or([0; N]);
        if self.order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }

    /// A whole number: `i16` at the first offset in NIfTI-1, `i64` at the second in NIfTI-2.
    pub(super) fn dimension(&self, index: usize) -> i64 {
        match self.is_nifti_2 {
            true => i64::from_le_bytes(self.number(16 + 8 * index)),
            false => i16::from_le_bytes(self.number(40 + 2 * index)).into(),
        }
    }

    /// A code: `i16` at the first offset in NIfTI-1, `i32` at the second in NIfTI-2.
    pub(super) fn code(&self, [first, second]: [usize; 2]) -> i32 {
        match self.is_nifti_2 {
            true => i32::from_le_bytes(self.number(second)),
            false => i16::from_le_bytes(self.number(first)).into(),
        }
    }

    /// The number at `index` of a list: `f32` from the first offset in NIfTI-1, `f64` from the
    /// second in NIfTI-2.
    pub(super) fn real(&self, [first, second]: [usize; 2], index: usize) -> f64 {
        match self.is_nifti_2 {
            true => f64::from_le_bytes(self.number(second + 8 * index)),
            false => f32::from_le_bytes(self.number(first + 4 * index)).into(),
        }
    }

    pub(super) fn vector(&self, at: [usize; 2], first: usize) -> DVec3 {
        DVec3::from_array([0, 1, 2].map(|index| self.real(at, first + index)))
    }

    /// Where the values start. 0 is written for the first place possible, as nibabel and ITK read it: behind
    /// the header and the four bytes that say whether extensions follow.
    pub(super) fn values_at(&self) -> Option<u64> {
        let header = if self.is_nifti_2 { HEADER_2_BYTES } else { HEADER_1_BYTES };
        self.stated_values_at().map(|at| if at == 0 { u64::from(header) + 4 } else { at })
    }

    fn stated_values_at(&self) -> Option<u64> {
        if self.is_nifti_2 {
            return u64::try_from(i64::from_le_bytes(self.number(168))).ok();
        }
        let offset = self.real([108, 108], 0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        let values_at = offset as u64;
        let is_sound = offset.fract() == 0.0 && (0.0..=FURTHEST_VALUES as f64).contains(&offset);
        is_sound.then_some(values_at)
    }
}
