//! A volume averaged over blocks of about 2 mm, along the patient's axes.

use ndarray::{Array3, ArrayView3, Axis};

use crate::geometry::{CanonicalAxes, canonical_axes, whole};
use crate::units::{Hounsfield, Millimetres};
use crate::volume::{Mask, Volume, block_means};

/// Side of the blocks: thin enough for the wall between a main bronchus and the lung, and a thirtieth of the work
/// that a series of 512 x 512 pixels would be.
const BLOCK_MM: Millimetres = 2.0;

/// Blocks `[z, y, x]`: z towards the head, y to the back, x to the patient's left, whatever the order and the sense in
/// which the volume is stored.
pub(super) struct Blocks {
    /// The mean of each block, nothing below air.
    pub(super) hu: Array3<Hounsfield>,
    /// Distance of the blocks along `[z, y, x]`.
    pub(super) spacing_mm: [Millimetres; 3],
    axes: CanonicalAxes,
    /// Voxels in a block along the stored axes.
    side: [usize; 3],
}

impl Blocks {
    pub(super) fn of(volume: &Volume) -> Self {
        let grid = volume.grid();
        let spacing = grid.spacing_mm();
        let side = spacing.map(|spacing| whole((BLOCK_MM / spacing).round()).max(1));
        let axes = canonical_axes(grid);
        let spacing_mm = axes.source_axis.map(|axis| spacing[axis] * side[axis] as f64);
        let empty = Self { hu: Array3::zeros((0, 0, 0)), spacing_mm, axes, side };
        let turned = empty.along_patient(&block_means(volume, side)).as_standard_layout().into_owned();
        Self { hu: turned, ..empty }
    }

    /// Stored values along the patient's axes.
    fn along_patient<'a, T>(&self, stored: &'a Array3<T>) -> ArrayView3<'a, T> {
        let mut turned = stored.view().permuted_axes(self.axes.source_axis);
        (0..3).filter(|axis| self.axes.flipped[*axis]).for_each(|axis| turned.invert_axis(Axis(axis)));
        turned
    }

    /// Values of blocks in the order in which the volume is stored.
    pub(super) fn as_stored<T: Clone>(&self, blocks: Array3<T>) -> Array3<T> {
        let mut turned = blocks;
        (0..3).filter(|axis| self.axes.flipped[*axis]).for_each(|axis| turned.invert_axis(Axis(axis)));
        let mut stored_from_canonical = [0; 3];
        (0..3).for_each(|axis| stored_from_canonical[self.axes.source_axis[axis]] = axis);
        turned.permuted_axes(stored_from_canonical).as_standard_layout().into_owned()
    }

    /// A mask made on other blocks of the same volume.
    pub(super) fn sampled(&self, mask: &Mask) -> Array3<bool> {
        let theirs = mask.grid().spacing_mm();
        let canonical = self.along_patient(mask.voxels());
        let ratio: [f64; 3] =
            std::array::from_fn(|axis| self.spacing_mm[axis] / theirs[self.axes.source_axis[axis]]);
        let (z, y, x) = self.hu.dim();
        let last = canonical.dim();
        // Blocks start at the first stored voxel: where an axis is turned, both are counted from its end.
        let at = |index: usize, axis: usize, own: usize, their: usize| {
            let from = if self.axes.flipped[axis] { own - 1 - index } else { index };
            let place = whole((from as f64 + 0.5) * ratio[axis]).min(their - 1);
            if self.axes.flipped[axis] { their - 1 - place } else { place }
        };
        Array3::from_shape_fn((z, y, x), |(k, j, i)| {
            canonical[[at(k, 0, z, last.0), at(j, 1, y, last.1), at(i, 2, x, last.2)]]
        })
    }

    /// Voxels in a block along the stored axes.
    pub(super) fn side(&self) -> [usize; 3] {
        self.side
    }

    /// Volume of a block in millilitres.
    pub(super) fn block_ml(&self) -> f64 {
        self.spacing_mm.iter().product::<f64>() / 1000.0
    }

    /// As many blocks along an axis as lie in a length, at least one.
    pub(super) fn steps(&self, axis: usize, length_mm: Millimetres) -> usize {
        whole((length_mm / self.spacing_mm[axis]).round()).max(1)
    }
}
