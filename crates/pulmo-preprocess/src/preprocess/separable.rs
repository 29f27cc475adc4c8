//! Linear filters along one axis after another.

use ndarray::Array3;

use super::sweep::Sweep;
use super::taps::{AxisFilter, Taps};
use crate::gpu::{
    ConstantTable, Pass, Reads, Recording, SHARED_VALUES, SeparableParams, WORKGROUP_XYZ, Work, vec3_xyz,
};

/// A linear filter along each axis that needs one, the most shrinking axis first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Separable {
    axes: Vec<AxisFilter>,
}

impl Separable {
    /// The filter of `taps` along `[z, y, x]`.
    pub(super) fn new(taps_zyx: [Taps; 3]) -> Self {
        let filters = taps_zyx.into_iter().enumerate().map(|(axis, taps)| AxisFilter { axis, taps });
        let mut axes: Vec<_> = filters.filter(|filter| !filter.taps.is_identity()).collect();
        axes.sort_by(|AxisFilter { taps: a, .. }, AxisFilter { taps: b, .. }| {
            (a.out_len() * b.in_len).cmp(&(b.out_len() * a.in_len))
        });
        Self { axes }
    }

    /// The filter applied to values.
    pub(super) fn apply(&self, values: Array3<f32>) -> Array3<f32> {
        let (across, within): (Vec<_>, Vec<_>) = self.axes.iter().partition(|filter| filter.axis == 0);
        let across_first = self.axes.first().is_some_and(|filter| filter.axis == 0);
        let sweep = Sweep::of(values);
        let all_across = |sweep| across.iter().fold(sweep, |sweep: Sweep, filter| sweep.across(&filter.taps));
        let swept =
            if across_first { all_across(sweep).within(&within) } else { all_across(sweep.within(&within)) };
        swept.values
    }

    /// The filter as passes on values of `shape_zyx`.
    pub(super) fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        self.axes.iter().fold(shape_zyx, |in_shape, AxisFilter { axis, taps }| {
            let out_shape = with_side(in_shape, *axis, taps.out_len());
            let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            let start = taps.start.iter().map(|start| count(*start)).collect();
            let params = SeparableParams {
                in_shape: vec3_xyz(in_shape),
                axis: 2 - count(*axis),
                out_shape: vec3_xyz(out_shape),
                width: count(taps.width),
                tile: TILES_XYZ[*axis].map(count),
                span: count(span(taps, TILES_XYZ[*axis][2 - axis])),
            };
            let weights = (0..taps.width).flat_map(|k| taps.weights.iter().skip(k).step_by(taps.width));
            let tables =
                vec![ConstantTable::Indices(start), ConstantTable::Weights(weights.copied().collect())];
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

/// Voxels along x, y and z that a workgroup writes for a filter along z, y and x: long runs of x, which
/// neighbouring threads read together, and as many voxels along the axis, which share what they read.
const TILES_XYZ: [[usize; 3]; 3] = [[16, 1, 16], [16, 16, 1], [32, 8, 1]];

/// Most input voxels that `along` output voxels in a row need; 0 where those of all lines of a tile are
/// more than a workgroup can share.
fn span(taps: &Taps, along: usize) -> usize {
    let needed = |first: usize| {
        let last = (first + along).min(taps.out_len()) - 1;
        taps.start[last] + taps.width - taps.start[first]
    };
    let span = (0..taps.out_len()).map(needed).max().unwrap_or(0);
    let lines = WORKGROUP_XYZ.iter().product::<u32>() as usize / along;
    if span * lines <= SHARED_VALUES { span } else { 0 }
}

fn with_side(mut shape: [usize; 3], axis: usize, side: usize) -> [usize; 3] {
    shape[axis] = side;
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Interpolation;
    use crate::preprocess::taps::Line;

    #[test]
    fn a_tile_is_one_voxel_a_thread() {
        let threads = WORKGROUP_XYZ.iter().product::<u32>() as usize;
        assert!(TILES_XYZ.iter().all(|tile| tile.iter().product::<usize>() == threads));
    }

    #[test]
    fn the_span_holds_what_a_tile_needs_wherever_it_begins() {
        assert_eq!(span(&Taps::gaussian(100, 1.0), 16), 16 + 8);
        assert_eq!(span(&Taps::gaussian(5, 1.0), 16), 5);
        // Too much for the memory of a workgroup: the direct way.
        assert_eq!(span(&Taps::gaussian(1_000, 30.0), 16), 0);
        let shrinking = Line::stretched(1_000, 10);
        assert_eq!(span(&Taps::interpolation(shrinking, Interpolation::Linear, shrinking.step), 16), 0);
        for (in_len, out_len) in [(90, 40), (40, 90), (7, 1)] {
            let taps = Taps::interpolation(Line::stretched(in_len, out_len), Interpolation::Cubic, 1.0);
            let most = span(&taps, 8);
            for first in 0..out_len {
                let reach =
                    taps.rows().skip(first).take(8).map(|(start, _)| start + taps.width).max().unwrap();
                assert!(taps.start[first] + most >= reach);
            }
        }
    }
}
