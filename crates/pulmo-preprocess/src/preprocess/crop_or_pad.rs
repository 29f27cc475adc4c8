//! A fixed shape without resampling.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::gather::Gather;
use super::operation::Operation;
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Brings the volume to a shape by cutting longer axes and padding shorter ones about the centre. Where
/// the two sides cannot be equal, the end of the axis gets or loses one more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropOrPad {
    /// Voxels along `[z, y, x]`; 0 keeps the axis as it is.
    pub shape: [usize; 3],
    /// Value of the voxels added.
    pub fill: f32,
}

impl CropOrPad {
    fn gather(&self, grid: &Grid) -> Gather {
        let have = grid.shape_zyx();
        let shape = std::array::from_fn(|axis| match self.shape[axis] {
            0 => have[axis],
            side => side,
        });
        let first = std::array::from_fn(|axis| {
            let cut = have[axis].saturating_sub(shape[axis]) / 2;
            let added = shape[axis].saturating_sub(have[axis]) / 2;
            cut.cast_signed() - added.cast_signed()
        });
        Gather::window(first, shape, self.fill)
    }
}

impl Operation for CropOrPad {
    fn validate(&self) -> Result<(), Problem> {
        if self.fill.is_finite() {
            Ok(())
        } else {
            Err(Problem::invalid("fill", self.fill, "a finite number"))
        }
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        let Gather { first, out_shape_zyx, .. } = self.gather(grid);
        Ok(Some(grid.window(first, out_shape_zyx)?))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let gather = self.gather(volume.grid());
        let grid = volume.grid().window(gather.first, gather.out_shape_zyx)?;
        Ok(Volume::new(grid, gather.apply(volume.into_parts().1))?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        self.gather(grid).record(grid.shape_zyx(), recording);
        Ok(())
    }
}
