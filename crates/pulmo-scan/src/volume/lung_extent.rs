//! How much lung a volume holds, and whether its ends cut it.

use ndarray::Axis;

use super::Mask;
use crate::geometry::canonical_axes;

/// How much of the lungs a volume holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LungExtent {
    /// Aerated lung in millilitres.
    pub ml: f64,
    /// Area of lung in the volume's last slice towards the feet, as a fraction of the largest area in any.
    pub feet_cut: f64,
    /// The same towards the head.
    pub head_cut: f64,
}

impl LungExtent {
    /// The extent of a mask of the lungs, as of [`lung_mask`](super::anatomy::lung_mask).
    pub fn of(lungs: &Mask) -> Self {
        let axes = canonical_axes(lungs.grid());
        let inside = |slice: ndarray::ArrayView2<'_, bool>| slice.iter().filter(|inside| **inside).count();
        let areas: Vec<usize> = lungs.voxels().axis_iter(Axis(axes.source_axis[0])).map(inside).collect();
        let largest = areas.iter().copied().max().unwrap_or(0).max(1);
        let [first, last] =
            [areas.first(), areas.last()].map(|area| area.copied().unwrap_or(0) as f64 / largest as f64);
        let (feet_cut, head_cut) = if axes.flipped[0] { (last, first) } else { (first, last) };
        Self { ml: lungs.volume_mm3() / 1000.0, feet_cut, head_cut }
    }
}
