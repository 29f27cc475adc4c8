//! A mask: which voxels of a grid belong to something.

use ndarray::Array3;

use super::VolumeError;
use crate::geometry::{BoundingBox, Grid};

/// Which voxels of a grid belong to a structure. Resampled by nearest neighbour, never linearly.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    grid: Grid,
    voxels: Array3<bool>,
}

impl Mask {
    /// A mask of `voxels` on `grid`.
    ///
    /// # Errors
    /// [`VolumeError::Shape`] where the shapes differ.
    pub fn new(grid: Grid, voxels: Array3<bool>) -> Result<Self, VolumeError> {
        let (z, y, x) = voxels.dim();
        if [z, y, x] != grid.shape_zyx() {
            return Err(VolumeError::Shape { voxels_zyx: [z, y, x], grid_zyx: grid.shape_zyx() });
        }
        Ok(Self { grid, voxels })
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Whether each voxel belongs, `[z, y, x]`.
    pub fn voxels(&self) -> &Array3<bool> {
        &self.voxels
    }

    /// Voxels that belong.
    pub fn count(&self) -> usize {
        self.voxels.iter().filter(|inside| **inside).count()
    }

    /// Volume of the structure in cubic millimetres.
    pub fn volume_mm3(&self) -> f64 {
        self.count() as f64 * self.grid.voxel_mm3()
    }

    /// The smallest box around the structure; `None` where the mask is empty.
    pub fn bounding_box(&self) -> Option<BoundingBox> {
        BoundingBox::around(
            self.voxels.indexed_iter().filter(|(_, inside)| **inside).map(|((z, y, x), _)| [z, y, x]),
        )
    }
}
