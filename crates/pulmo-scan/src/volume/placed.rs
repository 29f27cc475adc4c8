//! A volume on another grid in the same space.

use glam::{DAffine3, DVec3};
use ndarray::{Array3, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::Volume;
use crate::geometry::Grid;

impl Volume {
    /// Returns the values at the voxels of `grid`, which lies in the same space: linear between this
    /// volume's voxels, the outermost ones repeated beyond them, and 0 outside `within`.
    ///
    /// Values are taken at the voxels' centres, so that this is for making fine grids of coarse ones.
    #[must_use]
    pub fn placed_on(&self, grid: &Grid, within: &Grid) -> Self {
        let [own_from_new, inner_from_new] = [self.grid(), within]
            .map(|known| known.patient_from_voxel().inverse() * grid.patient_from_voxel());
        let inside = Inside { from_new: inner_from_new, shape: within.shape_zyx() };
        let mut values = Array3::zeros(grid.shape_zyx());
        values.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut slice)| {
            for (y, row) in slice.outer_iter_mut().enumerate() {
                self.fill_row(row, DVec3::new(0.0, y as f64, z as f64), &own_from_new, &inside);
            }
        });
        Self { grid: *grid, voxels: values }
    }

    /// One row of the new grid, from its voxel `first` on.
    fn fill_row(&self, row: ArrayViewMut1<'_, f32>, first: DVec3, own_from_new: &DAffine3, inside: &Inside) {
        let (own, inner) = (own_from_new.transform_point3(first), inside.from_new.transform_point3(first));
        for (x, value) in row.into_iter().enumerate() {
            let along = x as f64;
            if inside.holds(inner + inside.from_new.matrix3.x_axis * along) {
                *value = self.between(own + own_from_new.matrix3.x_axis * along);
            }
        }
    }

    /// The value at the fractional voxel `(x, y, z)`.
    fn between(&self, voxel: DVec3) -> f32 {
        let shape = self.grid.shape_zyx();
        let sides: [([usize; 2], f32); 3] =
            std::array::from_fn(|axis| neighbours(voxel[2 - axis], shape[axis]));
        let mut sum = 0.0;
        for corner in 0..8 {
            let (mut weight, mut at) = (1.0, [0; 3]);
            for (axis, (ends, far)) in sides.iter().enumerate() {
                let end = corner >> axis & 1;
                weight *= if end == 1 { *far } else { 1.0 - far };
                at[axis] = ends[end];
            }
            if weight > 0.0 {
                sum += weight * self.voxels[at];
            }
        }
        sum
    }
}

/// A box of voxels, seen from another grid.
struct Inside {
    from_new: DAffine3,
    shape: [usize; 3],
}

impl Inside {
    fn holds(&self, voxel: DVec3) -> bool {
        (0..3).all(|axis| (-0.5..self.shape[axis] as f64 - 0.5).contains(&voxel[2 - axis]))
    }
}

/// The voxels on either side of a position on an axis of `side` voxels, and the share of the second.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the axis")]
fn neighbours(position: f64, side: usize) -> ([usize; 2], f32) {
    let position = position.clamp(0.0, side as f64 - 1.0);
    let first = position as usize;
    ([first, (first + 1).min(side - 1)], (position - position.floor()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_voxels_are_linear_and_outside_is_nothing() {
        let coarse = Grid::aligned([2, 2, 2], [4.0; 3]).unwrap();
        let volume = Volume::from_fn(coarse, |[z, y, x]| (100 * z + 10 * y + x) as f32);
        let within = Grid::aligned([6, 5, 5], [1.0; 3]).unwrap();
        // Axes turned: the new grid's rows run along the patient's z.
        let turned = DAffine3::from_cols(DVec3::Z, DVec3::Y, DVec3::X, DVec3::ZERO);
        let fine = Grid::new([5, 5, 8], turned).unwrap();
        let placed = volume.placed_on(&fine, &within);
        for ((x, y, z), value) in placed.voxels().indexed_iter() {
            let expected =
                if z > 5 { 0.0 } else { (100.0 * z.min(4) as f32 + 10.0 * y as f32 + x as f32) / 4.0 };
            assert!((value - expected).abs() < 1e-5, "{value} {expected} at {x} {y} {z}");
        }
    }

    #[test]
    fn a_grid_is_placed_on_itself_unchanged() {
        let grid = Grid::aligned([3, 4, 5], [2.0, 1.0, 0.7]).unwrap();
        let volume = Volume::from_fn(grid, |[z, y, x]| (z * 7 + y * 3 + x) as f32);
        let placed = volume.placed_on(&grid, &grid);
        assert!(placed.as_slice().iter().zip(volume.as_slice()).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
