//! Stored pixels of 16 bits on their way to a device: half the bytes of what they become there.

use rayon::prelude::*;

use super::layout::HounsfieldParams;
use super::{ConstantTable, Gpu, GpuBuffer, GpuError, Pass, Reads, Work, vec3_xyz};

/// Stored pixels, two to a word, and what makes values of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Int16Pixels {
    words: Vec<u32>,
    is_signed: bool,
    shape_zyx: [usize; 3],
    /// Slope and intercept of each slice.
    rescale: Vec<[f32; 2]>,
}

/// Two pixels as they lie in a word: the first in the lower half.
fn word(pair: &[u16]) -> u32 {
    u32::from(pair[0]) | pair.get(1).map_or(0, |high| u32::from(*high) << 16)
}

impl Int16Pixels {
    /// Unsigned pixels `[z, y, x]` in row-major order; `rescale` holds slope and intercept of each slice.
    /// `None` where the numbers of pixels or slices do not fit the shape.
    pub fn unsigned(pixels: &[u16], shape_zyx: [usize; 3], rescale: Vec<[f32; 2]>) -> Option<Self> {
        let fits = pixels.len() == shape_zyx.iter().product::<usize>() && rescale.len() == shape_zyx[0];
        let words = || pixels.par_chunks(2).map(word).collect();
        fits.then(|| Self { words: words(), is_signed: false, shape_zyx, rescale })
    }

    /// Signed pixels, else as [`Int16Pixels::unsigned`].
    pub fn signed(pixels: &[i16], shape_zyx: [usize; 3], rescale: Vec<[f32; 2]>) -> Option<Self> {
        let stored = Self::unsigned(bytemuck::cast_slice(pixels), shape_zyx, rescale)?;
        Some(Self { is_signed: true, ..stored })
    }

    /// Values that are all whole numbers of 16 bits, as those of most CT series are; `None` for others.
    pub fn of_whole_numbers(values: &[f32], shape_zyx: [usize; 3]) -> Option<Self> {
        const PIECE: usize = 1 << 16;
        let packed = |piece: &[f32]| {
            let pixels: Vec<u16> = piece.iter().map(|value| narrowed(*value).cast_unsigned()).collect();
            let same = piece.iter().zip(&pixels).all(|(v, pixel)| f32::from(pixel.cast_signed()) == *v);
            same.then(|| pixels.chunks(2).map(word).collect::<Vec<u32>>())
        };
        let words = values.par_chunks(PIECE).map(packed).collect::<Option<Vec<_>>>()?.concat();
        (values.len() == shape_zyx.iter().product::<usize>()).then(|| Self {
            words,
            is_signed: true,
            shape_zyx,
            rescale: vec![[1.0, 0.0]; shape_zyx[0]],
        })
    }

    /// The pass that makes values of the pixels once they are uploaded.
    pub fn pass(&self) -> Pass {
        let shape = vec3_xyz(self.shape_zyx);
        let params = HounsfieldParams { shape, is_signed: u32::from(self.is_signed) };
        let tables = vec![ConstantTable::Weights(self.rescale.as_flattened().to_vec())];
        let reads = Reads::around(0, self.shape_zyx[0]);
        Pass { tables, reads, ..Pass::pointwise(Work::Hounsfield(params), self.shape_zyx) }
    }
}

/// The value as 16 bits, where it is one; anything where it is not.
#[expect(clippy::cast_possible_truncation, reason = "compared with the value afterwards")]
fn narrowed(value: f32) -> i16 {
    value as i16
}

impl Gpu {
    /// Copies stored pixels to the device, two to a word.
    ///
    /// # Errors
    /// As [`Gpu::upload`].
    pub fn upload_stored(&self, pixels: &Int16Pixels) -> Result<GpuBuffer, GpuError> {
        self.upload_words(&pixels.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_of_16_bits_are_packed() {
        let packed = |values: &[f32]| Int16Pixels::of_whole_numbers(values, [1, 1, values.len()]);
        assert_eq!(packed(&[-1024.0, 3.0, -1.0]).unwrap().words, [0x0003_FC00, 0x0000_FFFF]);
        for odd in [0.5, 32_768.0, f32::NAN, f32::NEG_INFINITY] {
            assert_eq!(packed(&[1.0, odd]), None);
        }
        assert_eq!(Int16Pixels::unsigned(&[1, 2], [1, 1, 3], vec![[1.0, 0.0]]), None);
    }
}
