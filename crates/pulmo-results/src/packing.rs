//! How the pixels of a segmentation are stored.

use super::placed_mask::Window;

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
    pub(crate) fn push(&mut self, [rows, columns]: [usize; 2], window: &Window<'_>) {
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
    pub(crate) fn paint(&mut self, [rows, columns]: [usize; 2], window: &Window<'_>, number: u16) {
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
