//! Distances to a structure.

use ndarray::{Array3, ArrayViewMut1, Axis};
use rayon::prelude::*;

/// Returns the squared distance in mm2 from each voxel to the nearest voxel of `inside`; infinite where there is none.
///
/// Exact: the lower envelope of parabolas along each axis (Felzenszwalb and Huttenlocher 2012,
/// doi:10.4086/toc.2012.v008a019).
pub fn squared_distance_mm2(inside: &Array3<bool>, spacing_mm: [f64; 3]) -> Array3<f32> {
    let mut squared = inside.mapv(|inside| if inside { 0.0 } else { f32::INFINITY });
    for axis in [2, 1, 0] {
        let step = spacing_mm[axis];
        let lines = |across: usize, mut squared: ndarray::ArrayViewMut3<'_, f32>| {
            squared.axis_iter_mut(Axis(across)).into_par_iter().for_each(|mut plane| {
                let along = if axis > across { axis - 1 } else { axis };
                let mut envelope = Envelope::default();
                plane.lanes_mut(Axis(along)).into_iter().for_each(|line| envelope.replace(line, step));
            });
        };
        lines(usize::from(axis == 0), squared.view_mut());
    }
    squared
}

/// The parabolas that are lowest somewhere on a line; kept to save memory.
#[derive(Default)]
struct Envelope {
    heights: Vec<f64>,
    lowest: Vec<usize>,
    starts: Vec<f64>,
}

impl Envelope {
    /// Replaces heights on a line by the least of `height + distance^2` over all places.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "distances in a body need no more than single precision"
    )]
    fn replace(&mut self, mut line: ArrayViewMut1<'_, f32>, step_mm: f64) {
        self.heights.clear();
        self.heights.extend(line.iter().map(|height| f64::from(*height)));
        self.lowest.clear();
        self.starts.clear();
        let at = |index: usize| index as f64 * step_mm;
        for (place, height) in self.heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
            while let (Some(last), Some(start)) = (self.lowest.last(), self.starts.last()) {
                let meet = (height + at(place).powi(2) - self.heights[*last] - at(*last).powi(2))
                    / (2.0 * (at(place) - at(*last)));
                if meet > *start {
                    self.starts.push(meet);
                    break;
                }
                self.lowest.pop();
                self.starts.pop();
            }
            if self.lowest.is_empty() {
                self.starts.push(f64::NEG_INFINITY);
            }
            self.lowest.push(place);
        }
        if self.lowest.is_empty() {
            return;
        }
        let mut current = 0;
        for (place, value) in line.iter_mut().enumerate() {
            while self.starts.get(current + 1).is_some_and(|start| *start < at(place)) {
                current += 1;
            }
            let from = self.lowest[current];
            *value = (self.heights[from] + (at(place) - at(from)).powi(2)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_to_the_nearest_voxel() {
        let mut inside = Array3::from_elem((5, 6, 7), false);
        let set = [[0, 0, 0], [3, 4, 1], [4, 2, 6]];
        set.iter().for_each(|at| inside[*at] = true);
        let spacing = [3.0, 1.0, 0.5];
        let found = squared_distance_mm2(&inside, spacing);
        for ((z, y, x), squared) in found.indexed_iter() {
            let to = |at: &[usize; 3]| {
                [z, y, x]
                    .iter()
                    .zip(at)
                    .zip(spacing)
                    .map(|((a, b), mm)| (a.abs_diff(*b) as f64 * mm).powi(2))
                    .sum::<f64>()
            };
            let nearest = set.iter().map(to).fold(f64::INFINITY, f64::min);
            assert!((f64::from(*squared) - nearest).abs() < 1e-4, "{squared} {nearest} at {z} {y} {x}");
        }
        assert!(squared_distance_mm2(&inside.mapv(|_| false), spacing).iter().all(|d| d.is_infinite()));
    }
}
