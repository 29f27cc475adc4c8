//! What balls make of a structure.

use ndarray::{Array3, Zip};

use crate::volume::squared_distance_mm2;

/// All voxels within `radius_mm` of the structure.
pub(super) fn dilated(inside: &Array3<bool>, spacing_mm: [f64; 3], radius_mm: f64) -> Array3<bool> {
    squared_distance_mm2(inside, spacing_mm).mapv(|squared| f64::from(squared) <= radius_mm * radius_mm)
}

/// The voxels of the structure farther than `radius_mm` from all that is not; beyond the array it goes on.
pub(super) fn eroded(inside: &Array3<bool>, spacing_mm: [f64; 3], radius_mm: f64) -> Array3<bool> {
    squared_distance_mm2(&inside.mapv(|inside| !inside), spacing_mm)
        .mapv(|squared| f64::from(squared) > radius_mm * radius_mm)
}

/// The structure with all gaps filled into which no ball of `radius_mm` fits.
pub(super) fn closed(inside: &Array3<bool>, spacing_mm: [f64; 3], radius_mm: f64) -> Array3<bool> {
    let mut closed = eroded(&dilated(inside, spacing_mm, radius_mm), spacing_mm, radius_mm);
    Zip::from(&mut closed).and(inside).for_each(|closed, inside| *closed |= inside);
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_fills_a_cleft_and_leaves_a_bay() {
        let slab = Array3::from_shape_fn((20, 20, 40), |(_, y, x)| {
            y < 10 && !(10..12).contains(&x) && !(20..34).contains(&x)
        });
        let closed = closed(&slab, [1.0; 3], 3.0);
        assert!(closed[[10, 4, 10]] && !closed[[10, 4, 27]] && !closed[[10, 14, 5]]);
    }
}
