//! A volume: values on a grid.

use ndarray::Array3;

use crate::geometry::Grid;

/// Why values and grid do not make a volume or a mask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The array has another shape than the grid.
    #[error("voxels have shape {voxels_zyx:?} but the grid has {grid_zyx:?} ([z, y, x])")]
    Shape {
        /// Shape of the array.
        voxels_zyx: [usize; 3],
        /// Shape of the grid.
        grid_zyx: [usize; 3],
    },
}

/// Values on a grid: a CT in Hounsfield units, or what preprocessing has made of it.
///
/// # Shapes
/// `voxels` is `[z, y, x]` in standard (row-major) order and has the grid's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    pub(super) grid: Grid,
    pub(super) voxels: Array3<f32>,
}

impl Volume {
    /// A volume of `voxels` on `grid`.
    ///
    /// # Errors
    /// [`VolumeError::Shape`] where the shapes differ.
    pub fn new(grid: Grid, voxels: Array3<f32>) -> Result<Self, VolumeError> {
        let (z, y, x) = voxels.dim();
        if [z, y, x] != grid.shape_zyx() {
            return Err(VolumeError::Shape { voxels_zyx: [z, y, x], grid_zyx: grid.shape_zyx() });
        }
        let voxels =
            if voxels.is_standard_layout() { voxels } else { voxels.as_standard_layout().to_owned() };
        Ok(Self { grid, voxels })
    }

    /// A volume made by calling `value` with each voxel's index `[z, y, x]`.
    pub fn from_fn(grid: Grid, mut value: impl FnMut([usize; 3]) -> f32) -> Self {
        let voxels = Array3::from_shape_fn(grid.shape_zyx(), |(z, y, x)| value([z, y, x]));
        Self { grid, voxels }
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The values, `[z, y, x]`.
    pub fn voxels(&self) -> &Array3<f32> {
        &self.voxels
    }

    /// The values in row-major order.
    pub fn as_slice(&self) -> &[f32] {
        self.voxels.as_slice().unwrap_or_default()
    }

    /// The same grid with each value replaced.
    pub fn map(mut self, value: impl Fn(f32) -> f32 + Sync + Send) -> Self {
        self.voxels.par_mapv_inplace(value);
        self
    }

    /// Grid and values apart.
    pub fn into_parts(self) -> (Grid, Array3<f32>) {
        (self.grid, self.voxels)
    }
}
