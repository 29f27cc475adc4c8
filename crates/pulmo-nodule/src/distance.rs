//! Distances to the nearest voxel outside a region, and the openings made of them.

use ndarray::{Array3, ArrayViewMut1, Axis, Zip};
use rayon::prelude::*;

use pulmo_scan::volume::label;

/// Further than any voxel of a volume is from another.
const FAR: f32 = 1e10;

/// Returns the squared distance of each voxel's centre to the nearest voxel for which `inside` is false, 0 there,
/// in squared voxels. What lies beyond the array counts as inside.
///
/// # References
/// Felzenszwalb and Huttenlocher 2012, doi:10.4086/toc.2012.v008a019.
pub(crate) fn squared_distance(inside: &Array3<bool>) -> Array3<f32> {
    let mut squared = inside.mapv(|inside| if inside { FAR } else { 0.0 });
    for axis in 0..3 {
        let mut lines: Vec<_> = squared.lanes_mut(Axis(axis)).into_iter().collect();
        lines.par_iter_mut().for_each_init(Envelope::default, |envelope, line| envelope.lower(line));
    }
    squared
}

/// Returns the voxels of `region` further than `radius` voxels from what is outside it.
pub(crate) fn eroded(region: &Array3<bool>, radius: f32) -> Array3<bool> {
    squared_distance(region).mapv(|squared| squared > radius * radius)
}

/// Returns the voxels within `radius` voxels of `region`.
pub(crate) fn dilated(region: &Array3<bool>, radius: f32) -> Array3<bool> {
    squared_distance(&region.mapv(|inside| !inside)).mapv(|squared| squared <= radius * radius)
}

/// Returns the part of `region` that hangs together with the voxel `seed`; nothing where that is outside.
pub(crate) fn part_with(region: &Array3<bool>, seed: [usize; 3]) -> Array3<bool> {
    let parts = label(region);
    let own = parts.labels[seed];
    parts.labels.mapv(|label| own > 0 && label == own)
}

/// Clears in `region` what `other` holds.
pub(crate) fn without(mut region: Array3<bool>, other: &Array3<bool>) -> Array3<bool> {
    Zip::from(&mut region).and(other).for_each(|inside, other| *inside &= !other);
    region
}

/// Clears in `region` what `other` does not hold.
pub(crate) fn within(mut region: Array3<bool>, other: &Array3<bool>) -> Array3<bool> {
    Zip::from(&mut region).and(other).for_each(|inside, other| *inside &= other);
    region
}

/// The lower envelope of parabolas over one line.
#[derive(Default)]
struct Envelope {
    heights: Vec<f32>,
    tops: Vec<usize>,
    /// Where each parabola takes over from the one before it.
    from: Vec<f32>,
}

impl Envelope {
    /// Replaces each value by the least of `(x - q)^2 + value(q)` over all `q`.
    fn lower(&mut self, line: &mut ArrayViewMut1<'_, f32>) {
        self.heights.clear();
        self.heights.extend(line.iter());
        self.tops.clear();
        self.from.clear();
        for top in 0..line.len() {
            self.add(top);
        }
        if self.tops.is_empty() {
            return;
        }
        let mut parabola = 0;
        for (place, value) in line.iter_mut().enumerate() {
            while self.from.get(parabola + 1).is_some_and(|from| *from <= place as f32) {
                parabola += 1;
            }
            let top = self.tops[parabola];
            *value = (place as f32 - top as f32).powi(2) + self.heights[top];
        }
    }

    fn add(&mut self, top: usize) {
        if self.heights[top] >= FAR {
            return;
        }
        let vertex = |q: usize| self.heights[q] + (q * q) as f32;
        while let (Some(last), Some(from)) = (self.tops.last().copied(), self.from.last().copied()) {
            let crossing = (vertex(top) - vertex(last)) / (2.0 * (top - last) as f32);
            if crossing > from {
                self.tops.push(top);
                self.from.push(crossing);
                return;
            }
            self.tops.pop();
            self.from.pop();
        }
        self.tops.push(top);
        self.from.push(f32::NEG_INFINITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    #[test]
    fn distances_are_those_of_all_pairs() {
        let mut random = Random::new(7);
        let inside = Array3::from_shape_fn((7, 9, 11), |_| random.chance(0.93));
        let outside: Vec<[f32; 3]> = inside
            .indexed_iter()
            .filter(|(_, inside)| !**inside)
            .map(|((z, y, x), _)| [z, y, x].map(|at| at as f32))
            .collect();
        let squared = squared_distance(&inside);
        for ((z, y, x), found) in squared.indexed_iter() {
            let here = [z, y, x].map(|at| at as f32);
            let apart = |there: &[f32; 3]| (0..3).map(|axis| (here[axis] - there[axis]).powi(2)).sum::<f32>();
            let nearest = outside.iter().map(apart).fold(f32::INFINITY, f32::min);
            assert!((found - nearest).abs() < 1e-3, "{found} {nearest}");
        }
    }

    #[test]
    fn what_has_no_outside_is_far_everywhere() {
        assert!(squared_distance(&Array3::from_elem((3, 4, 5), true)).iter().all(|far| *far >= FAR));
    }

    #[test]
    fn a_ball_comes_back_from_erosion_and_dilation_without_its_stalk() {
        let middle = 12.0;
        let region = Array3::from_shape_fn((25, 25, 25), |(z, y, x)| {
            let [z, y, x] = [z, y, x].map(|at| at as f32 - middle);
            z * z + y * y + x * x <= 64.0 || (z.abs() <= 1.0 && y.abs() <= 1.0 && x > 0.0)
        });
        let opened = within(dilated(&eroded(&region, 3.0), 3.0), &region);
        assert!(opened[[12, 12, 12]] && opened[[12, 12, 19]] && !opened[[12, 12, 22]]);
    }
}
