//! Rotation about the volume's centre.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::Array3;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::plane::{PlaneTaps, narrowed};
use super::{Interpolation, Problem};
use crate::gpu::{AffineParams, Pass, Reads, Recording, Work, vec3_xyz};
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Turns what the volume shows about one of the array's axes, through its centre, in millimetre space,
/// so that voxels that are not cubes do not shear. Grid and shape stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// Angle. Positive turns x towards y about z, y towards z about x, and z towards x about y.
    pub degrees: f64,
    /// The axis turned about; z where not given.
    #[serde(default)]
    pub axis: RotationAxis,
    /// Value of voxels that come from outside.
    pub fill: f32,
    /// How values between voxels are made; linear where not given.
    #[serde(default)]
    pub interpolation: Interpolation,
}

/// An axis of the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationAxis {
    /// Along slices.
    #[default]
    Z,
    /// Along rows.
    Y,
    /// Along columns.
    X,
}

impl Rotate {
    /// Where each output voxel comes from, both as voxel indices `(x, y, z)`.
    fn source_from_output(&self, grid: &Grid) -> DAffine3 {
        let angle = -self.degrees.to_radians();
        let turn = match self.axis {
            RotationAxis::Z => DMat3::from_rotation_z(angle),
            RotationAxis::Y => DMat3::from_rotation_y(angle),
            RotationAxis::X => DMat3::from_rotation_x(angle),
        };
        let [sz, sy, sx] = grid.spacing_mm();
        let spacing = DVec3::new(sx, sy, sz);
        // column j of S^-1 R S is R's column j times the spacing of j, over the spacings; dividing last
        // leaves the row of the axis turned about exact.
        let columns: [DVec3; 3] = std::array::from_fn(|j| turn.col(j) * spacing[j] / spacing);
        let matrix = DMat3::from_cols(columns[0], columns[1], columns[2]);
        let [z, y, x] = grid.shape_zyx().map(|side| (side as f64 - 1.0) / 2.0);
        let centre = DVec3::new(x, y, z);
        DAffine3::from_mat3_translation(matrix, centre - matrix * centre)
    }

    /// Turns all planes across the axis, `K` x `K` voxels for each value.
    fn turned<const K: usize>(&self, volume: Volume) -> Result<Volume, Problem> {
        let map = self.source_from_output(volume.grid());
        let (grid, mut values) = volume.into_parts();
        // Row and column of a plane as axes of `(x, y, z)`.
        let (row, column) = match self.axis {
            RotationAxis::Z => (1, 0),
            RotationAxis::Y => (2, 0),
            RotationAxis::X => (2, 1),
        };
        let shape = grid.shape_zyx();
        let taps =
            PlaneTaps::<K>::new([shape[2 - row], shape[2 - column]], self.interpolation, self.fill, |at| {
                let mut point = DVec3::ZERO;
                (point[row], point[column]) = (at[0], at[1]);
                let source = map.transform_point3(point);
                [source[row], source[column]]
            });
        match self.axis {
            RotationAxis::X => values = lines_turned(&values, &taps),
            across => {
                let planes =
                    values.axis_iter_mut(ndarray::Axis(if across == RotationAxis::Z { 0 } else { 1 }));
                planes.into_par_iter().for_each_init(Vec::new, |scratch, plane| taps.turn(plane, scratch));
            }
        }
        Ok(Volume::new(grid, values)?)
    }
}

/// The volume with the plane of its lines along x turned.
fn lines_turned<const K: usize>(values: &Array3<f32>, taps: &PlaneTaps<K>) -> Array3<f32> {
    let (_, rows, columns) = values.dim();
    let lines = values.as_slice().unwrap_or_default();
    let mut out = Array3::zeros(values.dim());
    let slices = out.as_slice_mut().unwrap_or_default().par_chunks_mut(rows * columns);
    slices.enumerate().for_each(|(slice, out)| taps.turn_lines(slice, out, lines, columns));
    out
}

impl Operation for Rotate {
    fn validate(&self) -> Result<(), Problem> {
        if !self.degrees.is_finite() {
            return Err(Problem::invalid("degrees", self.degrees, "a finite number"));
        }
        if !self.fill.is_finite() {
            return Err(Problem::invalid("fill", self.fill, "a finite number"));
        }
        Ok(())
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        Ok(Some(*grid))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        match self.interpolation {
            Interpolation::Nearest | Interpolation::Linear => self.turned::<2>(volume),
            Interpolation::Cubic => self.turned::<4>(volume),
        }
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        let map = self.source_from_output(grid);
        let row = |axis: usize| {
            let from = map.matrix3.row(axis);
            [from.x, from.y, from.z, map.translation[axis]].map(narrowed)
        };
        let shape = grid.shape_zyx();
        let params = AffineParams {
            in_shape: vec3_xyz(shape),
            fill: self.fill,
            out_shape: vec3_xyz(shape),
            interpolation: self.interpolation.number(),
            row_x: row(0),
            row_y: row(1),
            row_z: row(2),
        };
        // A cubic reads two planes beyond the one that a position lies behind.
        let reads = Reads::Anywhere { margin: 2 };
        recording.push(Pass { reads, ..Pass::pointwise(Work::Affine(params), shape) });
        Ok(())
    }
}
