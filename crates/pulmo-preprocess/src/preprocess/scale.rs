//! One range mapped linearly to another.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::Operation;
use super::ramp::{Ramp, UNCHANGED};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Maps `from[0]` to `to[0]` and `from[1]` to `to[1]`, linearly: MONAI's `ScaleIntensityRange`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Two different values of the input.
    pub from: [f32; 2],
    /// What they become.
    pub to: [f32; 2],
    /// Whether results are held within `to`; false where not given.
    #[serde(default)]
    pub clip: bool,
}

impl Scale {
    fn ramp(&self) -> Ramp {
        let ([from_low, from_high], [to_low, to_high]) = (self.from, self.to);
        let multiply = (to_high - to_low) / (from_high - from_low);
        let ramp = Ramp { subtract: from_low, multiply, add: to_low, ..UNCHANGED };
        if self.clip { Ramp { low: to_low.min(to_high), high: to_low.max(to_high), ..ramp } } else { ramp }
    }
}

impl Operation for Scale {
    fn validate(&self) -> Result<(), Problem> {
        let [low, high] = self.from;
        if !(low.is_finite() && high.is_finite() && low != high) {
            return Err(Problem::invalid("from", self.from, "two different finite numbers"));
        }
        if !self.to.iter().all(|bound| bound.is_finite()) {
            return Err(Problem::invalid("to", self.to, "two finite numbers"));
        }
        Ok(())
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        Ok(Some(*grid))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        Ok(self.ramp().apply(volume))
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        self.ramp().record(grid, recording);
        Ok(())
    }
}
