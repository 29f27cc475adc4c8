//! How Hounsfield units are stored.

use crate::units::Hounsfield;

/// How Hounsfield units become 16-bit stored values; the slope is always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelLayout {
    /// 12 bits, unsigned, intercept -1024: -1024 to 3071 HU.
    Unsigned12,
    /// 16 bits, unsigned, intercept -1024: -1024 to 64511 HU.
    Unsigned16,
    /// 12 bits, two's complement, intercept 0: -2048 to 2047 HU.
    Signed12,
    /// 16 bits, two's complement, intercept 0: -32768 to 32767 HU.
    Signed16,
}

impl PixelLayout {
    pub(super) fn bits(self) -> u16 {
        if matches!(self, Self::Unsigned12 | Self::Signed12) { 12 } else { 16 }
    }

    pub(super) fn signed(self) -> bool {
        matches!(self, Self::Signed12 | Self::Signed16)
    }

    pub(super) fn intercept(self) -> i32 {
        if self.signed() { 0 } else { -1024 }
    }

    pub(super) fn stored_range(self) -> (i32, i32) {
        let values = 1i32 << self.bits();
        if self.signed() { (-values / 2, values / 2 - 1) } else { (0, values - 1) }
    }

    /// The stored value whose Hounsfield value is nearest, as the 16 bits written: half a unit is
    /// rounded away from zero, what the layout cannot hold is clipped, and NaN becomes the lowest.
    pub fn stored(self, value_hu: Hounsfield) -> u16 {
        let (low, high) = self.stored_range();
        let wanted = (value_hu.round() - self.intercept() as f32).max(low as f32).min(high as f32);
        #[expect(clippy::cast_possible_truncation, reason = "clipped to 16 bits just above")]
        let stored = wanted as i32;
        bits_of(stored)
    }
}

/// The low 16 bits of a value in two's complement.
pub(super) fn bits_of(stored: i32) -> u16 {
    (stored.cast_unsigned() & 0xFFFF) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_clipped_to_the_layout() {
        assert_eq!(PixelLayout::Unsigned12.stored(-1024.0), 0);
        assert_eq!(PixelLayout::Unsigned12.stored(0.4), 1024);
        assert_eq!(PixelLayout::Unsigned12.stored(1e9), 4095);
        assert_eq!(PixelLayout::Unsigned16.stored(4000.0), 5024);
        assert_eq!(PixelLayout::Signed12.stored(-5000.0).cast_signed(), -2048);
        assert_eq!(PixelLayout::Signed16.stored(-999.6).cast_signed(), -1000);
        assert_eq!(PixelLayout::Signed16.stored(f32::NAN).cast_signed(), i16::MIN);
    }
}
