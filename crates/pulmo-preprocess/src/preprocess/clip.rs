//! Values held between two bounds.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::Operation;
use super::ramp::{Ramp, UNCHANGED};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Raises values below `low` to it and lowers values above `high` to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// Lowest value left.
    pub low: f32,
    /// Highest value left, not below `low`.
    pub high: f32,
}

impl Clip {
    fn ramp(&self) -> Ramp {
        Ramp { low: self.low, high: self.high, ..UNCHANGED }
    }
}

impl Operation for Clip {
    fn validate(&self) -> Result<(), Problem> {
        if self.low.is_finite() && self.high.is_finite() && self.low <= self.high {
            return Ok(());
        }
        Err(Problem::invalid("[low, high]", [self.low, self.high], "two finite numbers in ascending order"))
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
