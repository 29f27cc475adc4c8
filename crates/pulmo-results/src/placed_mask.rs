//! A mask among the frames of a segmentation.

use std::ops::Range;

use glam::DVec3;
use ndarray::{ArrayView2, Axis};
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Mask;

use super::ResultsError;

/// Deviation from whole voxels and from equal axes, in voxels over the whole mask, below which grids are one.
const SAME_WITHIN: f64 = 0.01;

/// A mask on the grid of a volume or on a window of it.
pub(crate) struct PlacedMask<'a> {
    mask: &'a Mask,
    /// The volume's voxel at which the mask begins.
    start_zyx: [usize; 3],
}

impl<'a> PlacedMask<'a> {
    /// A mask on a volume's grid; `what` it is of is told where it lies on another.
    ///
    /// # Errors
    /// [`ResultsError::OffGrid`] where the mask's voxels are not voxels of the grid.
    pub(crate) fn on(grid: &Grid, mask: &'a Mask, what: &str) -> Result<Self, ResultsError> {
        let off = || ResultsError::OffGrid { what: what.to_owned() };
        let shape = mask.grid().shape_zyx();
        let [z, y, x] = shape.map(|side| side as f64 - 1.0);
        let place = |voxel| grid.voxel_point(mask.grid().patient_point(voxel));
        let start = place(DVec3::ZERO).round();
        let corners =
            [DVec3::ZERO, DVec3::new(x, 0.0, 0.0), DVec3::new(0.0, y, 0.0), DVec3::new(0.0, 0.0, z)];
        let is_same = |corner: DVec3| (place(corner) - start - corner).abs().max_element() <= SAME_WITHIN;
        // a side of one voxel has no direction to compare
        let steps =
            [DVec3::X, DVec3::Y, DVec3::Z].map(|step| (place(step) - place(DVec3::ZERO) - step).length());
        if !corners.into_iter().all(is_same) || steps.iter().any(|off| *off > SAME_WITHIN) {
            return Err(off());
        }
        let start = [start.z, start.y, start.x];
        let fits = (0..3).all(|axis| {
            start[axis] >= 0.0 && start[axis] + shape[axis] as f64 <= grid.shape_zyx()[axis] as f64
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within the grid"
        )]
        let start_zyx = start.map(|at| at as usize);
        if fits { Ok(Self { mask, start_zyx }) } else { Err(off()) }
    }

    /// The volume's slices that the mask reaches over.
    pub(crate) fn slices(&self) -> Range<usize> {
        let [start, ..] = self.start_zyx;
        start..start + self.mask.grid().shape_zyx()[0]
    }

    /// The part of a slice of the volume that the mask covers; `None` of a slice without a voxel of it.
    pub(crate) fn slice(&self, z: usize) -> Option<MaskWindow<'_>> {
        let [start, row, column] = self.start_zyx;
        let inside = z.checked_sub(start).filter(|inside| *inside < self.mask.grid().shape_zyx()[0])?;
        let voxels = self.mask.voxels().index_axis(Axis(0), inside);
        voxels.iter().any(|inside| *inside).then_some(MaskWindow { voxels, row, column })
    }

    /// Volume of the voxels that belong.
    pub(crate) fn volume_mm3(&self) -> f64 {
        self.mask.volume_mm3()
    }

    /// The slice with most voxels; of several the first, and `None` of an empty mask.
    pub(crate) fn largest_slice(&self) -> Option<usize> {
        let count = |z: &usize| self.slice(*z).map_or(0, |window| window.pixels().count());
        self.slices().rev().max_by_key(count).filter(|z| count(z) > 0)
    }
}

/// A part of a slice.
pub(crate) struct MaskWindow<'a> {
    voxels: ArrayView2<'a, bool>,
    row: usize,
    column: usize,
}

impl MaskWindow<'_> {
    /// Row and column of each pixel that belongs, within the whole slice.
    pub(crate) fn pixels(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        let inside = self.voxels.indexed_iter().filter(|(_, inside)| **inside);
        inside.map(|((row, column), _)| [self.row + row, self.column + column])
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn mask(grid: Grid) -> Mask {
        let [z, y, x] = grid.shape_zyx();
        Mask::new(grid, Array3::from_elem((z, y, x), true)).unwrap()
    }

    #[test]
    fn a_window_of_the_grid_is_found_and_all_else_is_refused() {
        let grid = Grid::aligned([8, 9, 10], [3.0, 0.7, 0.7]).unwrap();
        let window = mask(grid.window([2, 3, 4], [3, 2, 1]).unwrap());
        let placed = PlacedMask::on(&grid, &window, "it").unwrap();
        assert_eq!((placed.slices(), placed.largest_slice()), (2..5, Some(2)));
        assert_eq!(placed.slice(2).unwrap().pixels().collect::<Vec<_>>(), [[3, 4], [4, 4]]);
        assert!(placed.slice(1).is_none() && placed.slice(5).is_none());
        let halves = grid.strided([8, 9, 10], [1.0; 3], [0.5, 0.0, 0.0]).unwrap();
        let others = [
            halves,
            grid.window([6, 0, 0], [3, 2, 1]).unwrap(),
            grid.window([-1, 0, 0], [3, 2, 1]).unwrap(),
            grid.resized([8, 9, 5]).unwrap(),
            grid.strided([1, 1, 1], [1.0, 1.0, 2.0], [0.0; 3]).unwrap(),
        ];
        for other in others {
            let other = mask(other);
            assert!(matches!(PlacedMask::on(&grid, &other, "it"), Err(ResultsError::OffGrid { .. })));
        }
    }
}
