//! Resampling of sheared or unevenly spaced slices to an orthogonal, uniform grid.

use glam::DVec3;
use ndarray::{Array3, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use super::stack::{OrderedSlices, check_limits, check_uniform, grid};
use super::{DicomError, GeometrySettings};
use crate::geometry::{Grid, whole};
use crate::units::{AIR_HU, Hounsfield, Millimetres};
use crate::volume::Volume;

/// Shifts and heights that differ by less (in voxels) are the same.
const SAME_WITHIN: f64 = 1e-4;

/// What becomes of slices that lie on no orthogonal, uniform grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Irregular {
    /// The series is refused, with `TILT` or `SPACING`.
    #[default]
    Refuse,
    /// Sheared or unevenly spaced slices are resampled to an orthogonal, uniform grid and marked with
    /// `REGULARIZED`; missing slices are refused still. Takes the memory of two volumes.
    Resample,
}

/// How ordered slices become a volume.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SliceLayout {
    /// They lie on a grid.
    AsIs(Grid),
    /// They are resampled.
    Resampled(ResamplingPlan),
}

impl SliceLayout {
    pub(super) fn new(
        ordered: &OrderedSlices,
        settings: &GeometrySettings,
        irregular: Irregular,
    ) -> Result<Self, DicomError> {
        match (ordered.grid(settings), irregular) {
            (Err(DicomError::Tilt { .. } | DicomError::Spacing { .. }), Irregular::Resample) => {
                // behind a tilt there may be a gap, which no resampling fills
                if let Err(gap @ DicomError::Gap { .. }) = check_uniform(&ordered.along_mm(), settings) {
                    return Err(gap);
                }
                let plan = ResamplingPlan::new(ordered)?;
                check_limits(&plan.grid, settings)?;
                Ok(Self::Resampled(plan))
            }
            (grid, _) => Ok(Self::AsIs(grid?)),
        }
    }

    /// The grid of the volume to be made.
    pub(super) fn grid(&self) -> &Grid {
        match self {
            Self::AsIs(grid) | Self::Resampled(ResamplingPlan { grid, .. }) => grid,
        }
    }

    /// The volume of decoded slices, in their order.
    pub(super) fn volume(&self, slices: Array3<Hounsfield>) -> Result<Volume, DicomError> {
        match self {
            Self::AsIs(grid) => Ok(Volume::new(*grid, slices)?),
            Self::Resampled(plan) => plan.resample(&slices),
        }
    }
}

/// Where the slices lie on the grid to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResamplingPlan {
    grid: Grid,
    /// For each slice, column and row of its first pixel on the new grid.
    shifts_xy: Vec<[f64; 2]>,
    /// For each slice, its height on the new grid in new slices.
    heights: Vec<f64>,
}

impl ResamplingPlan {
    /// Plans an orthogonal grid that holds all slices whole: their own rows and columns, widened by
    /// the shear, and the spacing along the normal that half of the slices do not exceed.
    pub(super) fn new(ordered: &OrderedSlices) -> Result<Self, DicomError> {
        let reference = &ordered.reference;
        let along_mm = ordered.along_mm();
        let step_mm = median_step(&along_mm);
        let heights: Vec<f64> = along_mm.iter().map(|at_mm| (at_mm - along_mm[0]) / step_mm).collect();
        let [row_mm, column_mm] = reference.pixel_spacing_mm;
        let shift = |corner: &DVec3| {
            let from_first = *corner - ordered.corners[0];
            let columns = from_first.dot(reference.row_direction) / column_mm;
            [columns, from_first.dot(reference.column_direction) / row_mm].map(snapped)
        };
        let mut shifts_xy: Vec<[f64; 2]> = ordered.corners.iter().map(shift).collect();
        let range = |axis: usize| {
            let values = || shifts_xy.iter().map(|shift| shift[axis]);
            (values().fold(0.0, f64::min).floor(), values().fold(0.0, f64::max).ceil())
        };
        let [(left, right), (top, bottom)] = [range(0), range(1)];
        shifts_xy.iter_mut().for_each(|[x, y]| (*x, *y) = (*x - left, *y - top));
        let first = ordered.corners[0]
            + reference.row_direction * (left * column_mm)
            + reference.column_direction * (top * row_mm);
        let slices = whole(heights.last().copied().unwrap_or(0.0) + SAME_WITHIN) + 1;
        let plain = grid(reference, first, ordered.normal * step_mm, slices)?;
        let [_, rows, columns] = plain.shape_zyx();
        let wide = [slices, rows + whole(bottom - top), columns + whole(right - left)];
        Ok(Self { grid: Grid::new(wide, plain.patient_from_voxel())?, shifts_xy, heights })
    }

    /// Resamples slices, linearly within each slice and between two; outside of them is air.
    ///
    /// # Shapes
    /// `slices` is `[slices, rows, columns]`, in the order that the plan was made for.
    pub(super) fn resample(&self, slices: &Array3<Hounsfield>) -> Result<Volume, DicomError> {
        let mut voxels = Array3::from_elem(self.grid.shape_zyx(), AIR_HU);
        voxels.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut out)| {
            let at = z as f64;
            let above = self.heights.partition_point(|height| *height < at - SAME_WITHIN);
            let above = above.min(self.heights.len() - 1);
            let below = if self.heights[above] <= at + SAME_WITHIN { above } else { above.saturating_sub(1) };
            self.shift_into(&mut out, slices, below);
            if below != above {
                let mut other = ndarray::Array2::from_elem(out.dim(), AIR_HU);
                self.shift_into(&mut other.view_mut(), slices, above);
                let span = self.heights[above] - self.heights[below];
                let weight = (at - self.heights[below]) / span;
                out.zip_mut_with(&other, |out, other| *out = mixed(*out, *other, weight));
            }
        });
        Ok(Volume::new(self.grid, voxels)?)
    }

    /// Writes one slice to its place on the new grid.
    fn shift_into(&self, out: &mut ArrayViewMut2<'_, Hounsfield>, slices: &Array3<Hounsfield>, slice: usize) {
        let source = slices.index_axis(Axis(0), slice);
        let [shift_x, shift_y] = self.shifts_xy[slice];
        let (rows, columns) = source.dim();
        for (y, mut row) in out.outer_iter_mut().enumerate() {
            let Some(rows) = Between::of(y as f64 - shift_y, rows) else { continue };
            for (x, out) in row.iter_mut().enumerate() {
                if let Some(columns) = Between::of(x as f64 - shift_x, columns) {
                    *out = bilinear(source, &rows, &columns);
                }
            }
        }
    }
}

/// A place between two neighbours.
struct Between {
    low: usize,
    high: usize,
    weight: f64,
}

impl Between {
    /// The neighbours of a place among `side` pixels, of which each reaches half a pixel to both
    /// sides; `None` outside.
    fn of(place: f64, side: usize) -> Option<Self> {
        let last = side as f64 - 1.0;
        if !(-0.5..=last + 0.5).contains(&place) {
            return None;
        }
        let place = place.clamp(0.0, last);
        let low = whole(place);
        Some(Self { low, high: (low + 1).min(side - 1), weight: place - low as f64 })
    }
}

fn bilinear(source: ArrayView2<'_, Hounsfield>, rows: &Between, columns: &Between) -> Hounsfield {
    let along = |row: usize| mixed(source[[row, columns.low]], source[[row, columns.high]], columns.weight);
    mixed(along(rows.low), along(rows.high), rows.weight)
}

#[expect(clippy::cast_possible_truncation, reason = "HU are held as f32")]
fn mixed(low: Hounsfield, high: Hounsfield, weight: f64) -> Hounsfield {
    (f64::from(low) * (1.0 - weight) + f64::from(high) * weight) as Hounsfield
}

/// The spacing that half of the slices do not exceed.
fn median_step(along_mm: &[Millimetres]) -> Millimetres {
    let mut steps: Vec<f64> = along_mm.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (along_mm.first(), along_mm.last()) else { return 1.0 };
    let Some(median_mm) = steps.get((steps.len().max(1) - 1) / 2).copied() else { return 1.0 };
    // steps that differ by rounding only: their mean brings the last slice to its place
    let mean_mm = (last - first) / steps.len() as f64;
    if (mean_mm / median_mm - 1.0).abs() < SAME_WITHIN { mean_mm } else { median_mm }
}

/// A whole number of pixels where the shift is one but for rounding.
fn snapped(shift: f64) -> f64 {
    if (shift - shift.round()).abs() < SAME_WITHIN { shift.round() } else { shift }
}
