//! What every step can do.

use ndarray::Array3;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::{Volume, VolumeError};

use super::Problem;
use crate::gpu::Recording;

/// What every step can do. Functions after `validate` may rely on a valid spec.
pub(super) trait Operation {
    /// Says whether the spec's values are allowed.
    fn validate(&self) -> Result<(), Problem>;

    /// The grid of the result; `None` where it depends on the voxels.
    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem>;

    /// The step done on the CPU: the reference.
    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem>;

    /// The step as passes on a GPU, for a volume on `grid`.
    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem>;

    /// Whether the step depends on the voxels, not only on their grid.
    fn needs_voxels(&self) -> bool {
        false
    }

    /// The step with what depends on the voxels replaced by what they say; `None` where nothing does.
    fn settled(&self, _volume: &Volume) -> Result<Option<Box<dyn Operation>>, Problem> {
        Ok(None)
    }
}

/// A volume of values in row-major order.
pub(super) fn volume_of(grid: Grid, values: Vec<f32>) -> Result<Volume, Problem> {
    let [z, y, x] = grid.shape_zyx();
    let count = values.len();
    let voxels = Array3::from_shape_vec((z, y, x), values)
        .map_err(|_| VolumeError::Shape { voxels_zyx: [1, 1, count], grid_zyx: [z, y, x] })?;
    Ok(Volume::new(grid, voxels)?)
}
