//! Rotation about the volume's centre.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::Array3;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::chain::volume_of;
use super::step::Operation;
use super::{Interpolation, Problem};
use crate::geometry::Grid;
use crate::gpu::{AffineParams, Pass, Reads, Recording, Work, vec3_xyz};
use crate::volume::Volume;

/// Turns what the volume shows about one of the array's axes, through its centre, in millimetre space,
/// so that voxels that are not cubes do not shear. Grid and shape stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// Angle. Positive turns x towards y about z, y towards z about x, and z towards x about y.
    pub degrees: f64,
    /// The axis turned about; z where not given.
    #[serde(default)]
    pub axis: Axis,
    /// Value of voxels that come from outside.
    pub fill: f32,
    /// How values between voxels are made; linear where not given.
    #[serde(default)]
    pub interpolation: Interpolation,
}

/// An axis of the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Along slices.
    #[default]
    Z,
    /// Along rows.
    Y,
    /// Along columns.
    X,
}

/// Voxels beyond the outer rim that still count as inside, so that rounding decides nothing.
const SLACK: f64 = 0.001;

impl Rotate {
    /// Where each output voxel comes from, both as voxel indices `(x, y, z)`.
    fn source_from_output(&self, grid: &Grid) -> DAffine3 {
        let angle = -self.degrees.to_radians();
        let turn = match self.axis {
            Axis::Z => DMat3::from_rotation_z(angle),
            Axis::Y => DMat3::from_rotation_y(angle),
            Axis::X => DMat3::from_rotation_x(angle),
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

    fn value(&self, voxels: &Array3<f32>, position: DVec3) -> f32 {
        let (nz, ny, nx) = voxels.dim();
        let sides = [nx, ny, nz];
        let inside = |axis: usize| {
            position[axis] >= -0.5 - SLACK && position[axis] <= sides[axis] as f64 - 0.5 + SLACK
        };
        if !(0..3).all(inside) {
            return self.fill;
        }
        let [x, y, z] = std::array::from_fn(|axis| self.taps(position[axis], sides[axis]));
        let mut sum = 0.0;
        for (k, wz) in z.into_iter().filter(|(_, weight)| *weight != 0.0) {
            for (j, wy) in y.into_iter().filter(|(_, weight)| *weight != 0.0) {
                let row: f64 = x.iter().map(|(i, wx)| wx * f64::from(voxels[[k, j, *i]])).sum();
                sum += wz * wy * row;
            }
        }
        narrowed(sum)
    }

    /// Voxels around a position on one axis and their weights; beyond the rim the outermost is repeated.
    fn taps(&self, position: f64, side: usize) -> [(usize, f64); 4] {
        let shift = if self.interpolation == Interpolation::Nearest { 0.5 + SLACK } else { 0.0 };
        let base = (position + shift).floor();
        std::array::from_fn(|k| {
            let voxel = base + k as f64 - 1.0;
            let weight = match self.interpolation {
                Interpolation::Nearest => f64::from(u8::from(k == 1)),
                _ => self.interpolation.weight(voxel - position),
            };
            (clamped(voxel, side), weight)
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..side first")]
fn clamped(voxel: f64, side: usize) -> usize {
    voxel.clamp(0.0, side as f64 - 1.0) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn narrowed(value: f64) -> f32 {
    value as f32
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
        let map = self.source_from_output(volume.grid());
        let [_, rows, columns] = volume.grid().shape_zyx();
        let mut values = vec![0.0; volume.grid().len()];
        values.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            let start = DVec3::new(0.0, (row % rows) as f64, (row / rows) as f64);
            for (column, value) in out.iter_mut().enumerate() {
                let position = map.transform_point3(start + DVec3::X * column as f64);
                *value = self.value(volume.voxels(), position);
            }
        });
        volume_of(*volume.grid(), values)
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
