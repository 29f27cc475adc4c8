//! Random changes to training cases: in-plane geometry, then intensity.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bundle::Axis;
use crate::preprocess::augment::{Change, Elastic, Tone, Warp};
use crate::random::Random;

/// How much training cases are changed; all zero means not at all. Every slice of a case gets
/// the same change, drawn from the seed, the epoch and the case alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Chance of a left-right mirror image.
    pub flip_x: f64,
    /// Chance of a front-back mirror image.
    pub flip_y: f64,
    /// Chance of a head-feet mirror image.
    pub flip_z: f64,
    /// Largest rotation in the slice plane, degrees, either way.
    pub rotate_degrees: f64,
    /// Largest relative change of size, either way: 0.2 gives 1/1.2 to 1.2.
    pub scale: f64,
    /// Largest relative change of one side against the other.
    pub stretch: f64,
    /// Largest shift as a share of the side, either way.
    pub shift: f64,
    /// Largest additive change of brightness, in units of the preprocessed values.
    pub brightness: f64,
    /// Largest relative change of contrast about the case's mean.
    pub contrast: f64,
    /// Largest exponent change of values in [0, 1]: 0.3 gives exponents 1/1.3 to 1.3.
    pub gamma: f64,
    /// Largest standard deviation of added noise.
    pub noise: f64,
    /// Chance that a rectangle of up to a third of each side is set to the mean.
    pub cutout: f64,
    /// Largest standard deviation of a smooth random displacement, as a share of the side.
    pub elastic: f64,
    /// Largest standard deviation of a Gaussian blur in the slice plane, pixels.
    pub blur: f64,
}

/// Distance between the nodes of an elastic displacement, as a share of the side.
const ELASTIC_CELL: f64 = 0.125;

impl AugmentConfig {
    /// Returns the axes along which cases may be mirrored.
    pub fn mirrors(&self) -> Vec<Axis> {
        let chances = [(Axis::X, self.flip_x), (Axis::Y, self.flip_y), (Axis::Z, self.flip_z)];
        chances.into_iter().filter(|(_, chance)| *chance > 0.0).map(|(axis, _)| axis).collect()
    }

    /// Returns a change of a case of `shape_zyx` and this mean, drawn by `random`, for the CPU or a device.
    pub fn change(&self, shape_zyx: [usize; 3], mean: f32, random: &mut Random) -> Change {
        let rows = self.rows(shape_zyx, random);
        let tone = self.tone(shape_zyx, mean, random);
        let elastic = (self.elastic > 0.0).then(|| self.elastic(shape_zyx, random));
        let blur = if self.blur > 0.0 { random.uniform(0.0, self.blur) } else { 0.0 };
        Change { warp: Warp { rows, elastic }, blur_voxels: [0.0, blur, blur], tone }
    }

    /// The rows that give a source voxel's x, y and z from (x, y, z, 1) of the voxel.
    fn rows(&self, shape_zyx: [usize; 3], random: &mut Random) -> [[f32; 4]; 3] {
        let [last_z, last_y, last_x] = shape_zyx.map(|side| side as f64 - 1.0);
        let sign = |chance: f64, random: &mut Random| if random.chance(chance) { -1.0 } else { 1.0 };
        let (flip_x, flip_y) = (sign(self.flip_x, random), sign(self.flip_y, random));
        let flip_z = random.chance(self.flip_z);
        let angle = random.uniform(-self.rotate_degrees, self.rotate_degrees).to_radians();
        let (size, stretch) = (factor(self.scale, random), factor(self.stretch, random).sqrt());
        let (scale_x, scale_y) = (size * stretch, size / stretch);
        let (sin, cos) = angle.sin_cos();
        let centre = [last_x / 2.0, last_y / 2.0];
        let mut row = |axis: usize, [a, b]: [f64; 2]| {
            let shift = random.uniform(-self.shift, self.shift) * (2.0 * centre[axis] + 1.0);
            [a, b, 0.0, centre[axis] + shift - a * centre[0] - b * centre[1]].map(single)
        };
        let along_x = row(0, [flip_x * cos / scale_x, flip_x * sin / scale_x]);
        let along_y = row(1, [-flip_y * sin / scale_y, flip_y * cos / scale_y]);
        [along_x, along_y, if flip_z { [0.0, 0.0, -1.0, single(last_z)] } else { [0.0, 0.0, 1.0, 0.0] }]
    }

    fn tone(&self, shape_zyx: [usize; 3], mean: f32, random: &mut Random) -> Tone {
        let [slices, rows, columns] = shape_zyx;
        Tone {
            exponent: single(factor(self.gamma, random)),
            gain: single(factor(self.contrast, random)),
            offset: single(random.uniform(-self.brightness, self.brightness)),
            mean,
            noise: single(random.uniform(0.0, self.noise)),
            blank: random.chance(self.cutout).then(|| {
                let [columns, rows] = [columns, rows].map(|side| part(side, random));
                [0..slices, rows, columns]
            }),
            key: key(random),
        }
    }

    fn elastic(&self, shape_zyx: [usize; 3], random: &mut Random) -> Elastic {
        let [z, y, x] = shape_zyx.map(|side| side as f64);
        let share = random.uniform(0.0, self.elastic);
        Elastic {
            sigma_voxels: [single(share * x), single(share * y), 0.0],
            cell_voxels: [single(ELASTIC_CELL * x), single(ELASTIC_CELL * y), single(z)],
            key: key(random),
        }
    }
}

/// A factor between `1 / (1 + most)` and `1 + most`, even on the logarithmic scale.
fn factor(most: f64, random: &mut Random) -> f64 {
    let limit = (1.0 + most).ln();
    random.uniform(-limit, limit).exp()
}

/// A part of a side, up to a third of it.
fn part(side: usize, random: &mut Random) -> Range<usize> {
    let length = 1 + random.below(side.div_ceil(3));
    let start = random.below(side - length + 1);
    start..start + length
}

#[expect(clippy::cast_possible_truncation, reason = "the bits are cut into two words")]
fn key(random: &mut Random) -> [u32; 2] {
    let bits = random.bits();
    [(bits >> 32) as u32, bits as u32]
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn ramp() -> Array3<f32> {
        Array3::from_shape_fn((2, 5, 6), |(z, y, x)| (z * 100 + y * 10 + x) as f32)
    }

    fn changed(config: &AugmentConfig, seed: u64) -> Array3<f32> {
        let case = ramp();
        let mean = case.mean().unwrap();
        config.change(case.dim().into(), mean, &mut Random::new(seed)).apply(&case)
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(changed(&AugmentConfig::default(), 1), ramp());
    }

    #[test]
    fn a_certain_flip_mirrors() {
        let config = AugmentConfig { flip_x: 1.0, flip_z: 1.0, ..Default::default() };
        let flipped = changed(&config, 1);
        assert_eq!(flipped[[0, 2, 0]], ramp()[[1, 2, 5]]);
    }

    #[test]
    fn draws_depend_on_the_stream_alone() {
        let config = AugmentConfig { rotate_degrees: 10.0, noise: 1.0, scale: 0.2, ..Default::default() };
        assert_eq!(changed(&config, 5), changed(&config, 5));
        assert_ne!(changed(&config, 5), changed(&config, 6));
    }

    #[test]
    fn elastic_and_blur_are_drawn_from_the_stream_and_change_the_case() {
        let config = AugmentConfig { elastic: 0.05, blur: 1.0, ..Default::default() };
        assert_eq!(changed(&config, 5), changed(&config, 5));
        assert_ne!(changed(&config, 5), changed(&config, 6));
        assert_ne!(changed(&config, 5), ramp());
    }

    #[test]
    fn a_shift_moves_by_its_share() {
        let plan_shift = AugmentConfig { shift: 0.5, ..Default::default() };
        let moved = changed(&plan_shift, 3);
        // a linear ramp stays linear inside; its slope along x is one a pixel
        let inner = moved[[0, 2, 3]] - moved[[0, 2, 2]];
        assert!((0.0..=1.0).contains(&inner), "{inner}");
        assert_ne!(moved, ramp());
    }
}
