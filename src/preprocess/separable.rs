//! Linear filters along one axis after another.

use ndarray::Array3;
use rayon::prelude::*;

use super::taps::Taps;
use crate::gpu::{Pass, Reads, Recording, SeparableParams, Table, Work, vec3_xyz};

/// A linear filter along each axis that needs one, the most shrinking axis first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Separable {
    /// Axis (0 = z, 1 = y, 2 = x) and its taps.
    axes: Vec<(usize, Taps)>,
}

/// Values worked on at once, so that sums stay in the processor's cache.
const BLOCK: usize = 2048;

impl Separable {
    /// The filter of `taps` along `[z, y, x]`.
    pub(super) fn new(taps_zyx: [Taps; 3]) -> Self {
        let mut axes: Vec<_> =
            taps_zyx.into_iter().enumerate().filter(|(_, taps)| !taps.is_identity()).collect();
        axes.sort_by(|(_, a), (_, b)| (a.out_len() * b.in_len).cmp(&(b.out_len() * a.in_len)));
        Self { axes }
    }

    /// The filter applied to values.
    pub(super) fn apply(&self, values: Array3<f32>) -> Array3<f32> {
        self.axes.iter().fold(values, |values, (axis, taps)| filtered(&values, *axis, taps))
    }

    /// The filter as passes on values of `shape_zyx`.
    pub(super) fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        self.axes.iter().fold(shape_zyx, |in_shape, (axis, taps)| {
            let out_shape = with_side(in_shape, *axis, taps.out_len());
            let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            let start = taps.start.iter().map(|start| count(*start)).collect();
            let params = SeparableParams {
                in_shape: vec3_xyz(in_shape),
                axis: 2 - count(*axis),
                out_shape: vec3_xyz(out_shape),
                width: count(taps.width),
            };
            let tables = vec![Table::Indices(start), Table::Weights(taps.weights.clone())];
            let reads = match axis {
                0 => Reads::Planes(taps.start.iter().map(|start| [*start, start + taps.width]).collect()),
                _ => Reads::around(0, in_shape[0]),
            };
            let pass = Pass::pointwise(Work::Separable(params), in_shape);
            recording.push(Pass { tables, reads, out_shape_zyx: out_shape, ..pass });
            out_shape
        });
    }
}

fn with_side(mut shape: [usize; 3], axis: usize, side: usize) -> [usize; 3] {
    shape[axis] = side;
    shape
}

/// One axis of the filter. The array is seen as `[outer, axis, inner]`, inner fastest.
fn filtered(values: &Array3<f32>, axis: usize, taps: &Taps) -> Array3<f32> {
    let (z, y, x) = values.dim();
    let inner: usize = [z, y, x][axis + 1..].iter().product();
    let input = values.as_slice().unwrap_or_default();
    let mut output = Array3::zeros(with_side([z, y, x], axis, taps.out_len()));
    let out = output.as_slice_mut().unwrap_or_default();
    if inner == 1 {
        let lines = out.par_chunks_mut(taps.out_len()).zip(input.par_chunks(taps.in_len));
        lines.for_each(|(out, line)| filter_line(out, line, taps));
    } else {
        let sheets = out.par_chunks_mut(inner).enumerate();
        sheets.for_each(|(sheet, out)| {
            let (outer, index) = (sheet / taps.out_len(), sheet % taps.out_len());
            let first = (outer * taps.in_len + taps.start[index]) * inner;
            sum_sheets(out, &input[first..], &taps.weights[index * taps.width..][..taps.width]);
        });
    }
    output
}

/// Weighted sums along one contiguous line.
fn filter_line(out: &mut [f32], line: &[f32], taps: &Taps) {
    for ((out, start), weights) in out.iter_mut().zip(&taps.start).zip(taps.weights.chunks_exact(taps.width))
    {
        *out = weights.iter().zip(&line[*start..]).map(|(weight, value)| weight * value).sum();
    }
}

/// The weighted sum of sheets of `out.len()` values that follow each other in `sheets`.
fn sum_sheets(out: &mut [f32], sheets: &[f32], weights: &[f32]) {
    let sheet_len = out.len();
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        for (sheet, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            let values = &sheets[sheet * sheet_len + block * BLOCK..];
            out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
        }
    }
}
