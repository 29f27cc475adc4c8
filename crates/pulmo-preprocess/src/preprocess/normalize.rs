//! Zero mean and unit variance.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::Operation;
use super::ramp::{Ramp, UNCHANGED};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Values that are summed as one.
const PIECE: usize = 1 << 16;

/// Takes the mean away and divides by the standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Which mean and standard deviation.
    pub statistics: Statistics,
}

/// Where mean and standard deviation come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statistics {
    /// Given, for instance those of the training set.
    Fixed {
        /// The mean.
        mean: f32,
        /// The standard deviation, more than 0.
        std: f32,
    },
    /// Those of each volume's own voxels (the population's standard deviation, divided by n).
    PerVolume,
}

impl Normalize {
    fn ramp(&self) -> Result<Ramp, Problem> {
        match self.statistics {
            Statistics::Fixed { mean, std } => Ok(Ramp { subtract: mean, multiply: 1.0 / std, ..UNCHANGED }),
            Statistics::PerVolume => Err(Problem::NeedsVoxels),
        }
    }

    /// Mean and standard deviation of a volume's own voxels.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
    fn measured(volume: &Volume) -> Result<Self, Problem> {
        let [mean, std] = moments(volume.as_slice());
        if std <= 1e-6 * mean.abs().max(f64::MIN_POSITIVE) {
            return Err(Problem::Constant { value: mean });
        }
        Ok(Self { statistics: Statistics::Fixed { mean: mean as f32, std: std as f32 } })
    }
}

/// Mean and standard deviation, divided by n.
fn moments(values: &[f32]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = sum(values, |value| value) / count;
    [mean, (sum(values, |value| (value - mean).powi(2)) / count).sqrt()]
}

/// The sum of what `of` makes of each value, in pieces of one size and in their order: no bit of it
/// depends on the threads.
fn sum(values: &[f32], of: impl Fn(f64) -> f64 + Sync) -> f64 {
    let of_piece = |piece: &[f32]| piece.iter().map(|value| of(f64::from(*value))).sum();
    values.par_chunks(PIECE).map(of_piece).collect::<Vec<f64>>().iter().sum()
}

impl Operation for Normalize {
    fn validate(&self) -> Result<(), Problem> {
        match self.statistics {
            Statistics::Fixed { mean, .. } if !mean.is_finite() => {
                Err(Problem::invalid("statistics.fixed.mean", mean, "a finite number"))
            }
            Statistics::Fixed { std, .. } if !(std.is_finite() && std > 0.0) => {
                Err(Problem::invalid("statistics.fixed.std", std, "more than 0"))
            }
            _ => Ok(()),
        }
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        Ok(Some(*grid))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let ramp = if self.needs_voxels() { Self::measured(&volume)?.ramp() } else { self.ramp() };
        Ok(ramp?.apply(volume))
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        self.ramp()?.record(grid, recording);
        Ok(())
    }

    fn needs_voxels(&self) -> bool {
        self.statistics == Statistics::PerVolume
    }

    fn settled(&self, volume: &Volume) -> Result<Option<Box<dyn Operation>>, Problem> {
        Ok(Some(Box::new(Self::measured(volume)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let mut random = Random::new(4);
        #[expect(clippy::cast_possible_truncation, reason = "test values are f32")]
        let values: Vec<f32> = (0..3_000_001).map(|_| random.uniform(-1024.0, 3000.0) as f32).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| moments(&values).map(f64::to_bits))
        };
        let alone = on(1);
        assert!([2, 3, 8].into_iter().all(|threads| on(threads) == alone));
        let [mean, std] = alone.map(f64::from_bits);
        assert!((mean - 988.0).abs() < 3.0 && (std - 1161.6).abs() < 3.0, "{mean} {std}");
    }
}
