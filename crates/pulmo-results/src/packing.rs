//! How the pixels of a segmentation are stored.

use super::placed_mask::MaskWindow;

/// Frames of single bits, one behind the other without a gap: the first pixel is the lowest bit of the first byte.
///
/// # References
/// DICOM PS3.5 8.1.1 and annex D; PS3.3 C.8.20.2.1.
#[derive(Default)]
pub(crate) struct BitFrames {
    bytes: Vec<u8>,
    /// Bits so far.
    length: usize,
}

impl BitFrames {
    /// Appends a frame.
    pub(crate) fn push(&mut self, [rows, columns]: [usize; 2], window: &MaskWindow<'_>) {
        let start = self.length;
        self.length += rows * columns;
        self.bytes.resize(self.length.div_ceil(8), 0);
        for [row, column] in window.pixels() {
            let bit = start + row * columns + column;
            self.bytes[bit / 8] |= 1 << (bit % 8);
        }
    }

    /// All frames as pixel data, of even length.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        self.bytes
    }
}

/// Frames of whole numbers, 8 or 16 bits each: the number of the segment that a pixel belongs to, 0 of none.
pub(crate) struct LabelFrames {
    bytes: Vec<u8>,
    bytes_each: usize,
}

impl LabelFrames {
    /// No frames yet, of pixels that hold numbers up to `most`.
    pub(crate) fn holding(most: u16) -> Self {
        Self { bytes: Vec::new(), bytes_each: if most > 255 { 2 } else { 1 } }
    }

    /// Bits of one pixel.
    pub(crate) fn bits(&self) -> u16 {
        if self.bytes_each == 2 { 16 } else { 8 }
    }

    /// Appends a frame of zeros, to be painted.
    pub(crate) fn push(&mut self, [rows, columns]: [usize; 2]) {
        self.bytes.resize(self.bytes.len() + rows * columns * self.bytes_each, 0);
    }

    /// Paints a segment into the last frame, over what is there.
    pub(crate) fn paint(&mut self, [rows, columns]: [usize; 2], window: &MaskWindow<'_>, number: u16) {
        let start = self.bytes.len() - rows * columns * self.bytes_each;
        for [row, column] in window.pixels() {
            let at = start + (row * columns + column) * self.bytes_each;
            self.bytes[at..at + self.bytes_each].copy_from_slice(&number.to_le_bytes()[..self.bytes_each]);
        }
    }

    /// All frames as pixel data, of even length.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr3;
    use pulmo_scan::geometry::Grid;
    use pulmo_scan::volume::Mask;

    use super::super::placed_mask::PlacedMask;
    use super::*;

    /// Frames of 15 pixels, so that the second begins within a byte.
    fn mask() -> Mask {
        let grid = Grid::aligned([2, 3, 5], [1.0; 3]).unwrap();
        let [x, o] = [true, false];
        let voxels = arr3(&[
            [[x, o, o, o, o], [o, o, o, o, x], [o, o, o, o, x]],
            [[x, o, o, o, o], [o, o, o, o, o], [o, x, o, o, o]],
        ]);
        Mask::new(grid, voxels).unwrap()
    }

    /// ORIGIN: `pydicom.pixels.pack_bits(voxels.ravel())` of pydicom 3.0.2; exact.
    #[test]
    fn frames_follow_each_other_bit_by_bit() {
        let mask = mask();
        let placed = PlacedMask::on(mask.grid(), &mask, "it").unwrap();
        let mut frames = BitFrames::default();
        (0..2).for_each(|z| frames.push([3, 5], &placed.slice(z).unwrap()));
        assert_eq!(frames.into_bytes(), [1, 194, 0, 4]);
    }

    #[test]
    fn labels_are_as_wide_as_they_must_be_and_later_ones_cover_earlier_ones() {
        let mask = mask();
        let placed = PlacedMask::on(mask.grid(), &mask, "it").unwrap();
        let mut narrow = LabelFrames::holding(255);
        narrow.push([3, 5]);
        narrow.paint([3, 5], &placed.slice(0).unwrap(), 7);
        narrow.paint([3, 5], &placed.slice(1).unwrap(), 255);
        let bytes = narrow.into_bytes();
        assert_eq!((bytes.len(), bytes[0], bytes[9], bytes[11], bytes[14]), (16, 255, 7, 255, 7));
        let mut wide = LabelFrames::holding(256);
        wide.push([3, 5]);
        wide.paint([3, 5], &placed.slice(0).unwrap(), 0x0102);
        assert_eq!((wide.bits(), &wide.into_bytes()[..4]), (16, &[2, 1, 0, 0][..]));
    }
}
