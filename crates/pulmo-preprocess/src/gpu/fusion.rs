//! Two passes that are one: exactly where voxels are only moved, to rounding where values are mapped.

use super::layout::{AffineParams, GatherParams};
use super::{Pass, Work};

/// The pass that does `first` and then `second`; `None` where no kernel does both.
pub(super) fn fused(first: &Pass, second: &Pass) -> Option<Pass> {
    let ramp = first.ramp.then(&second.ramp);
    let work = match (first.work, second.work) {
        // A fill is not ramped by the kernel: it is a result.
        (Work::Gather(gather), Work::Intensity(_)) => {
            Work::Gather(GatherParams { fill: second.ramp.at(gather.fill), ..gather })
        }
        (Work::Affine(affine), Work::Intensity(_)) => {
            Work::Affine(AffineParams { fill: second.ramp.at(affine.fill), ..affine })
        }
        (work, Work::Intensity(_)) => work,
        (Work::Gather(gather), Work::Gather(next)) => {
            let fill = second.ramp.at(gather.fill);
            Work::Gather(gathers(&GatherParams { fill, ..gather }, &next)?)
        }
        (Work::Affine(affine), Work::Gather(next)) => {
            let fill = second.ramp.at(affine.fill);
            Work::Affine(affine_gather(&AffineParams { fill, ..affine }, &next)?)
        }
        _ => return None,
    };
    let (in_shape_zyx, out_shape_zyx) = (first.in_shape_zyx, second.out_shape_zyx);
    Some(Pass { work, ramp, in_shape_zyx, out_shape_zyx, ..first.clone() })
}

type Vec3 = [i64; 3];

/// A box of voxels, (x, y, z): first, and first beyond.
#[derive(Clone, Copy, PartialEq)]
struct Span([Vec3; 2]);

impl Span {
    fn of_shape(shape: [u32; 3]) -> Self {
        Self([[0; 3], shape.map(i64::from)])
    }

    fn is_empty(&self) -> bool {
        (0..3).any(|axis| self.0[0][axis] >= self.0[1][axis])
    }

    fn within(&self, other: &Self) -> bool {
        self.is_empty() || (0..3).all(|a| self.0[0][a] >= other.0[0][a] && self.0[1][a] <= other.0[1][a])
    }

    fn common(&self, other: &Self) -> Self {
        Self([
            std::array::from_fn(|a| self.0[0][a].max(other.0[0][a])),
            std::array::from_fn(|a| self.0[1][a].min(other.0[1][a])),
        ])
    }
}

fn wide(vector: [i32; 4]) -> Vec3 {
    [vector[0], vector[1], vector[2]].map(i64::from)
}

fn narrow(vector: Vec3) -> Option<[i32; 4]> {
    let [x, y, z] = vector.map(|value| i32::try_from(value).ok());
    Some([x?, y?, z?, 0])
}

/// Where a gather takes voxel `v` from, or with `first` zero, how a step is turned.
fn source(gather: &GatherParams, first: Vec3, v: Vec3) -> Vec3 {
    let steps = [gather.step_x, gather.step_y, gather.step_z].map(wide);
    std::array::from_fn(|a| first[a] + (0..3).map(|axis| v[axis] * steps[axis][a]).sum::<i64>())
}

/// The box that the voxels of a box come from.
fn image(gather: &GatherParams, span: Span) -> Span {
    if span.is_empty() {
        return Span([[0; 3]; 2]);
    }
    let first = wide(gather.first);
    let one_end = source(gather, first, span.0[0]);
    let other_end = source(gather, first, span.0[1].map(|side| side - 1));
    Span([
        std::array::from_fn(|a| one_end[a].min(other_end[a])),
        std::array::from_fn(|a| one_end[a].max(other_end[a]) + 1),
    ])
}

fn seen(gather: &GatherParams) -> Span {
    Span([wide(gather.low), wide(gather.high)])
}

/// One gather for two; `None` where both fill what is seen in the end, with different values.
fn gathers(first: &GatherParams, second: &GatherParams) -> Option<GatherParams> {
    let between = image(second, Span::of_shape(second.out_shape));
    let read = between.common(&seen(second));
    let fills_last = !between.within(&seen(second));
    let fills_first = !image(first, read).within(&seen(first));
    if fills_first && fills_last && first.fill != second.fill {
        return None;
    }
    let span = image(first, read).common(&seen(first));
    let turned = |step: [i32; 4]| narrow(source(first, [0; 3], wide(step)));
    Some(GatherParams {
        in_shape: first.in_shape,
        out_shape: second.out_shape,
        fill: if fills_last { second.fill } else { first.fill },
        first: narrow(source(first, wide(first.first), wide(second.first)))?,
        step_x: turned(second.step_x)?,
        step_y: turned(second.step_y)?,
        step_z: turned(second.step_z)?,
        low: narrow(span.0[0])?,
        high: narrow(span.0[1])?,
        padding: 0,
    })
}

/// One affine pull for a pull and a gather that sees nothing but what was pulled.
fn affine_gather(affine: &AffineParams, gather: &GatherParams) -> Option<AffineParams> {
    if !image(gather, Span::of_shape(gather.out_shape)).within(&seen(gather)) {
        return None;
    }
    let columns = [gather.step_x, gather.step_y, gather.step_z].map(wide);
    let row = |row: [f32; 4]| {
        let along = |vector: Vec3| (0..3).map(|a| f64::from(row[a]) * vector[a] as f64).sum::<f64>();
        let [x, y, z] = columns.map(along);
        [x, y, z, along(wide(gather.first)) + f64::from(row[3])].map(rounded)
    };
    Some(AffineParams {
        out_shape: gather.out_shape,
        row_x: row(affine.row_x),
        row_y: row(affine.row_y),
        row_z: row(affine.row_z),
        ..*affine
    })
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn rounded(value: f64) -> f32 {
    value as f32
}
