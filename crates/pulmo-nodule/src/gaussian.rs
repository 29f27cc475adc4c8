//! Gaussian smoothing along the axes of an array.

use ndarray::{Array3, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::narrow::narrow;

/// Standard deviations at which the Gaussian is cut: 0.3 % of its weight lies beyond.
const CUT: f64 = 3.0;

/// Returns `values` smoothed by a Gaussian of `sigma` voxels; the outermost values are repeated beyond the edges.
pub(crate) fn smoothed(values: &Array3<f32>, sigma: f64) -> Array3<f32> {
    let weights = weights(sigma);
    let mut smoothed = values.as_standard_layout().into_owned();
    smoothed.axis_iter_mut(Axis(0)).into_par_iter().for_each_init(Vec::new, |spare, mut slice| {
        along_columns(&mut slice, &weights, spare);
        along_rows(&mut slice, &weights, spare);
    });
    smoothed.axis_iter_mut(Axis(1)).into_par_iter().for_each_init(Vec::new, |spare, mut sheet| {
        along_columns(&mut sheet, &weights, spare);
    });
    smoothed
}

/// One half of a Gaussian's weights, from the middle on; all of them sum to 1.
fn weights(sigma: f64) -> Vec<f32> {
    let reach = (1..).take_while(|reach| f64::from(*reach) < CUT * sigma + 1.0).last().unwrap_or(1);
    let weight = |place: i32| (-0.5 * (f64::from(place) / sigma.max(1e-3)).powi(2)).exp();
    let sum = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f64>();
    (0..=reach).map(|place| narrow(weight(place) / sum)).collect()
}

/// Smooths each row of a plane.
fn along_rows(plane: &mut ArrayViewMut2<'_, f32>, weights: &[f32], padded: &mut Vec<f32>) {
    let reach = weights.len() - 1;
    for mut row in plane.outer_iter_mut() {
        let Some(values) = row.as_slice_mut() else { continue };
        let [Some(first), Some(last)] = [values.first().copied(), values.last().copied()] else { continue };
        padded.clear();
        padded.resize(reach, first);
        padded.extend_from_slice(values);
        padded.resize(values.len() + 2 * reach, last);
        let middle = &padded[reach..];
        values.iter_mut().zip(middle).for_each(|(to, from)| *to = weights[0] * from);
        for (shift, weight) in weights.iter().enumerate().skip(1) {
            let sides = padded[reach - shift..].iter().zip(&padded[reach + shift..]);
            values.iter_mut().zip(sides).for_each(|(to, (before, after))| *to += weight * (before + after));
        }
    }
}

/// Smooths each column of a plane whose rows lie in one piece each.
fn along_columns(plane: &mut ArrayViewMut2<'_, f32>, weights: &[f32], copy: &mut Vec<f32>) {
    let (rows, columns) = plane.dim();
    copy.clear();
    copy.extend(plane.iter());
    let row = |index: usize| &copy[index * columns..][..columns];
    for (place, mut to) in plane.outer_iter_mut().enumerate() {
        let Some(to) = to.as_slice_mut() else { continue };
        to.iter_mut().zip(row(place)).for_each(|(to, from)| *to = weights[0] * from);
        for (shift, weight) in weights.iter().enumerate().skip(1) {
            let (before, after) = (row(place.saturating_sub(shift)), row((place + shift).min(rows - 1)));
            let sides = before.iter().zip(after);
            to.iter_mut().zip(sides).for_each(|(to, (before, after))| *to += weight * (before + after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_gaussian() {
        let mut values = Array3::zeros((31, 33, 35));
        values[[15, 16, 17]] = 1.0;
        let sigma = 2.0;
        let found = smoothed(&values, sigma);
        let expected = |squared: f64| {
            (-squared / (2.0 * sigma * sigma)).exp() / (sigma * std::f64::consts::TAU.sqrt()).powi(3)
        };
        for (shift, squared) in [([0, 0, 0], 0.0), ([2, 0, 0], 4.0), ([0, -3, 0], 9.0), ([1, 2, -4], 21.0)] {
            let at: [isize; 3] = std::array::from_fn(|axis| [15, 16, 17][axis] + shift[axis]);
            let found = f64::from(found[at.map(|at| at as usize)]);
            assert!((found / expected(squared) - 1.0).abs() < 0.02, "{found} at {shift:?}");
        }
    }

    #[test]
    fn what_is_even_stays_so_up_to_the_edges() {
        let found = smoothed(&Array3::from_elem((3, 4, 5), -850.0), 4.0);
        assert!(found.iter().all(|value| (value + 850.0).abs() < 1e-2));
    }
}
