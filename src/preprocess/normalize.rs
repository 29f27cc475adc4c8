//! Zero mean and unit variance.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ramp::{Ramp, UNCHANGED};
use super::step::Operation;
use super::{Problem, Step};
use crate::geometry::Grid;
use crate::gpu::Recording;
use crate::volume::Volume;

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
        let values = volume.as_slice();
        let count = values.len() as f64;
        let mean = values.par_iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let square = |value: &f32| (f64::from(*value) - mean).powi(2);
        let std = (values.par_iter().map(square).sum::<f64>() / count).sqrt();
        if std <= 1e-6 * mean.abs().max(f64::MIN_POSITIVE) {
            return Err(Problem::Constant { value: mean });
        }
        Ok(Self { statistics: Statistics::Fixed { mean: mean as f32, std: std as f32 } })
    }
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

    fn settled(&self, volume: &Volume) -> Result<Option<Step>, Problem> {
        Ok(Some(Step::Normalize(Self::measured(volume)?)))
    }
}
