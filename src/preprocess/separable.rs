//! Linear filters along one axis after another.

use ndarray::Array3;

use super::sweep::Sweep;
use super::taps::Taps;
use crate::gpu::{Pass, Reads, Recording, SeparableParams, Table, Work, vec3_xyz};

/// A linear filter along each axis that needs one, the most shrinking axis first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Separable {
    /// Axis (0 = z, 1 = y, 2 = x) and its taps.
    axes: Vec<(usize, Taps)>,
}

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
        let (across, within): (Vec<_>, Vec<_>) = self.axes.iter().partition(|(axis, _)| *axis == 0);
        let across_first = self.axes.first().is_some_and(|(axis, _)| *axis == 0);
        let sweep = Sweep::of(values);
        let all_across = |sweep| across.iter().fold(sweep, |sweep: Sweep, (_, taps)| sweep.across(taps));
        let swept =
            if across_first { all_across(sweep).within(&within) } else { all_across(sweep.within(&within)) };
        swept.values
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
