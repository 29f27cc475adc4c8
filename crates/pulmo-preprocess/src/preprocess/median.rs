//! Median of a neighbourhood.

use ndarray::{Array3, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Problem;
use super::operation::{Operation, volume_of};
use crate::gpu::{MedianParams, Pass, Reads, Recording, Work, vec3_xyz};
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Replaces each voxel by the median of its neighbourhood, the outermost voxels repeated beyond the edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Median {
    /// Side of the neighbourhood: 3, or 5 in a plane.
    pub size: usize,
    /// Whether neighbours are taken in the slice or in the volume; plane where not given.
    #[serde(default)]
    pub neighbourhood: Neighbourhood,
}

/// Where neighbours are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbourhood {
    /// In the voxel's own slice.
    #[default]
    Plane,
    /// In the slices beside it too.
    Volume,
}

/// Most neighbours: 3 x 3 x 3, more than 5 x 5.
const CAPACITY: usize = 27;

impl Median {
    /// Reach along `[z, y, x]`.
    fn radius_zyx(&self) -> [usize; 3] {
        let radius = self.size / 2;
        match self.neighbourhood {
            Neighbourhood::Plane => [0, radius, radius],
            Neighbourhood::Volume => [radius; 3],
        }
    }
}

/// Medians worked out side by side, so that the compiler can use the processor's vector units.
const LANES: usize = 8;

/// The medians of the boxes around up to `LANES` voxels of one row, from `first` on.
fn medians(voxels: &Array3<f32>, [z, y, first]: [usize; 3], radius_zyx: [usize; 3]) -> [f32; LANES] {
    let (nz, ny, nx) = voxels.dim();
    let [rz, ry, rx] = radius_zyx;
    let near = |at: usize, shift: usize, radius: usize, side: usize| {
        (at + shift).saturating_sub(radius).min(side - 1)
    };
    let mut values = [[0.0f32; LANES]; CAPACITY];
    let mut count = 0;
    for k in 0..=2 * rz {
        for j in 0..=2 * ry {
            let row = voxels.slice(s![near(z, k, rz, nz), near(y, j, ry, ny), ..]);
            let row = row.as_slice().unwrap_or_default();
            for i in 0..=2 * rx {
                let inside = (first + i).checked_sub(rx).and_then(|start| row.get(start..start + LANES));
                match inside {
                    Some(inside) => values[count].copy_from_slice(inside),
                    None => values[count] = std::array::from_fn(|lane| row[near(first + lane, i, rx, nx)]),
                }
                count += 1;
            }
        }
    }
    forgetful_median(&mut values[..count])
}

/// The median of an odd number of values, for each lane. Of `n / 2 + 2` values neither the smallest nor
/// the largest can be the median: they are forgotten, the next value comes in, until one is left.
fn forgetful_median(values: &mut [[f32; LANES]]) -> [f32; LANES] {
    let (mut low, high) = (0, values.len() / 2 + 1);
    for next in high + 1..=values.len() {
        for other in low + 1..=high {
            order(values, low, other);
        }
        for other in low + 1..high {
            order(values, other, high);
        }
        low += 1;
        if next < values.len() {
            values[high] = values[next];
        }
    }
    values[low]
}

/// Puts the smaller value of each lane at `low` and the larger at `high`.
fn order(values: &mut [[f32; LANES]], low: usize, high: usize) {
    let (a, b) = (values[low], values[high]);
    let (mut smaller, mut larger) = (a, a);
    for lane in 0..LANES {
        smaller[lane] = if b[lane] < a[lane] { b[lane] } else { a[lane] };
        larger[lane] = if b[lane] < a[lane] { a[lane] } else { b[lane] };
    }
    values[low] = smaller;
    values[high] = larger;
}

impl Operation for Median {
    fn validate(&self) -> Result<(), Problem> {
        match (self.size, self.neighbourhood) {
            (3, _) | (5, Neighbourhood::Plane) => Ok(()),
            given => Err(Problem::invalid("(size, neighbourhood)", given, "3, or 5 in the plane")),
        }
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        Ok(Some(*grid))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let [_, rows, columns] = volume.grid().shape_zyx();
        let radius = self.radius_zyx();
        let mut values = vec![0.0; volume.grid().len()];
        values.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            for (block, out) in out.chunks_mut(LANES).enumerate() {
                let medians = medians(volume.voxels(), [row / rows, row % rows, block * LANES], radius);
                out.copy_from_slice(&medians[..out.len()]);
            }
        });
        volume_of(*volume.grid(), values)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        let shape = grid.shape_zyx();
        let params = MedianParams { shape: vec3_xyz(shape), padding: 0 };
        let [radius_z, radius, _] = self.radius_zyx();
        let [_, constant, constant_z] = vec3_xyz([radius_z, radius, radius]);
        let reads = Reads::around(radius_z, shape[0]);
        let work = Work::Median(params, [constant_z, constant]);
        recording.push(Pass { reads, ..Pass::pointwise(work, shape) });
        Ok(())
    }
}
