//! Pixels outside the reconstruction: what headers declare of them, and what they leave out.
//!
//! The rule, slice by slice:
//!
//! 1. A declared value or range is padding. Where it is one of tissue it is believed only as a single value
//!    that a corner of the slice holds, as a declaration with the wrong sign would punch holes into bone.
//! 2. Where one and the same value makes up nearly all of what lies below -1100 HU, it is padding that the
//!    header does not declare; so is one value beyond 32767 of unsigned samples, a negative one without
//!    its sign. "Nearly all": 1 in 1000 of the slice's pixels may have other values there.
//!
//! A wrong slope or intercept spreads air over many values, which stay and are refused as `HU_RANGE`.

use super::pixel_format::stored;
use super::statistics::LEAST_HU;
use super::{PixelFormat, Rescale};
use crate::units::Hounsfield;

/// One voxel in so many may lie below what CT gives without a reason.
const FEW: u64 = 1000;
/// Values of tissue, air excluded: padding that is declared among these may be written wrongly.
const TISSUE_HU: [Hounsfield; 2] = [-1000.0, 3072.0];

/// What becomes of pixels that the header marks as padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// They keep the value that slope and intercept give them.
    Keep,
    /// They become air, [`AIR_HU`](crate::units::AIR_HU), so that no filter smears them into the body.
    #[default]
    Air,
}

/// The stored values that mark pixels outside the reconstruction.
///
/// Pixel Padding Value is often written with the wrong sign (63536 for -2000), so it is held as the
/// bits of a sample: cut to Bits Stored and sign-extended like a sample where it fits, else
/// compared with the whole allocated word.
///
/// # References
/// DICOM PS3.3 C.7.5.1.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelPadding {
    first: i32,
    last: i32,
    whole_word: bool,
}

impl PixelPadding {
    /// The padding of samples of `format` whose header gives these 16-bit patterns as Pixel Padding
    /// Value and Pixel Padding Range Limit (the same twice where there is no limit).
    pub fn new(patterns: [u16; 2], format: PixelFormat) -> Self {
        let whole_word = patterns.iter().any(|pattern| !fits(*pattern, format));
        let [a, b] =
            patterns.map(|pattern| if whole_word { i32::from(pattern) } else { stored(pattern, format) });
        Self { first: a.min(b), last: a.max(b), whole_word }
    }

    /// Whether a sample, as allocated word and as stored value, is padding.
    pub(super) fn covers(&self, word: u16, stored: i32) -> bool {
        let sample = if self.whole_word { i32::from(word) } else { stored };
        self.first <= sample && sample <= self.last
    }

    /// Whether the values are padding in a slice with these words at its corners.
    pub(super) fn is_believable(&self, corners: [u16; 4], format: PixelFormat, rescale: Rescale) -> bool {
        let [least, most] = [self.first, self.last].map(|stored| rescale.hounsfield(stored));
        let is_of_tissue = most > TISSUE_HU[0] && least < TISSUE_HU[1];
        let is_at_a_corner = || corners.iter().any(|word| self.covers(*word, stored(*word, format)));
        !is_of_tissue || self.first == self.last && is_at_a_corner()
    }
}

/// Whether a padding pattern names a value that `bits_stored` bits can hold.
fn fits(pattern: u16, format: PixelFormat) -> bool {
    let is_extended = format.signed && i32::from(pattern.cast_signed()) == stored(pattern, format);
    u32::from(pattern) >> format.bits_stored == 0 || is_extended
}

/// Whether a value lies where no CT has any, so that it may be padding that the header does not declare:
/// far below air, or without the sign that would take it there.
pub(super) fn may_be_undeclared(word: u16, format: PixelFormat, rescale: Rescale) -> bool {
    let value = stored(word, format);
    let is_unsigned = !format.signed && format.bits_stored == 16 && value > i32::from(i16::MAX);
    let value = if is_unsigned { i32::from(word.cast_signed()) } else { value };
    rescale.hounsfield(value) < LEAST_HU
}

/// One value that many voxels have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plateau<T> {
    /// The value.
    pub value: T,
    /// Voxels that have it.
    pub count: u64,
}

/// The one value that makes up nearly all of `counted`, the values where no CT has any and how often each
/// occurs among `voxels`. `None` where these are few, or several.
pub fn plateau<T: Copy + PartialEq>(
    counted: impl Iterator<Item = (T, u64)> + Clone,
    voxels: u64,
) -> Option<Plateau<T>> {
    let few = voxels / FEW;
    // a value that makes up more than half of all outvotes the others
    let vote = |(leader, lead): (Option<T>, u64), (value, count): (T, u64)| match leader {
        Some(leader) if leader == value => (Some(leader), lead + count),
        Some(leader) if count <= lead => (Some(leader), lead - count),
        _ => (Some(value), count - lead),
    };
    let leader = counted.clone().fold((None, 0), vote).0?;
    let (mut of_leader, mut of_others) = (0, 0);
    for (value, count) in counted {
        *(if value == leader { &mut of_leader } else { &mut of_others }) += count;
    }
    (of_leader > few && of_others <= few).then_some(Plateau { value: leader, count: of_leader })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bits_stored: u16, signed: bool) -> PixelFormat {
        PixelFormat { rows: 1, columns: 1, bits_allocated: 16, bits_stored, signed }
    }

    #[test]
    fn padding_is_told_by_its_bits() {
        // -2000 written as US and as SS is one pattern
        let signed = PixelPadding::new([63536, 63536], format(16, true));
        assert!(signed.covers(63536, -2000) && !signed.covers(0, 0));
        // a padding word beyond Bits Stored is no 12-bit value: 0xF830 must not hit 0x830
        let beyond = PixelPadding::new([63536, 63536], format(12, false));
        assert!(beyond.covers(0xF830, 0x830) && !beyond.covers(0x830, 0x830));
        let range = PixelPadding::new([0xF830, 0xF82E], format(16, true));
        assert!(range.covers(0xF82F, -2001) && !range.covers(0xF831, -1999));
    }

    #[test]
    fn declared_values_of_tissue_are_believed_at_corners_only() {
        let signed = format(16, true);
        let unit = Rescale { slope: 1.0, intercept: 0.0 };
        let believable = |patterns: [i16; 2], corner: i16| {
            let padding = PixelPadding::new(patterns.map(i16::cast_unsigned), signed);
            padding.is_believable([corner.cast_unsigned(), 40, 40, 40], signed, unit)
        };
        assert!(believable([-2000, -2000], 40));
        assert!(!believable([2000, 2000], -2000));
        assert!(believable([0, 0], 0) && !believable([0, 0], -1000));
        // a range from far below air to water would swallow the lungs
        assert!(!believable([-2000, 0], -1000) && believable([-3000, -1500], 40));
    }

    #[test]
    fn a_plateau_is_one_value_but_for_few() {
        let of = |counted: &[(i32, u64)], voxels| {
            plateau(counted.iter().copied(), voxels).map(|found| (found.value, found.count))
        };
        assert_eq!(of(&[(-2048, 900)], 4000), Some((-2048, 900)));
        assert_eq!(of(&[(-1200, 2), (-2048, 900), (-1101, 2)], 4000), Some((-2048, 900)));
        assert_eq!(of(&[(-1200, 5), (-2048, 900)], 4000), None);
        assert_eq!(of(&[(-2048, 4)], 4000), None);
        assert_eq!(of(&[(-1, 3), (-2, 3), (-3, 3)], 100), None);
        assert_eq!(of(&[], 4000), None);
    }
}
