//! Distances to the nearest voxel outside a region, and the openings made of them.

use ndarray::{Array3, Zip};
use pulmo_scan::volume::{label, squared_distance_mm2};

/// Returns the squared distance of each voxel's centre to the nearest voxel for which `inside` is false, 0 there,
/// in squared voxels; infinite where there is none. What lies beyond the array counts as inside.
pub(crate) fn squared_distance(inside: &Array3<bool>) -> Array3<f32> {
    squared_distance_mm2(&inside.mapv(|inside| !inside), [1.0; 3])
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

#[cfg(test)]
mod tests {
    use super::*;

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
