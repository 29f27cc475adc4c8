//! Linear filters along one axis as tables: which input voxels make each output voxel, and how much
//! of each. The CPU and the GPU read the same table.

use std::ops::Range;

use super::Interpolation;

/// A linear filter along one axis: output `i` is the sum over `k` of
/// `weights[i * width + k] * in[start[i] + k]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    pub(super) in_len: usize,
    pub(super) width: usize,
    pub(super) start: Vec<usize>,
    pub(super) weights: Vec<f32>,
}

/// A linear filter and where it runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisFilter {
    /// 0 = z, 1 = y, 2 = x.
    pub(super) axis: usize,
    pub(super) taps: Taps,
}

/// Where output voxels lie on an input axis: voxel `i` at position `first + i * step`, in input voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) in_len: usize,
    pub(super) out_len: usize,
    pub(super) first: f64,
    pub(super) step: f64,
}

impl Line {
    /// `out_len` voxels of `step` input voxels each, centred on the input's extent.
    pub(super) fn centred(in_len: usize, out_len: usize, step: f64) -> Self {
        let first = (in_len as f64 - 1.0 - (out_len as f64 - 1.0) * step) / 2.0;
        Self { in_len, out_len, first, step }
    }

    /// The input's extent in `out_len` voxels.
    pub(super) fn stretched(in_len: usize, out_len: usize) -> Self {
        Self::centred(in_len, out_len, in_len as f64 / out_len as f64)
    }

    fn position(&self, index: usize) -> f64 {
        (self.first + index as f64 * self.step).clamp(-0.5, self.in_len as f64 - 0.5)
    }
}

/// The taps of one output voxel.
struct Row {
    first: usize,
    weights: Vec<f64>,
}

impl Taps {
    /// Interpolation at the positions of `line`. Where `widening` is above 1 the kernel is that much
    /// wider, so that it averages over what it shrinks.
    pub(super) fn interpolation(line: Line, interpolation: Interpolation, widening: f64) -> Self {
        let row = |index| match interpolation {
            Interpolation::Nearest => nearest_row(line.position(index), line.in_len),
            _ => kernel_row(line.position(index), line.in_len, |distance| {
                (interpolation.weight(distance / widening), interpolation.support() * widening)
            }),
        };
        Self::of_rows(line.in_len, (0..line.out_len).map(row).collect())
    }

    /// A Gaussian of `sigma` voxels, cut at 4 sigma, the outermost voxels repeated beyond the edge.
    pub(super) fn gaussian(len: usize, sigma: f64) -> Self {
        let radius = (4.0 * sigma).round().max(0.0);
        let reach = (0..).map(f64::from).take_while(|distance| *distance <= radius).count();
        let half: Vec<f64> = (0..reach)
            .map(|d| if d == 0 { 1.0 } else { (-0.5 * (d as f64 / sigma).powi(2)).exp() })
            .collect();
        let total = 2.0 * half.iter().sum::<f64>() - half[0];
        let row = |index: usize| {
            let first = index.saturating_sub(reach - 1);
            let end = (index + reach).min(len);
            let mut weights = vec![0.0; end - first];
            for (distance, weight) in half.iter().enumerate() {
                weights[index.saturating_sub(distance) - first] += weight / total;
                if distance > 0 {
                    weights[(index + distance).min(len - 1) - first] += weight / total;
                }
            }
            Row { first, weights }
        };
        Self::of_rows(len, (0..len).map(row).collect())
    }

    /// Rows brought to one width, none of which passes the end of the input.
    fn of_rows(in_len: usize, rows: Vec<Row>) -> Self {
        let width = rows.iter().map(|row| row.weights.len()).max().unwrap_or(1);
        let mut taps = Self { in_len, width, start: Vec::new(), weights: vec![0.0; rows.len() * width] };
        for (row, weights) in rows.iter().zip(taps.weights.chunks_exact_mut(width)) {
            let start = row.first.min(in_len - width);
            taps.start.push(start);
            for (weight, value) in weights[row.first - start..].iter_mut().zip(&row.weights) {
                *weight = single(*value);
            }
        }
        taps
    }

    /// For each output voxel its first input voxel and its weights.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.start.iter().copied().zip(self.weights.chunks_exact(self.width))
    }

    /// The output voxels about the middle whose weights are the same, one input voxel on from one to
    /// the next: there the filter is a convolution.
    pub(super) fn steady(&self) -> Range<usize> {
        let rows: Vec<_> = self.rows().collect();
        let goes_on = |at: usize| rows[at].0 + 1 == rows[at + 1].0 && rows[at].1 == rows[at + 1].1;
        let middle = rows.len() / 2;
        let start = (0..middle).rev().take_while(|at| goes_on(*at)).last().unwrap_or(middle);
        let end = (middle..rows.len() - 1).take_while(|at| goes_on(*at)).last().map_or(middle, |at| at + 1);
        start..end + 1
    }

    /// Output voxels.
    pub(super) fn out_len(&self) -> usize {
        self.start.len()
    }

    /// Whether the filter changes nothing.
    pub(super) fn is_identity(&self) -> bool {
        let is_own = |index: usize, k: usize| self.start[index] + k == index;
        self.in_len == self.out_len()
            && self.weights.iter().enumerate().all(|(at, weight)| {
                (weight - f32::from(u8::from(is_own(at / self.width, at % self.width)))).abs() < 1e-6
            })
    }
}

/// The nearest `f32`.
#[expect(clippy::cast_possible_truncation, reason = "weights are of order 1; rounding to f32 is meant")]
fn single(value: f64) -> f32 {
    value as f32
}

/// A position inside the input as the index of a voxel.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..len before")]
fn index(position: f64, len: usize) -> usize {
    position.clamp(0.0, len as f64 - 1.0) as usize
}

fn nearest_row(position: f64, in_len: usize) -> Row {
    Row { first: index((position + 0.5).floor(), in_len), weights: vec![1.0] }
}

/// Taps around `position`; what lies beyond the edge is dropped and the rest sums to 1. `kernel` gives
/// the weight at a distance, and the reach.
fn kernel_row(position: f64, in_len: usize, kernel: impl Fn(f64) -> (f64, f64)) -> Row {
    let (_, reach) = kernel(0.0);
    let first = index((position - reach).floor() + 1.0, in_len);
    let last = index((position + reach).ceil() - 1.0, in_len);
    let weights: Vec<f64> = (first..=last).map(|voxel| kernel(voxel as f64 - position).0).collect();
    let total: f64 = weights.iter().sum();
    Row { first, weights: weights.into_iter().map(|weight| weight / total).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_sums_to_one() {
        for interpolation in [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic] {
            for (in_len, out_len) in [(1, 1), (1, 5), (7, 3), (3, 7), (100, 1)] {
                let line = Line::stretched(in_len, out_len);
                let taps = Taps::interpolation(line, interpolation, line.step.max(1.0));
                for (start, row) in taps.start.iter().zip(taps.weights.chunks_exact(taps.width)) {
                    assert!(start + taps.width <= in_len);
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{interpolation:?} {row:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_grid_is_the_identity() {
        for interpolation in [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic] {
            assert!(Taps::interpolation(Line::stretched(9, 9), interpolation, 1.0).is_identity());
        }
        assert!(Taps::gaussian(5, 0.0).is_identity());
        assert!(!Taps::gaussian(5, 1.0).is_identity());
        assert!(!Taps::interpolation(Line::stretched(9, 8), Interpolation::Linear, 1.0).is_identity());
    }

    #[test]
    fn a_gaussian_is_steady_where_it_meets_no_edge() {
        assert_eq!(Taps::gaussian(30, 1.0).steady(), 4..26);
        assert_eq!(Taps::gaussian(1, 1.0).steady(), 0..1);
        let uneven = Taps::interpolation(Line::stretched(10, 7), Interpolation::Linear, 1.0);
        assert_eq!(uneven.steady().len(), 1);
    }

    #[test]
    fn a_gaussian_wider_than_the_axis_stays_inside() {
        let taps = Taps::gaussian(3, 5.0);
        assert_eq!(taps.width, 3);
        assert!(taps.weights.chunks_exact(3).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6));
    }
}
