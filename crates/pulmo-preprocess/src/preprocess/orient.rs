//! Axes in the patient's order and sense.

use glam::{DAffine3, DMat3, DVec3};
use serde::{Deserialize, Serialize};

use super::Problem;
use super::gather::Gather;
use super::operation::Operation;
use crate::gpu::Recording;
use pulmo_scan::geometry::{CanonicalAxes, Grid, canonical_axes};
use pulmo_scan::volume::Volume;

/// Reorders and flips axes so that z grows towards the head, y towards the back and x towards the
/// patient's left (LPS), as nearly as whole axes can. No voxel is changed. Pictures stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orient {}

impl Orient {
    fn gather(grid: &Grid) -> Gather {
        let CanonicalAxes { source_axis, flipped, .. } = canonical_axes(grid);
        let shape = grid.shape_zyx();
        let mut first = [0; 3];
        let mut step = [[0; 3]; 3];
        for axis in 0..3 {
            let source = source_axis[axis];
            first[source] = if flipped[axis] { shape[source].cast_signed() - 1 } else { 0 };
            step[axis][source] = if flipped[axis] { -1 } else { 1 };
        }
        Gather { out_shape_zyx: source_axis.map(|source| shape[source]), first, step, fill: 0.0 }
    }
}

/// `[z, y, x]` as a vector `(x, y, z)`.
fn vector([z, y, x]: [isize; 3]) -> DVec3 {
    DVec3::new(x as f64, y as f64, z as f64)
}

impl Operation for Orient {
    fn validate(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        let Gather { out_shape_zyx, first, step: [z, y, x], .. } = Self::gather(grid);
        let axes = DMat3::from_cols(vector(x), vector(y), vector(z));
        let voxel_from_new = DAffine3::from_mat3_translation(axes, vector(first));
        Ok(Some(grid.derived(out_shape_zyx, voxel_from_new)?))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let grid = self.output_grid(volume.grid())?.ok_or(Problem::NeedsVoxels)?;
        let gather = Self::gather(volume.grid());
        Ok(Volume::new(grid, gather.apply(volume.into_parts().1))?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        Self::gather(grid).record(grid.shape_zyx(), recording);
        Ok(())
    }
}
