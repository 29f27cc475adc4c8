//! The CPU's way through a linear filter: within slices, then across them (or the other way round).
//!
//! A sweep takes pieces, one slice or one band of rows through all slices, into a scratch buffer that
//! stays in the processor's cache, and writes the result from there: onto the input where the shape
//! stays, else into the memory of an earlier input. Fresh memory costs more than the sums do.

use std::ops::Range;

use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::taps::{AxisFilter, Taps};

/// Sums worked on side by side, so that the compiler keeps them in vector registers.
const LANES: usize = 32;
/// Values of a band: it and its result stay in the processor's second cache.
const BAND: usize = 1 << 16;

/// How values are cut into pieces.
struct Pieces {
    along: Axis,
    /// Places on that axis that a piece takes.
    size: usize,
}

/// Values on their way through a filter, and memory no longer needed.
pub(super) struct Sweep {
    pub(super) values: Array3<f32>,
    spare: Vec<f32>,
}

impl Sweep {
    pub(super) fn of(values: Array3<f32>) -> Self {
        Self { values, spare: Vec::new() }
    }

    /// A filter across slices.
    pub(super) fn across(self, taps: &Taps) -> Self {
        let (slices, rows, columns) = self.values.dim();
        let band = (BAND / (slices * columns)).clamp(1, rows);
        let take = |piece: ArrayView3<'_, f32>, scratch: &mut Vec<f32>| {
            scratch.clear();
            piece.outer_iter().for_each(|lines| scratch.extend_from_slice(lines.to_slice().unwrap_or(&[])));
        };
        let give = |scratch: &[f32], mut piece: ArrayViewMut3<'_, f32>| {
            for (mut out, (start, weights)) in piece.outer_iter_mut().zip(taps.rows()) {
                let out = out.as_slice_mut().unwrap_or_default();
                let stride = out.len();
                sum_lines(out, &scratch[start * stride..], stride, weights);
            }
        };
        self.by_pieces([taps.out_len(), rows, columns], Pieces { along: Axis(1), size: band }, take, give)
    }

    /// One or two filters within slices: along columns (axis 1) or along rows (axis 2).
    pub(super) fn within(self, filters: &[&AxisFilter]) -> Self {
        let [first @ .., last] = filters else { return self };
        let (slices, rows, columns) = self.values.dim();
        let between = first.iter().fold([rows, columns], |plane, filter| with_side(plane, filter));
        let [out_rows, out_columns] = with_side(between, last);
        let take = |piece: ArrayView3<'_, f32>, scratch: &mut Vec<f32>| {
            let piece = piece.to_slice().unwrap_or(&[]);
            scratch.resize(between[0] * between[1], 0.0);
            match first.first() {
                Some(first) => filter_plane(piece, columns, scratch, first),
                None => scratch.copy_from_slice(piece),
            }
        };
        let give = |scratch: &[f32], mut piece: ArrayViewMut3<'_, f32>| {
            filter_plane(scratch, between[1], piece.as_slice_mut().unwrap_or_default(), last);
        };
        self.by_pieces([slices, out_rows, out_columns], Pieces { along: Axis(0), size: 1 }, take, give)
    }

    /// Takes every piece to scratch and gives what comes of it.
    fn by_pieces(
        self,
        out_shape_zyx: [usize; 3],
        pieces: Pieces,
        take: impl Fn(ArrayView3<'_, f32>, &mut Vec<f32>) + Sync,
        give: impl Fn(&[f32], ArrayViewMut3<'_, f32>) + Sync,
    ) -> Self {
        let Self { mut values, spare } = self;
        let Pieces { along, size } = pieces;
        if values.shape() == out_shape_zyx {
            let pieces = values.axis_chunks_iter_mut(along, size).into_par_iter();
            pieces.for_each_init(Vec::new, |scratch, piece| {
                take(piece.view(), scratch);
                give(scratch, piece);
            });
            return Self { values, spare };
        }
        let mut out = shaped(spare, out_shape_zyx);
        let pieces = values.axis_chunks_iter(along, size).into_par_iter();
        let places = out.axis_chunks_iter_mut(along, size).into_par_iter();
        pieces.zip(places).for_each_init(Vec::new, |scratch, (piece, place)| {
            take(piece, scratch);
            give(scratch, place);
        });
        Self { values: out, spare: values.into_raw_vec_and_offset().0 }
    }
}

/// An array in the memory of `spare` where that is enough; its values are to be overwritten.
fn shaped(mut spare: Vec<f32>, shape_zyx: [usize; 3]) -> Array3<f32> {
    let count = shape_zyx.iter().product();
    if spare.capacity() < count {
        return Array3::zeros(shape_zyx);
    }
    spare.resize(count, 0.0);
    Array3::from_shape_vec(shape_zyx, spare).unwrap_or_else(|_| Array3::zeros(shape_zyx))
}

fn with_side(plane: [usize; 2], filter: &AxisFilter) -> [usize; 2] {
    std::array::from_fn(|side| if side + 1 == filter.axis { filter.taps.out_len() } else { plane[side] })
}

/// A filter within one slice of so many columns.
fn filter_plane(plane: &[f32], columns: usize, out: &mut [f32], filter: &AxisFilter) {
    let AxisFilter { axis, taps } = filter;
    if *axis == 1 {
        for (out, (start, weights)) in out.chunks_exact_mut(columns).zip(taps.rows()) {
            sum_lines(out, &plane[start * columns..], columns, weights);
        }
    } else {
        let steady = taps.steady();
        for (out, line) in out.chunks_exact_mut(taps.out_len()).zip(plane.chunks_exact(columns)) {
            sum_along(out, line, taps, &steady);
        }
    }
}

/// The weighted sum of lines of `out.len()` values, each `stride` after the one before.
fn sum_lines(out: &mut [f32], lines: &[f32], stride: usize, weights: &[f32]) {
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let whole = blocks.len() * LANES;
    for (block, sums) in blocks.iter_mut().enumerate() {
        *sums = sum_block(&lines[block * LANES..], stride, weights);
    }
    for (place, sum) in rest.iter_mut().enumerate() {
        let values = lines[whole + place..].iter().step_by(stride);
        *sum = weights.iter().zip(values).map(|(weight, value)| weight * value).sum();
    }
}

#[inline]
fn sum_block(lines: &[f32], stride: usize, weights: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (line, weight) in weights.iter().enumerate() {
        let values = lines[line * stride..].first_chunk::<LANES>().unwrap_or(&[0.0; LANES]);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    }
    sums
}

/// Weighted sums along one line. In the `steady` part all sums have the same weights, one voxel on.
fn sum_along(out: &mut [f32], line: &[f32], taps: &Taps, steady: &Range<usize>) {
    let sums = out.iter_mut().zip(taps.rows());
    if taps.width == 2 {
        return sums.for_each(|(sum, (start, weights))| {
            if let ([a, b], [u, v]) = (&line[start..start + 2], weights) {
                *sum = a * u + b * v;
            }
        });
    }
    for (_, (sum, (start, weights))) in sums.enumerate().filter(|(place, _)| !steady.contains(place)) {
        *sum = weights.iter().zip(&line[start..]).map(|(weight, value)| weight * value).sum();
    }
    if let Some((start, weights)) = taps.rows().nth(steady.start) {
        sum_lines(&mut out[steady.clone()], &line[start..], 1, weights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Interpolation;
    use crate::preprocess::separable::Separable;
    use crate::preprocess::taps::Line;
    use pulmo_random::Random;

    fn noise(shape_zyx: [usize; 3], random: &mut Random) -> Array3<f32> {
        Array3::from_shape_simple_fn(shape_zyx, || {
            crate::preprocess::plane::narrowed(random.uniform(-1.0, 1.0))
        })
    }

    fn drawn_taps(len: usize, random: &mut Random) -> Taps {
        let line = Line::stretched(len, 1 + random.below(80));
        match random.below(5) {
            0 => Taps::gaussian(len, random.uniform(0.0, 3.0)),
            1 => Taps::interpolation(line, Interpolation::Nearest, 1.0),
            2 => Taps::interpolation(line, Interpolation::Cubic, 1.0),
            3 => Taps::interpolation(line, Interpolation::Linear, line.step.max(1.0)),
            _ => Taps::interpolation(Line::stretched(len, len), Interpolation::Linear, 1.0),
        }
    }

    /// The definition, one axis after the other.
    fn plainly(values: Array3<f32>, taps: &Taps, axis: usize) -> Array3<f32> {
        let mut shape = values.raw_dim();
        shape[axis] = taps.out_len();
        Array3::from_shape_fn(shape, |(z, y, x)| {
            let at = [z, y, x];
            let (start, weights) = taps.rows().nth(at[axis]).unwrap();
            let value = |k: usize| {
                let mut from = at;
                from[axis] = start + k;
                values[from]
            };
            weights.iter().enumerate().map(|(k, weight)| weight * value(k)).sum()
        })
    }

    #[test]
    fn sweeps_are_the_definition_on_any_shape() {
        let mut random = Random::new(7);
        for _ in 0..60 {
            let shape = [1 + random.below(9), 1 + random.below(70), 1 + random.below(70)];
            let values = noise(shape, &mut random);
            let taps = shape.map(|len| drawn_taps(len, &mut random));
            let expected = taps
                .iter()
                .enumerate()
                .fold(values.clone(), |values, (axis, taps)| plainly(values, taps, axis));
            let found = Separable::new(taps).apply(values);
            assert_eq!(found.dim(), expected.dim());
            let worst = (found - expected).iter().fold(0.0f32, |worst, off| worst.max(off.abs()));
            assert!(worst < 1e-5, "{shape:?} differs by {worst}");
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let values = noise([7, 61, 45], &mut Random::new(3));
        let filter = Separable::new([7, 61, 45].map(|len| Taps::gaussian(len, 1.3)));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| filter.apply(values.clone()))
        };
        assert_eq!(on(1), on(3));
    }
}
