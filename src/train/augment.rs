//! Random changes to training cases: in-plane geometry, then intensity.

use ndarray::{Array3, ArrayView2};
use rayon::prelude::*;
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

    /// Returns the case changed by the draws of `random`; the shape stays.
    pub fn apply(&self, case: &Array3<f32>, random: &mut Random) -> Array3<f32> {
        let mean = case.mean().unwrap_or(0.0);
        if self.elastic > 0.0 || self.blur > 0.0 {
            return self.change(case.dim().into(), mean, random).apply(case);
        }
        let plan = Plan::draw(self, (case.dim(), mean), random);
        let mut changed = Array3::zeros(case.dim());
        let slices = case.dim().0;
        changed.axis_iter_mut(ndarray::Axis(0)).into_par_iter().enumerate().for_each(|(z, mut slice)| {
            let source = if plan.flip_z { slices - 1 - z } else { z };
            let mut noise = Random::keyed(plan.noise_seed, &[z as u64]);
            plan.warp(case.index_axis(ndarray::Axis(0), source), &mut slice, &mut noise);
        });
        changed
    }

    /// Returns a change of a case of `shape_zyx` and this mean, drawn by `random`, as passes for a device
    /// or the CPU. Its noise is another than that of [`AugmentConfig::apply`], of the same size.
    pub fn change(&self, shape_zyx: [usize; 3], mean: f32, random: &mut Random) -> Change {
        let plan = Plan::draw(self, (shape_zyx.into(), mean), random);
        let key = |bits: u64| [high_half(bits), high_half(bits << 32)];
        let [z, y, x] = shape_zyx.map(|side| side as f64);
        let elastic = (self.elastic > 0.0).then(|| {
            let share = random.uniform(0.0, self.elastic);
            let of_plane = |share: f64| [single(share * x), single(share * y), 0.0];
            let [cell_x, cell_y, _] = of_plane(ELASTIC_CELL);
            Elastic {
                sigma_voxels: of_plane(share),
                cell_voxels: [cell_x, cell_y, single(z)],
                key: key(random.bits()),
            }
        });
        let blur = if self.blur > 0.0 { random.uniform(0.0, self.blur) } else { 0.0 };
        let tone = Tone {
            exponent: plan.exponent,
            gain: plan.gain,
            offset: plan.offset,
            mean,
            noise: plan.noise,
            key: key(plan.noise_seed),
            blank: plan.blank.clone().map(|[columns, rows]| [0..shape_zyx[0], rows, columns]),
        };
        Change { warp: Warp { rows: plan.rows(shape_zyx), elastic }, blur_voxels: [0.0, blur, blur], tone }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn single(value: f64) -> f32 {
    value as f32
}

fn high_half(bits: u64) -> u32 {
    (bits >> 32) as u32
}

/// One draw of all changes.
struct Plan {
    /// Source `(x, y)` of the destination `(x, y)`, both from the centre: a 2 x 2 matrix.
    matrix: [[f64; 2]; 2],
    shift: [f64; 2],
    flip_z: bool,
    exponent: f32,
    gain: f32,
    offset: f32,
    mean: f32,
    noise: f32,
    noise_seed: u64,
    /// Columns and rows of the rectangle that is blanked.
    blank: Option<[std::ops::Range<usize>; 2]>,
}

/// A factor between `1 / (1 + most)` and `1 + most`, even on the logarithmic scale.
fn factor(most: f64, random: &mut Random) -> f64 {
    let limit = (1.0 + most).ln();
    random.uniform(-limit, limit).exp()
}

impl Plan {
    #[expect(clippy::cast_possible_truncation, reason = "voxel values are f32")]
    fn draw(config: &AugmentConfig, case: ((usize, usize, usize), f32), random: &mut Random) -> Self {
        let ((_, rows, columns), mean) = case;
        let sign = |chance: f64, random: &mut Random| if random.chance(chance) { -1.0 } else { 1.0 };
        let (flip_x, flip_y) = (sign(config.flip_x, random), sign(config.flip_y, random));
        let flip_z = random.chance(config.flip_z);
        let angle = random.uniform(-config.rotate_degrees, config.rotate_degrees).to_radians();
        let (size, stretch) = (factor(config.scale, random), factor(config.stretch, random).sqrt());
        let (scale_x, scale_y) = (size * stretch, size / stretch);
        let (sin, cos) = angle.sin_cos();
        let matrix = [
            [flip_x * cos / scale_x, flip_x * sin / scale_x],
            [-flip_y * sin / scale_y, flip_y * cos / scale_y],
        ];
        let mut shift = |side: usize| random.uniform(-config.shift, config.shift) * side as f64;
        let shift = [shift(columns), shift(rows)];
        let exponent = factor(config.gamma, random) as f32;
        let gain = factor(config.contrast, random) as f32;
        let offset = random.uniform(-config.brightness, config.brightness) as f32;
        let noise = random.uniform(0.0, config.noise) as f32;
        let blank = random.chance(config.cutout).then(|| {
            [columns, rows].map(|side| {
                let length = 1 + random.below(side.div_ceil(3));
                let start = random.below(side - length + 1);
                start..start + length
            })
        });
        let noise_seed = random.bits();
        Self { matrix, shift, flip_z, exponent, gain, offset, mean, noise, noise_seed, blank }
    }

    /// The rows that give a source voxel's x, y and z from (x, y, z, 1) of the voxel.
    fn rows(&self, shape_zyx: [usize; 3]) -> [[f32; 4]; 3] {
        let [last_z, last_y, last_x] = shape_zyx.map(|side| side as f64 - 1.0);
        let centre = [last_x / 2.0, last_y / 2.0];
        let row = |axis: usize| {
            let [a, b] = self.matrix[axis];
            let start = centre[axis] + self.shift[axis] - a * centre[0] - b * centre[1];
            [a, b, 0.0, start].map(single)
        };
        let through = if self.flip_z { [0.0, 0.0, -1.0, single(last_z)] } else { [0.0, 0.0, 1.0, 0.0] };
        [row(0), row(1), through]
    }

    fn warp(&self, source: ArrayView2<f32>, slice: &mut ndarray::ArrayViewMut2<f32>, noise: &mut Random) {
        let (rows, columns) = source.dim();
        let centre = [(columns as f64 - 1.0) / 2.0, (rows as f64 - 1.0) / 2.0];
        let identity = self.matrix == [[1.0, 0.0], [0.0, 1.0]] && self.shift == [0.0, 0.0];
        for ((row, column), value) in slice.indexed_iter_mut() {
            let here = [column as f64 - centre[0], row as f64 - centre[1]];
            let moved = |axis: usize| {
                let [a, b] = self.matrix[axis];
                a * here[0] + b * here[1] + centre[axis] + self.shift[axis]
            };
            let sampled =
                if identity { source[[row, column]] } else { bilinear(&source, moved(0), moved(1)) };
            let blanked = self.blank.as_ref().is_some_and(|[x, y]| x.contains(&column) && y.contains(&row));
            *value = if blanked { self.mean } else { self.intensity(sampled, noise) };
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "voxel values are f32")]
    fn intensity(&self, value: f32, noise: &mut Random) -> f32 {
        let curved = match self.exponent {
            1.0 => value,
            exponent if value > 0.0 => value.powf(exponent),
            _ => value,
        };
        let changed = (curved - self.mean) * self.gain + self.mean + self.offset;
        if self.noise > 0.0 { changed + self.noise * noise.normal() as f32 } else { changed }
    }
}

/// Linear interpolation at `(x, y)`, in pixels from the centre of the first; the border is repeated.
#[expect(clippy::cast_possible_truncation, reason = "the position is clamped to the image before it is cut")]
#[expect(clippy::cast_sign_loss, reason = "the position is clamped to the image before it is cut")]
fn bilinear(source: &ArrayView2<f32>, x: f64, y: f64) -> f32 {
    let (rows, columns) = source.dim();
    let (x, y) = (x.clamp(0.0, columns as f64 - 1.0), y.clamp(0.0, rows as f64 - 1.0));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(columns - 1), (top + 1).min(rows - 1));
    let (fx, fy) = ((x - left as f64) as f32, (y - top as f64) as f32);
    let upper = source[[top, left]] * (1.0 - fx) + source[[top, right]] * fx;
    let lower = source[[bottom, left]] * (1.0 - fx) + source[[bottom, right]] * fx;
    upper * (1.0 - fy) + lower * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Array3<f32> {
        Array3::from_shape_fn((2, 5, 6), |(z, y, x)| (z * 100 + y * 10 + x) as f32)
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(AugmentConfig::default().apply(&ramp(), &mut Random::new(1)), ramp());
    }

    #[test]
    fn a_certain_flip_mirrors() {
        let config = AugmentConfig { flip_x: 1.0, flip_z: 1.0, ..Default::default() };
        let flipped = config.apply(&ramp(), &mut Random::new(1));
        assert_eq!(flipped[[0, 2, 0]], ramp()[[1, 2, 5]]);
    }

    #[test]
    fn draws_depend_on_the_stream_alone() {
        let config = AugmentConfig { rotate_degrees: 10.0, noise: 1.0, scale: 0.2, ..Default::default() };
        let apply = |seed| config.apply(&ramp(), &mut Random::new(seed));
        assert_eq!(apply(5), apply(5));
        assert_ne!(apply(5), apply(6));
    }

    #[test]
    fn the_same_draw_as_passes_is_the_same_change() {
        let config = AugmentConfig {
            flip_x: 0.5,
            flip_z: 0.5,
            rotate_degrees: 20.0,
            scale: 0.2,
            shift: 0.1,
            brightness: 0.3,
            contrast: 0.2,
            cutout: 0.5,
            ..Default::default()
        };
        let case = ramp();
        for seed in 0..20 {
            let one = config.apply(&case, &mut Random::new(seed));
            let change = config.change([2, 5, 6], case.mean().unwrap(), &mut Random::new(seed));
            let other = change.apply(&case);
            // Positions in f32 against f64, on a slope of 10 a pixel.
            assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-3), "{seed}: {one} {other}");
        }
    }

    #[test]
    fn elastic_and_blur_are_drawn_from_the_stream_and_change_the_case() {
        let config = AugmentConfig { elastic: 0.05, blur: 1.0, ..Default::default() };
        let apply = |seed| config.apply(&ramp(), &mut Random::new(seed));
        assert_eq!(apply(5), apply(5));
        assert_ne!(apply(5), apply(6));
        assert_ne!(apply(5), ramp());
    }

    #[test]
    fn a_shift_moves_by_its_share() {
        let plan_shift = AugmentConfig { shift: 0.5, ..Default::default() };
        let moved = plan_shift.apply(&ramp(), &mut Random::new(3));
        // a linear ramp stays linear inside; its slope along x is one a pixel
        let inner = moved[[0, 2, 3]] - moved[[0, 2, 2]];
        assert!((0.0..=1.0).contains(&inner), "{inner}");
        assert_ne!(moved, ramp());
    }
}
