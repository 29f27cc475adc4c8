//! Voxels copied to another place, unchanged: what orienting, cropping and padding have in common.

use ndarray::Array3;
use rayon::prelude::*;

use crate::gpu::{GatherParams, Pass, Reads, Recording, Work, vec3_xyz};

/// Where each output voxel is copied from: output voxel `o` is input voxel
/// `first + sum over a of step[a] * o[a]`, or `fill` where that lies outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gather {
    pub(super) out_shape_zyx: [usize; 3],
    /// Input voxel of output voxel 0, `[z, y, x]`; may lie outside.
    pub(super) first: [isize; 3],
    /// For each output axis, the step `[z, y, x]` in the input: plus or minus one along one axis.
    pub(super) step: [[isize; 3]; 3],
    pub(super) fill: f32,
}

/// Steps of axes that stay what they are.
const STRAIGHT: [[isize; 3]; 3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

impl Gather {
    /// The box of `out_shape_zyx` voxels that starts at input voxel `first`.
    pub(super) fn window(first: [isize; 3], out_shape_zyx: [usize; 3], fill: f32) -> Self {
        Self { out_shape_zyx, first, step: STRAIGHT, fill }
    }

    /// The values copied. A box inside the volume is moved to the front of the volume's own memory.
    pub(super) fn apply(&self, values: Array3<f32>) -> Array3<f32> {
        let (z, y, x) = values.dim();
        let shape = [z, y, x];
        let is_inside = |axis: usize| {
            usize::try_from(self.first[axis])
                .is_ok_and(|first| first + self.out_shape_zyx[axis] <= shape[axis])
        };
        if self.step != STRAIGHT || !(0..3).all(is_inside) {
            return self.copied(&values);
        }
        if self.out_shape_zyx == shape {
            return values;
        }
        self.moved(values)
    }

    /// The rows of a box inside the volume, moved to the front: each lies behind its new place.
    fn moved(&self, values: Array3<f32>) -> Array3<f32> {
        let (_, y, x) = values.dim();
        let [slices, rows, columns] = self.out_shape_zyx;
        let [z0, y0, x0] = self.first.map(isize::cast_unsigned);
        let mut values = values.into_raw_vec_and_offset().0;
        for row in 0..slices * rows {
            let from = ((z0 + row / rows) * y + y0 + row % rows) * x + x0;
            values.copy_within(from..from + columns, row * columns);
        }
        values.truncate(slices * rows * columns);
        Array3::from_shape_vec(self.out_shape_zyx, values).unwrap_or_default()
    }

    fn copied(&self, values: &Array3<f32>) -> Array3<f32> {
        let (nz, ny, nx) = values.dim();
        let shape = [nz, ny, nx].map(usize::cast_signed);
        let input = values.as_slice().unwrap_or_default();
        let mut output = Array3::zeros(self.out_shape_zyx);
        let [_, rows, columns] = self.out_shape_zyx;
        let out = output.as_slice_mut().unwrap_or_default();
        out.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            let place = [row / rows, row % rows].map(usize::cast_signed);
            let from: [isize; 3] = std::array::from_fn(|axis| {
                self.first[axis] + place[0] * self.step[0][axis] + place[1] * self.step[1][axis]
            });
            let step = self.step[2];
            let inside = (0..3)
                .fold(0..columns.cast_signed(), |run, axis| cut(run, from[axis], step[axis], shape[axis]));
            if inside.is_empty() {
                return out.fill(self.fill);
            }
            let run = inside.start.cast_unsigned()..inside.end.cast_unsigned();
            let offset = |zyx: [isize; 3]| (zyx[0] * shape[1] + zyx[1]) * shape[2] + zyx[2];
            let start = offset(from) + inside.start * offset(step);
            out[..run.start].fill(self.fill);
            out[run.end..].fill(self.fill);
            copy_run(&mut out[run], input, [start, offset(step)]);
        });
        output
    }

    /// The copy as a pass on values of `shape_zyx`.
    pub(super) fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        let params = GatherParams {
            in_shape: vec3_xyz(shape_zyx),
            fill: self.fill,
            out_shape: vec3_xyz(self.out_shape_zyx),
            padding: 0,
            first: vec4_xyz(self.first),
            step_x: vec4_xyz(self.step[2]),
            step_y: vec4_xyz(self.step[1]),
            step_z: vec4_xyz(self.step[0]),
            low: [0; 4],
            high: vec4_xyz(shape_zyx.map(usize::cast_signed)),
        };
        recording.push(Pass {
            reads: Reads::Anywhere { margin: 0 },
            out_shape_zyx: self.out_shape_zyx,
            ..Pass::pointwise(Work::Gather(params), shape_zyx)
        });
    }
}

/// Copies values that lie `step` apart from `start` on.
fn copy_run(out: &mut [f32], input: &[f32], [start, step]: [isize; 2]) {
    if step == 1 {
        out.copy_from_slice(&input[start.cast_unsigned()..][..out.len()]);
        return;
    }
    for (value, column) in out.iter_mut().zip(0..) {
        *value = input[(start + column * step).cast_unsigned()];
    }
}

/// The part of a run of columns for which `from + column * step` lies in `0..side`.
fn cut(run: std::ops::Range<isize>, from: isize, step: isize, side: isize) -> std::ops::Range<isize> {
    let (low, high) = match step {
        0 if (0..side).contains(&from) => return run,
        0 => return 0..0,
        1 => (-from, side - from),
        _ => (from - side + 1, from + 1),
    };
    run.start.max(low)..run.end.min(high)
}

fn vec4_xyz([z, y, x]: [isize; 3]) -> [i32; 4] {
    let narrow = |value: isize| i32::try_from(value).unwrap_or(i32::MIN);
    [narrow(x), narrow(y), narrow(z), 0]
}
