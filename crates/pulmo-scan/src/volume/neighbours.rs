//! Voxels and their neighbours through faces.

use ndarray::{Array3, Axis, Zip};

/// Returns what is left after one layer of voxels is taken off; the array's border takes nothing off, because what it
/// cuts goes on beyond it.
pub fn eroded(inside: &Array3<bool>) -> Array3<bool> {
    with_neighbours(inside, |own, neighbour| own && neighbour)
}

/// Each voxel combined with its neighbours through faces, as many as it has.
pub(super) fn with_neighbours(inside: &Array3<bool>, combine: impl Fn(bool, bool) -> bool) -> Array3<bool> {
    let mut result = inside.clone();
    for axis in (0..3).filter(|axis| inside.len_of(Axis(*axis)) > 1) {
        let (ahead, behind) = (ndarray::Slice::from(1..), ndarray::Slice::from(..-1));
        for (own, other) in [(behind, ahead), (ahead, behind)] {
            Zip::from(result.slice_axis_mut(Axis(axis), own))
                .and(inside.slice_axis(Axis(axis), other))
                .for_each(|own, other| *own = combine(*own, *other));
        }
    }
    result
}
