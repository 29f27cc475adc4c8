//! Noise and its fineness, in small squares of soft tissue.

use ndarray::{ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::units::Hounsfield;
use crate::volume::Volume;

/// Side of the squares in pixels.
const SIDE: usize = 8;
/// Most slices looked at, evenly over the volume.
const SLICES: usize = 32;
/// Mean of a square that is soft tissue: muscle, blood and liver, without fat, lung and bone.
const SOFT_TISSUE_HU: std::ops::RangeInclusive<f64> = -20.0..=120.0;
/// Fewest squares that say something.
const LEAST_SQUARES: usize = 50;
/// Below this deviation there is no noise of which the fineness could be told.
const LEAST_NOISE_HU: f64 = 0.5;

/// Noise of a volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grain {
    /// Standard deviation within squares, the quarter with the least below it: squares across edges are above.
    pub(super) noise_hu: f64,
    /// See [`Fact::Sharpness`](super::Fact::Sharpness); `None` without noise.
    pub(super) sharpness: Option<f64>,
}

/// One square of soft tissue.
#[derive(Debug, Clone, Copy)]
struct Square {
    deviation_hu: f64,
    /// Mean square of the differences of neighbours in a row.
    step_hu2: f64,
}

impl Grain {
    /// The noise of a volume in Hounsfield units; `None` where there is too little soft tissue.
    pub(super) fn of(volume: &Volume) -> Option<Self> {
        let slices = volume.voxels().len_of(Axis(0));
        let step = slices.div_ceil(SLICES).max(1);
        let looked_at: Vec<usize> = (step / 2..slices).step_by(step).collect();
        let squares = |z: &usize| squares(volume.voxels().index_axis(Axis(0), *z));
        let mut squares: Vec<Square> = looked_at.par_iter().map(squares).collect::<Vec<_>>().concat();
        if squares.len() < LEAST_SQUARES {
            return None;
        }
        squares.sort_by(|a, b| a.deviation_hu.total_cmp(&b.deviation_hu));
        let even = &squares[..squares.len() / 2];
        let noise_hu = even[even.len() / 2].deviation_hu;
        let fineness = |square: &Square| (square.step_hu2 / 2.0).sqrt() / square.deviation_hu;
        let mut sharpness: Vec<f64> =
            even.iter().filter(|square| square.deviation_hu >= LEAST_NOISE_HU).map(fineness).collect();
        sharpness.sort_by(f64::total_cmp);
        Some(Self { noise_hu, sharpness: sharpness.get(sharpness.len() / 2).copied() })
    }
}

/// The squares of soft tissue of a slice.
fn squares(slice: ArrayView2<'_, Hounsfield>) -> Vec<Square> {
    let (rows, columns) = slice.dim();
    let starts = |length: usize| (0..(length + 1).saturating_sub(SIDE)).step_by(SIDE);
    let places = starts(rows).flat_map(|y| starts(columns).map(move |x| [y, x]));
    places.filter_map(|[y, x]| square(slice.slice(s![y..y + SIDE, x..x + SIDE]))).collect()
}

fn square(values: ArrayView2<'_, Hounsfield>) -> Option<Square> {
    let count = values.len() as f64;
    let mean = values.iter().map(|hu| f64::from(*hu)).sum::<f64>() / count;
    if !SOFT_TISSUE_HU.contains(&mean) {
        return None;
    }
    let squared = |hu: &f32| (f64::from(*hu) - mean).powi(2);
    let variance = values.iter().map(squared).sum::<f64>() / (count - 1.0);
    let (left, right) = (values.slice(s![.., ..-1]), values.slice(s![.., 1..]));
    let steps = left.iter().zip(right).map(|(a, b)| f64::from(b - a).powi(2)).sum::<f64>();
    Some(Square { deviation_hu: variance.sqrt(), step_hu2: steps / left.len() as f64 })
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small values drawn for a test")]
mod tests {
    use super::*;
    use crate::geometry::Grid;
    use pulmo_random::Random;

    /// Soft tissue with white noise, each value the mean of `width` neighbours in its row.
    fn noisy(deviation_hu: f64, width: usize) -> Volume {
        let mut random = Random::new(4);
        let grid = Grid::aligned([4, 96, 96], [1.0; 3]).unwrap();
        let mut row = vec![0.0; 96 + width];
        Volume::from_fn(grid, |[_, _, x]| {
            if x == 0 {
                row.fill_with(|| random.normal());
            }
            let mean = row[x..x + width].iter().sum::<f64>() / (width as f64).sqrt();
            (40.0 + deviation_hu * mean) as f32
        })
    }

    /// In squares of 64 values the quarter with the least deviation lies a little below the true one.
    #[test]
    fn noise_is_its_standard_deviation_and_white_noise_has_fineness_1() {
        for deviation in [5.0, 25.0] {
            let grain = Grain::of(&noisy(deviation, 1)).unwrap();
            assert!((grain.noise_hu / deviation - 0.95).abs() < 0.05, "{grain:?}");
            assert!((grain.sharpness.unwrap() - 1.0).abs() < 0.06, "{grain:?}");
        }
    }

    /// Neighbours that share half of what they are made of differ by half the variance: 1 / sqrt 2.
    #[test]
    fn smooth_noise_is_less_fine() {
        let grain = Grain::of(&noisy(20.0, 2)).unwrap();
        assert!((grain.sharpness.unwrap() - 0.5f64.sqrt()).abs() < 0.08, "{grain:?}");
    }

    #[test]
    fn edges_air_and_even_tissue_are_no_noise() {
        let grid = Grid::aligned([4, 96, 96], [1.0; 3]).unwrap();
        let striped = Volume::from_fn(grid, |[_, _, x]| if x < 6 { -900.0 } else { 40.0 });
        assert_eq!(Grain::of(&striped), Some(Grain { noise_hu: 0.0, sharpness: None }));
        assert_eq!(Grain::of(&Volume::from_fn(grid, |_| -1000.0)), None);
    }
}
