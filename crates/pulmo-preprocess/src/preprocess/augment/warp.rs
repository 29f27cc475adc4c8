//! Affine and elastic geometry in one pull.

use ndarray::Array3;
use rayon::prelude::*;

use super::random::normal;
use crate::gpu::{ConstantTable, Pass, Reads, Recording, WarpParams, Work, vec3_xyz};
use crate::preprocess::Interpolation;

/// Where each voxel of a changed case comes from: linearly interpolated, the border repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Warp {
    /// The source's x, y and z, each as a row that is multiplied with (x, y, z, 1) of the voxel.
    pub rows: [[f32; 4]; 3],
    /// A smooth random displacement added to it.
    pub elastic: Option<Elastic>,
}

const UNMOVED: [[f32; 4]; 3] = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];

impl Default for Warp {
    /// The warp that moves nothing.
    fn default() -> Self {
        Self { rows: UNMOVED, elastic: None }
    }
}

/// A smooth random displacement: a cubic B-spline through nodes displaced at random.
#[derive(Debug, Clone, PartialEq)]
pub struct Elastic {
    /// Standard deviation of the nodes' displacement along x, y, z, in voxels.
    pub sigma_voxels: [f32; 3],
    /// Distance between nodes along x, y, z, in voxels, more than 0.
    pub cell_voxels: [f32; 3],
    /// Key of the displacements.
    pub key: [u32; 2],
}

/// The nodes of an elastic warp over one case.
struct Nodes {
    count_xyz: [usize; 3],
    per_cell: [f32; 3],
    /// Displacements along x, y and z of each node.
    displacement: Vec<f32>,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in an array")]
fn floored(value: f32) -> usize {
    value as usize
}

#[expect(clippy::cast_precision_loss, reason = "sides of volumes are far below 2^24")]
fn single(side: usize) -> f32 {
    side as f32
}

impl Elastic {
    fn nodes(&self, sides_xyz: [usize; 3]) -> Nodes {
        let per_cell = self.cell_voxels.map(|cell| 1.0 / cell.max(1.0));
        let count_xyz: [usize; 3] =
            std::array::from_fn(|a| floored(single(sides_xyz[a] - 1) * per_cell[a]) + 4);
        let count = u32::try_from(count_xyz.iter().product::<usize>()).unwrap_or(0);
        let of_node = |node: u32| {
            (1..4u32)
                .zip(self.sigma_voxels)
                .map(move |(axis, sigma)| sigma * normal([node, self.key[0], self.key[1], axis]))
        };
        Nodes { count_xyz, per_cell, displacement: (0..count).flat_map(of_node).collect() }
    }
}

/// Weights of the four nodes around a point `t` beyond the second of them.
fn spline(t: f32) -> [f32; 4] {
    let (s, t2) = (1.0 - t, t * t);
    let weights = [s * s * s, 3.0 * t2 * t - 6.0 * t2 + 4.0, 3.0 * (t + t2 - t2 * t) + 1.0, t2 * t];
    weights.map(|weight| weight / 6.0)
}

impl Nodes {
    fn displaced(&self, voxel: [f32; 3]) -> [f32; 3] {
        let cell: [f32; 3] = std::array::from_fn(|a| voxel[a] * self.per_cell[a]);
        let base = cell.map(floored);
        let [wx, wy, wz] = cell.map(|position| spline(position - position.floor()));
        let mut sum = [0.0; 3];
        for (k, wz) in wz.into_iter().enumerate() {
            for (j, wy) in wy.into_iter().enumerate() {
                let row = ((base[2] + k) * self.count_xyz[1] + base[1] + j) * self.count_xyz[0] + base[0];
                for (i, wx) in wx.into_iter().enumerate() {
                    let node = &self.displacement[3 * (row + i)..][..3];
                    (0..3).for_each(|axis| sum[axis] += wz * wy * wx * node[axis]);
                }
            }
        }
        sum
    }
}

impl Warp {
    fn moves(&self) -> bool {
        self.rows != UNMOVED || self.elastic.is_some()
    }

    pub(super) fn apply(&self, case: &Array3<f32>) -> Array3<f32> {
        let (nz, ny, nx) = case.dim();
        let Some(input) = case.as_slice().filter(|_| self.moves()) else { return case.clone() };
        let sides = [nx, ny, nz];
        let nodes = self.elastic.as_ref().map(|elastic| elastic.nodes(sides));
        let mut output = Array3::zeros(case.dim());
        let out = output.as_slice_mut().unwrap_or_default();
        out.par_chunks_mut(nx).enumerate().for_each(|(row, out)| {
            let line = [row % ny, row / ny].map(single);
            let start = self.rows.map(|[_, y, z, w]| y * line[0] + z * line[1] + w);
            for (column, value) in out.iter_mut().enumerate() {
                let x = single(column);
                let shift = nodes.as_ref().map_or([0.0; 3], |nodes| nodes.displaced([x, line[0], line[1]]));
                let source = std::array::from_fn(|axis| self.rows[axis][0] * x + start[axis] + shift[axis]);
                *value = linear(input, sides, source);
            }
        });
        output
    }

    pub(super) fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        if !self.moves() {
            return;
        }
        let [z, y, x] = shape_zyx;
        let nothing = Nodes { count_xyz: [0; 3], per_cell: [0.0; 3], displacement: vec![0.0; 3] };
        let nodes = self.elastic.as_ref().map_or(nothing, |elastic| elastic.nodes([x, y, z]));
        let [nodes_x, nodes_y, nodes_z] = nodes.count_xyz;
        let [per_x, per_y, per_z] = nodes.per_cell;
        let params = WarpParams {
            in_shape: vec3_xyz(shape_zyx),
            fill: 0.0,
            out_shape: vec3_xyz(shape_zyx),
            interpolation: Interpolation::Linear.number(),
            row_x: self.rows[0],
            row_y: self.rows[1],
            row_z: self.rows[2],
            nodes: vec3_xyz([nodes_z, nodes_y, nodes_x]),
            padding: 0,
            per_cell: [per_x, per_y, per_z, 0.0],
        };
        let tables = vec![ConstantTable::Weights(nodes.displacement)];
        let reads = Reads::Anywhere { margin: 2 };
        recording.push(Pass { tables, reads, ..Pass::pointwise(Work::Warp(params), shape_zyx) });
    }
}

/// The voxels on either side of a position on an axis, brought to the edge where it lies outside, and the
/// second one's weight.
fn between(position: f32, side: usize) -> ([usize; 2], f32) {
    let position = position.clamp(0.0, single(side - 1));
    let low = floored(position);
    ([low, (low + 1).min(side - 1)], position - single(low))
}

/// Linear interpolation at `(x, y, z)`, brought to the edge where it lies outside.
fn linear(input: &[f32], sides_xyz: [usize; 3], source: [f32; 3]) -> f32 {
    let [columns, rows, _] = sides_xyz;
    let [(xs, x), (ys, y), (zs, z)] = std::array::from_fn(|axis| between(source[axis], sides_xyz[axis]));
    let mix = |[a, b]: [f32; 2], t: f32| a * (1.0 - t) + b * t;
    let within = |plane: usize| {
        let along = |row: usize| {
            let line = &input[(plane * rows + row) * columns..][..columns];
            mix(xs.map(|column| line[column]), x)
        };
        mix(ys.map(along), y)
    };
    // Most changes stay within planes.
    if z == 0.0 { within(zs[0]) } else { mix(zs.map(within), z) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_and_repeats_the_border() {
        let case = Array3::from_shape_fn((1, 2, 4), |(_, y, x)| (10 * y + x) as f32);
        let mut warp = Warp::default();
        warp.rows[0][3] = 1.5;
        let moved = warp.apply(&case);
        assert_eq!(moved.as_slice().unwrap(), [1.5, 2.5, 3.0, 3.0, 11.5, 12.5, 13.0, 13.0]);
    }

    #[test]
    fn the_spline_weights_sum_to_one() {
        for t in [0.0, 0.25, 0.5, 0.99] {
            assert!((spline(t).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn an_elastic_warp_is_smooth_and_of_the_size_asked_for() {
        let elastic = Elastic { sigma_voxels: [2.0, 0.0, 0.0], cell_voxels: [8.0; 3], key: [1, 2] };
        let nodes = elastic.nodes([200, 200, 1]);
        let at = |x: usize, y: usize| nodes.displaced([single(x), single(y), 0.0]);
        let all: Vec<f32> =
            (0..200).flat_map(|y| (0..200).map(move |x| (x, y))).map(|(x, y)| at(x, y)[0]).collect();
        let square = all.iter().map(|d| d * d).sum::<f32>() / all.len() as f32;
        // The B-spline averages over nodes: sigma times about (0.48)^(3 / 2), at z = 0 a little more.
        assert!((0.3..1.5).contains(&square.sqrt()), "{}", square.sqrt());
        assert!(all.windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 1.0).count() < 200);
        assert!((0..200).all(|x| at(x, 3)[1] == 0.0));
    }
}
