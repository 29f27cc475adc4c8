//! CT window.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::Operation;
use super::ramp::{Ramp, UNCHANGED};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::units::Hounsfield;
use pulmo_scan::volume::Volume;

/// Maps a CT window to `[0, 1]`: `(x - (center - width / 2)) / width`, clamped. This is the VOI LUT
/// function LINEAR_EXACT, not LINEAR, which is off by half a stored value.
///
/// # References
/// DICOM PS3.3 C.11.2.1.3.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The window's middle, which becomes 0.5.
    pub center_hu: Hounsfield,
    /// The window's width, more than 0.
    pub width_hu: Hounsfield,
}

impl Window {
    fn ramp(&self) -> Ramp {
        let subtract = self.center_hu - self.width_hu / 2.0;
        Ramp { subtract, multiply: 1.0 / self.width_hu, low: 0.0, high: 1.0, ..UNCHANGED }
    }
}

impl Operation for Window {
    fn validate(&self) -> Result<(), Problem> {
        if !self.center_hu.is_finite() {
            return Err(Problem::invalid("center_hu", self.center_hu, "a finite number"));
        }
        if !(self.width_hu.is_finite() && self.width_hu > 0.0) {
            return Err(Problem::invalid("width_hu", self.width_hu, "more than 0"));
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
