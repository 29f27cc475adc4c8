//! Gaussian smoothing.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::Operation;
use super::separable::Separable;
use super::taps::Taps;
use crate::gpu::Recording;
use pulmo_scan::geometry::{Grid, Unit};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::Volume;

/// Smooths with a Gaussian cut at 4 sigma, the outermost voxels repeated beyond the edge. Exactly one
/// of the two fields is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// Standard deviation `[z, y, x]` in millimetres; 0 leaves the axis alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_mm: Option<[Millimetres; 3]>,
    /// Standard deviation `[z, y, x]` in voxels; 0 leaves the axis alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_voxels: Option<[f64; 3]>,
}

/// Largest sigma: wider smoothing is a mistake, or better done after resampling.
const MAX_SIGMA: f64 = 100.0;

impl Gaussian {
    fn filter(&self, grid: &Grid) -> Separable {
        let spacing = grid.spacing_mm();
        let shape = grid.shape_zyx();
        Separable::new(std::array::from_fn(|axis| {
            let in_mm = self.sigma_mm.map(|sigma| sigma[axis] / spacing[axis]);
            let sigma = in_mm.or(self.sigma_voxels.map(|sigma| sigma[axis])).unwrap_or(0.0);
            Taps::gaussian(shape[axis], sigma)
        }))
    }
}

impl Operation for Gaussian {
    fn validate(&self) -> Result<(), Problem> {
        let (field, sigma) = match (self.sigma_mm, self.sigma_voxels) {
            (Some(sigma), None) => ("sigma_mm", sigma),
            (None, Some(sigma)) => ("sigma_voxels", sigma),
            given => {
                return Err(Problem::invalid("(sigma_mm, sigma_voxels)", given, "exactly one of the two"));
            }
        };
        if sigma.iter().all(|sigma| (0.0..=MAX_SIGMA).contains(sigma)) {
            return Ok(());
        }
        Err(Problem::invalid(field, sigma, "[z, y, x], each from 0 to 100"))
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        if self.sigma_mm.is_some() && grid.unit() == Unit::Pixel {
            return Err(Problem::NeedsMillimetres { instead: "give sigma_voxels" });
        }
        Ok(Some(*grid))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let (grid, voxels) = volume.into_parts();
        Ok(Volume::new(grid, self.filter(&grid).apply(voxels))?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        self.filter(grid).record(grid.shape_zyx(), recording);
        Ok(())
    }
}
