//! Values between the voxels of a plane, by a table that all parallel planes of a volume share.

use ndarray::ArrayViewMut2;
use rayon::prelude::*;

use super::Interpolation;
use pulmo_scan::geometry::whole;

/// Voxels beyond the outer rim that still count as inside, so that rounding decides nothing.
const SLACK: f64 = 0.001;

/// How one output voxel is made of `K` x `K` input voxels: where they begin, and the weights of their
/// rows and columns.
#[derive(Debug, Clone, Copy)]
struct Cell<const K: usize> {
    corner: usize,
    rows: [f32; K],
    columns: [f32; K],
}

/// The output voxels of one row that come from inside the plane: one run, because the plane is convex.
#[derive(Debug)]
struct Run<const K: usize> {
    start: usize,
    cells: Vec<Cell<K>>,
}

/// Where the voxels of a turned plane come from.
#[derive(Debug)]
pub(super) struct PlaneTaps<const K: usize> {
    /// Columns of the input, at least `K`: a smaller input counts as padded, with weights of 0.
    width: usize,
    height: usize,
    /// Value of voxels that come from outside.
    fill: f32,
    runs: Vec<Run<K>>,
}

impl<const K: usize> PlaneTaps<K> {
    /// The table for planes of `[rows, columns]`. `source` says from what `[row, column]` an output
    /// voxel comes. `K` is 2, or 4 for cubic interpolation.
    pub(super) fn new(
        [rows, columns]: [usize; 2],
        interpolation: Interpolation,
        fill: f32,
        source: impl Fn([f64; 2]) -> [f64; 2] + Sync,
    ) -> Self {
        let (height, width) = (rows.max(K), columns.max(K));
        let cell = |row: usize, column: usize| {
            let [y, x] = source([row as f64, column as f64]);
            let (top, rows) = near(y, rows, interpolation)?;
            let (left, columns) = near(x, columns, interpolation)?;
            Some(Cell { corner: top * width + left, rows, columns })
        };
        let run = |row: usize| {
            let start = (0..columns).find(|column| cell(row, *column).is_some()).unwrap_or(columns);
            Run { start, cells: (start..columns).map_while(|column| cell(row, column)).collect() }
        };
        Self { width, height, fill, runs: (0..rows).into_par_iter().map(run).collect() }
    }

    /// Turns a plane whose rows are contiguous, by way of `scratch`.
    pub(super) fn turn(&self, mut plane: ArrayViewMut2<'_, f32>, scratch: &mut Vec<f32>) {
        scratch.resize(self.width * self.height, 0.0);
        for (line, kept) in plane.outer_iter().zip(scratch.chunks_exact_mut(self.width)) {
            let line = line.to_slice().unwrap_or(&[]);
            kept[..line.len()].copy_from_slice(line);
        }
        let reach = (K - 1) * self.width + K;
        for (mut line, run) in plane.outer_iter_mut().zip(&self.runs) {
            let line = line.as_slice_mut().unwrap_or_default();
            line[..run.start].fill(self.fill);
            line[run.start + run.cells.len()..].fill(self.fill);
            for (value, cell) in line[run.start..].iter_mut().zip(&run.cells) {
                *value = cell.value(&scratch[cell.corner..cell.corner + reach], self.width);
            }
        }
    }

    /// Output row `row` of a plane of lines: `out` holds its lines, `lines` those of the whole input,
    /// each of `length` values.
    pub(super) fn turn_lines(&self, row: usize, out: &mut [f32], lines: &[f32], length: usize) {
        let columns = out.len() / length;
        out.fill(self.fill);
        let run = &self.runs[row];
        for (out, cell) in out.chunks_exact_mut(length).skip(run.start).zip(&run.cells) {
            out.fill(0.0);
            for (place, weight) in cell.weights(self.width) {
                let line = &lines[(place / self.width * columns + place % self.width) * length..][..length];
                out.iter_mut().zip(line).for_each(|(out, value)| *out += weight * value);
            }
        }
    }
}

impl<const K: usize> Cell<K> {
    /// The value among voxels that begin at the corner, in rows of `width`.
    fn value(&self, near: &[f32], width: usize) -> f32 {
        let mut sum = 0.0;
        for (row, weight) in self.rows.iter().enumerate() {
            let line = near[row * width..].first_chunk::<K>().unwrap_or(&[0.0; K]);
            let along: f32 = line.iter().zip(&self.columns).map(|(value, weight)| value * weight).sum();
            sum += weight * along;
        }
        sum
    }

    /// The places of the voxels that count, in rows of `width`, and their weights.
    fn weights(&self, width: usize) -> impl Iterator<Item = (usize, f32)> {
        let place = move |k: usize| self.corner + k / K * width + k % K;
        let weight = |k: usize| self.rows[k / K] * self.columns[k % K];
        (0..K * K).map(move |k| (place(k), weight(k))).filter(|(_, weight)| *weight != 0.0)
    }
}

/// The first of the `K` voxels around a position on an axis of `side` voxels, and their weights; `None`
/// outside. Beyond the outermost centres the outermost voxel is repeated.
fn near<const K: usize>(
    position: f64,
    side: usize,
    interpolation: Interpolation,
) -> Option<(usize, [f32; K])> {
    let last = side as f64 - 1.0;
    if !(-0.5 - SLACK..=last + 0.5 + SLACK).contains(&position) {
        return None;
    }
    let shift = if interpolation == Interpolation::Nearest { 0.5 + SLACK } else { 0.0 };
    let base = (position + shift).floor() - (K / 2 - 1) as f64;
    let first = whole(base.min((side as f64) - K as f64));
    let mut weights = [0.0; K];
    for place in 0..K {
        let voxel = base + place as f64;
        let weight = match interpolation {
            Interpolation::Nearest => f64::from(u8::from(place == 0)),
            _ => interpolation.weight(voxel - position),
        };
        weights[whole(voxel.min(last)) - first] += narrowed(weight);
    }
    Some((first, weights))
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
pub(super) fn narrowed(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use pulmo_random::Random;

    /// The definition: weights of all voxels that a kernel reaches, those beyond the rim moved onto it.
    fn plainly(plane: &Array2<f32>, [y, x]: [f64; 2], interpolation: Interpolation) -> f32 {
        let sides = [plane.nrows() as f64, plane.ncols() as f64];
        let is_beyond = |at: f64, side: f64| at < -0.5 - SLACK || at > side - 0.5 + SLACK;
        if is_beyond(y, sides[0]) || is_beyond(x, sides[1]) {
            return 7.0;
        }
        let slack = if interpolation == Interpolation::Nearest { SLACK } else { 0.0 };
        let weights = |position: f64| {
            let voxels = (-5..120).map(f64::from);
            voxels.map(move |voxel| (voxel, interpolation.weight(voxel - position - slack)))
        };
        let mut sum = 0.0;
        for (row, v) in weights(y) {
            for (column, u) in weights(x).filter(|(_, u)| u * v != 0.0) {
                let at = [whole(row.min(sides[0] - 1.0)), whole(column.min(sides[1] - 1.0))];
                sum += u * v * f64::from(plane[at]);
            }
        }
        narrowed(sum)
    }

    fn compare<const K: usize>(interpolation: Interpolation, random: &mut Random) {
        let shape = [1 + random.below(9), 1 + random.below(50)];
        let plane = Array2::from_shape_simple_fn(shape, || narrowed(random.uniform(-1.0, 1.0)));
        let (sin, cos) = random.uniform(-3.0, 3.0).sin_cos();
        let [dy, dx] = shape.map(|side| (side as f64 - 1.0) / 2.0);
        let source =
            |[y, x]: [f64; 2]| [cos * (y - dy) + sin * (x - dx) + dy, cos * (x - dx) - sin * (y - dy) + dx];
        let taps = PlaneTaps::<K>::new(shape, interpolation, 7.0, source);
        let mut turned = plane.clone();
        taps.turn(turned.view_mut(), &mut Vec::new());
        // The same as a plane of lines of one voxel.
        let mut lines = Array2::zeros(shape);
        for (row, mut out) in lines.outer_iter_mut().enumerate() {
            taps.turn_lines(row, out.as_slice_mut().unwrap(), plane.as_slice().unwrap(), 1);
        }
        for ((row, column), value) in turned.indexed_iter() {
            let expected = plainly(&plane, source([row as f64, column as f64]), interpolation);
            assert!((value - expected).abs() < 1e-5, "{interpolation:?} {shape:?}: {value} not {expected}");
            assert!((value - lines[[row, column]]).abs() < 1e-6, "{interpolation:?} {shape:?}");
        }
    }

    #[test]
    fn tables_are_the_definition_on_thin_planes_too() {
        let mut random = Random::new(5);
        for _ in 0..40 {
            compare::<2>(Interpolation::Linear, &mut random);
            compare::<2>(Interpolation::Nearest, &mut random);
            compare::<4>(Interpolation::Cubic, &mut random);
        }
    }
}
