//! Gamma, contrast, brightness, noise and cut-out.

use std::ops::Range;

use ndarray::Array3;
use rayon::prelude::*;

use super::random::normal;
use crate::gpu::{Pass, Recording, ToneParams, Work, vec3_xyz};

/// What becomes of a case's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Tone {
    /// Exponent of positive values.
    pub exponent: f32,
    /// Factor about the mean.
    pub gain: f32,
    /// Added to all values.
    pub offset: f32,
    /// The case's mean.
    pub mean: f32,
    /// Standard deviation of the noise added.
    pub noise: f32,
    /// Key of the noise.
    pub key: [u32; 2],
    /// The box `[z, y, x]` set to the mean.
    pub blank: Option<[Range<usize>; 3]>,
}

impl Default for Tone {
    /// The tone that changes nothing.
    fn default() -> Self {
        Self { exponent: 1.0, gain: 1.0, offset: 0.0, mean: 0.0, noise: 0.0, key: [0; 2], blank: None }
    }
}

impl Tone {
    fn changes(&self) -> bool {
        let values = [self.exponent != 1.0, self.gain != 1.0, self.offset != 0.0, self.noise > 0.0];
        values.contains(&true) || self.blank.is_some()
    }

    pub(super) fn apply(&self, mut case: Array3<f32>) -> Array3<f32> {
        let (_, rows, columns) = case.dim();
        if let Some(values) = case.as_slice_mut().filter(|_| self.changes()) {
            values.par_chunks_mut(columns).enumerate().for_each(|(row, values)| {
                let line = [row / rows, row % rows];
                let blank = self.blank.as_ref().filter(|b| (0..2).all(|axis| b[axis].contains(&line[axis])));
                for (column, value) in values.iter_mut().enumerate() {
                    let blanked = blank.is_some_and(|[_, _, columns]| columns.contains(&column));
                    *value = if blanked { self.mean } else { self.toned(*value, row * columns + column) };
                }
            });
        }
        case
    }

    fn toned(&self, value: f32, index: usize) -> f32 {
        let curved = if self.exponent != 1.0 && value > 0.0 { value.powf(self.exponent) } else { value };
        let changed = (curved - self.mean) * self.gain + self.mean + self.offset;
        if self.noise == 0.0 {
            return changed;
        }
        // Cases stay far below 2^32 voxels; beyond, numbers would only repeat.
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        changed + self.noise * normal([index, self.key[0], self.key[1], 0])
    }

    pub(super) fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        if !self.changes() {
            return;
        }
        let corner = |end: fn(&Range<usize>) -> usize| {
            let zyx = self.blank.as_ref().map_or([0; 3], |b| std::array::from_fn(|axis| end(&b[axis])));
            let [x, y, z] = vec3_xyz(zyx);
            [x, y, z, 0]
        };
        let params = ToneParams {
            shape: vec3_xyz(shape_zyx),
            exponent: self.exponent,
            mean: self.mean,
            gain: self.gain,
            offset: self.offset,
            noise: self.noise,
            blank_low: corner(|range| range.start),
            blank_high: corner(|range| range.end),
            key: self.key,
            padding_0: 0,
            padding_1: 0,
        };
        recording.push(Pass::pointwise(Work::Tone(params), shape_zyx));
    }
}
