//! The rules of geometry: which slices make a volume, in which order and on which grid.
//!
//! Slices are ordered by Image Position (Patient) along the normal `row x column`; instance
//! numbers, slice thickness, spacing between slices and gantry tilt tags are never used. Where a
//! rule does not hold, the series is refused with a code instead of being guessed at.

use glam::{DAffine3, DMat3, DVec3};

use super::{DicomError, GeometrySettings, Slice, SliceHeader};
use crate::findings::Code;
use crate::geometry::Grid;
use crate::units::Millimetres;

/// Slices in the order of a volume, and its grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// For each position, ascending along the normal, the indices of the slices that lie there:
    /// more than one only where files may be copies of each other.
    pub positions: Vec<Vec<usize>>,
    /// Where the voxels lie.
    pub grid: Grid,
}

impl Stack {
    /// Orders slices of one orientation, size and pixel spacing, and checks that they lie on a grid.
    ///
    /// # Errors
    /// [`DicomError`] with the code of the first rule that does not hold, in this order: number of
    /// positions, different images at one position, straightness and tilt, gaps, uniform spacing,
    /// limits of spacing and extent.
    pub fn new(slices: &[Slice], settings: &GeometrySettings) -> Result<Self, DicomError> {
        let ordered = OrderedSlices::new(slices, settings)?;
        let grid = ordered.grid(settings)?;
        Ok(Self { positions: ordered.positions, grid })
    }
}

/// Slices of one orientation, size and pixel spacing in the order of their positions, wherever these
/// are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OrderedSlices {
    /// Indices of the slices at each position, ascending along the normal.
    pub(super) positions: Vec<Vec<usize>>,
    /// Image Position (Patient) of each position.
    pub(super) corners: Vec<DVec3>,
    /// Unit normal of the slices.
    pub(super) normal: DVec3,
    /// What holds for all slices: the first header, with the mean of all directions.
    pub(super) reference: SliceHeader,
}

impl OrderedSlices {
    /// Orders slices, and checks their number and that no two lie beside each other at one height.
    pub(super) fn new(slices: &[Slice], settings: &GeometrySettings) -> Result<Self, DicomError> {
        let least = settings.least_slices.max(1);
        let Some(reference) = reference(slices) else {
            return Err(DicomError::FewSlices { slices: 0, least });
        };
        let normal = reference.normal();
        let positions = ordered(slices, normal, settings)?;
        if positions.len() < least {
            return Err(DicomError::FewSlices { slices: positions.len(), least });
        }
        let corners = positions.iter().map(|at| slices[at[0]].header.position_mm).collect();
        Ok(Self { positions, corners, normal, reference })
    }

    /// The grid on which the slices lie as they are.
    pub(super) fn grid(&self, settings: &GeometrySettings) -> Result<Grid, DicomError> {
        let degrees = self.tilt_degrees(settings)?;
        if degrees > settings.tilt_within_degrees {
            return Err(DicomError::Tilt { degrees });
        }
        let spacing_mm = check_uniform(&self.along_mm(), settings)?;
        let grid = grid(&self.reference, self.corners[0], self.normal * spacing_mm, self.corners.len())?;
        check_limits(&grid, settings)?;
        Ok(grid)
    }

    /// Height of each position along the normal, ascending.
    pub(super) fn along_mm(&self) -> Vec<Millimetres> {
        self.corners.iter().map(|corner| corner.dot(self.normal)).collect()
    }

    /// Fits a line through the slices' corners: its angle with the normal is the gantry tilt, what is
    /// left over is no shear and cannot be one volume.
    pub(super) fn tilt_degrees(&self, settings: &GeometrySettings) -> Result<f64, DicomError> {
        let Self { corners, normal, .. } = self;
        let centre = corners.iter().sum::<DVec3>() / corners.len() as f64;
        let offsets = || corners.iter().map(|corner| *corner - centre);
        let in_plane = |offset: DVec3| offset - normal * offset.dot(*normal);
        let variance: f64 = offsets().map(|offset| offset.dot(*normal).powi(2)).sum();
        if variance <= 0.0 {
            return Ok(0.0);
        }
        let drift = offsets().map(|offset| in_plane(offset) * offset.dot(*normal)).sum::<DVec3>() / variance;
        let off_mm = offsets()
            .map(|offset| (in_plane(offset) - drift * offset.dot(*normal)).length())
            .fold(0.0, f64::max);
        let degrees = drift.length().atan().to_degrees();
        // positions too far apart to be reckoned with
        if off_mm > settings.straight_within_mm || degrees.is_nan() {
            return Err(DicomError::Scattered { off_mm });
        }
        Ok(degrees)
    }
}

/// The first slice's header, with the mean of all slices' directions: scanners write them with few digits.
/// `None` of no slice.
fn reference(slices: &[Slice]) -> Option<SliceHeader> {
    let first = &slices.first()?.header;
    let directions = |header: &SliceHeader| (header.row_direction, header.column_direction);
    if slices.iter().all(|slice| directions(&slice.header) == directions(first)) {
        return Some(first.clone());
    }
    let sum =
        |direction: fn(&SliceHeader) -> DVec3| slices.iter().map(|slice| direction(&slice.header)).sum();
    let row: DVec3 = sum(|header| header.row_direction);
    let column: DVec3 = sum(|header| header.column_direction);
    let row_direction = row.try_normalize()?;
    let column_direction = column.reject_from(row_direction).try_normalize()?;
    Some(SliceHeader { row_direction, column_direction, ..first.clone() })
}

/// Groups slices by position along the normal, ascending; equal positions keep the slices' order.
fn ordered(
    slices: &[Slice],
    normal: DVec3,
    settings: &GeometrySettings,
) -> Result<Vec<Vec<usize>>, DicomError> {
    // reckoned once: what is no number may come out as another one the next time, and order would be lost
    let along_mm: Vec<f64> = slices.iter().map(|slice| slice.header.position_mm.dot(normal)).collect();
    let mut order: Vec<usize> = (0..slices.len()).collect();
    order.sort_by(|a, b| along_mm[*a].total_cmp(&along_mm[*b]));
    let mut positions: Vec<Vec<usize>> = Vec::with_capacity(order.len());
    for index in order {
        match positions.last_mut() {
            Some(there) if along_mm[index] - along_mm[there[0]] < settings.same_position_mm => {
                let apart = slices[index].header.position_mm.distance(slices[there[0]].header.position_mm);
                if apart >= settings.same_position_mm {
                    return Err(DicomError::DuplicatePosition { at_mm: along_mm[index] });
                }
                there.push(index);
            }
            _ => positions.push(vec![index]),
        }
    }
    Ok(positions)
}

/// Returns the spacing of ascending positions, or the code of what makes it not uniform.
pub(super) fn check_uniform(
    along_mm: &[Millimetres],
    settings: &GeometrySettings,
) -> Result<Millimetres, DicomError> {
    let (Some(first), Some(last)) = (along_mm.first(), along_mm.last()) else { return Ok(1.0) };
    let steps: Vec<f64> = along_mm.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let (Some(least_mm), Some(most_mm)) = (sorted.first().copied(), sorted.last().copied()) else {
        return Ok(1.0);
    };
    let median_mm = sorted[(sorted.len() - 1) / 2];
    let wide = || steps.iter().filter(|step| **step > settings.gap_spacings * median_mm);
    // many wide steps are another spacing, few are holes
    if wide().count() > 0 && wide().count() * 4 <= steps.len() {
        let missing = wide().map(|step| (step / median_mm).round().max(2.0) - 1.0).sum::<f64>();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count, for the message"
        )]
        return Err(DicomError::Gap { missing: missing as usize, spacing_mm: median_mm });
    }
    let within_mm = settings.spacing_within_mm.max(settings.spacing_within_fraction * median_mm);
    let mean_mm = (last - first) / steps.len() as f64;
    let is_uniform = steps.iter().all(|step| (step - median_mm).abs() <= within_mm);
    let is_on_grid = along_mm.iter().enumerate().all(|(index, at_mm)| {
        (at_mm - first - index as f64 * mean_mm).abs() <= settings.off_grid_spacings * mean_mm
    });
    if is_uniform && is_on_grid { Ok(mean_mm) } else { Err(DicomError::Spacing { least_mm, most_mm }) }
}

/// Refuses grids that are not fit for the purpose that the settings state.
pub(super) fn check_limits(grid: &Grid, settings: &GeometrySettings) -> Result<(), DicomError> {
    let [slice_mm, row_mm, column_mm] = grid.spacing_mm();
    let pixels = settings.pixel_spacing_mm;
    for (what, code, found_mm, [least_mm, most_mm]) in [
        ("the distance between rows", Code::PixelSpacing, row_mm, pixels),
        ("the distance between columns", Code::PixelSpacing, column_mm, pixels),
        ("the distance between slices", Code::Spacing, slice_mm, settings.slice_spacing_mm),
        (
            "the length covered",
            Code::Coverage,
            grid.extent_mm()[0],
            [settings.least_extent_mm, f64::INFINITY],
        ),
    ] {
        if !(least_mm..=most_mm).contains(&found_mm) {
            return Err(DicomError::Limit { what, code, found_mm, least_mm, most_mm });
        }
    }
    Ok(())
}

/// The grid of `slices` slices like `reference`, the first at `origin_mm`.
pub(super) fn grid(
    reference: &SliceHeader,
    origin_mm: DVec3,
    step_mm: DVec3,
    slices: usize,
) -> Result<Grid, DicomError> {
    let [row_spacing_mm, column_spacing_mm] = reference.pixel_spacing_mm;
    let axes = DMat3::from_cols(
        reference.row_direction * column_spacing_mm,
        reference.column_direction * row_spacing_mm,
        step_mm,
    );
    let shape_zyx = [slices, usize::from(reference.format.rows), usize::from(reference.format.columns)];
    Ok(Grid::new(shape_zyx, DAffine3::from_mat3_translation(axes, origin_mm))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(along_mm: &[f64]) -> Result<f64, Code> {
        check_uniform(along_mm, &GeometrySettings::default()).map_err(|error| error.code())
    }

    #[test]
    fn few_wide_steps_are_gaps_and_many_are_another_spacing() {
        let even: Vec<f64> = (0..10).map(|i| f64::from(i) * 2.5).collect();
        assert_eq!(uniform(&even), Ok(2.5));
        let hole: Vec<f64> = even.iter().copied().filter(|at| *at != 10.0).collect();
        assert_eq!(uniform(&hole), Err(Code::Gap));
        assert_eq!(uniform(&[0.0, 1.25, 2.5, 3.75, 8.75, 13.75, 18.75]), Err(Code::Spacing));
    }

    #[test]
    fn slow_changes_that_leave_the_grid_are_refused() {
        // each step within 2 %, yet the middle lies half a slice off
        let drifting: Vec<f64> = (0..201)
            .map(|i| if i <= 100 { f64::from(i) * 2.0 } else { 200.0 + f64::from(i - 100) * 2.035 })
            .collect();
        assert_eq!(uniform(&drifting), Err(Code::Spacing));
    }
}
