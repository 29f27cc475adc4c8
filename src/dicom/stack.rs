//! The rules of geometry: which slices make a volume, in which order and on which grid.
//!
//! Slices are ordered by Image Position (Patient) along the normal `row x column`; instance
//! numbers, slice thickness, spacing between slices and gantry tilt tags are never used. Where a
//! rule does not hold, the series is refused with a code instead of being guessed at.

use glam::{DAffine3, DMat3, DVec3};

use super::{DicomError, Slice};
use crate::geometry::Grid;

/// The tolerances of the geometry rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeometrySettings {
    /// Fewest slice positions of a volume; default 3, so that small research series load. With 1, a
    /// single slice makes a volume whose z spacing is 1 mm by convention.
    pub least_slices: usize,
    /// Positions closer than this along the normal are one position; default 0.01 mm.
    pub same_position_mm: f64,
    /// Deviation of a spacing from the median that is always allowed; default 0.01 mm.
    pub spacing_within_mm: f64,
    /// Deviation of a spacing from the median allowed as a fraction of it; default 0.02.
    pub spacing_within_fraction: f64,
    /// A spacing of more than this many medians is a gap; default 1.5.
    pub gap_spacings: f64,
    /// Largest distance of a slice from its place on the uniform grid, in spacings; default 0.4.
    pub off_grid_spacings: f64,
    /// Largest gantry tilt taken for none, in degrees; default 0.5.
    pub tilt_within_degrees: f64,
    /// Largest distance of a slice's corner from the straight line through all; default 0.1 mm.
    pub straight_within_mm: f64,
}

impl Default for GeometrySettings {
    fn default() -> Self {
        Self {
            least_slices: 3,
            same_position_mm: 0.01,
            spacing_within_mm: 0.01,
            spacing_within_fraction: 0.02,
            gap_spacings: 1.5,
            off_grid_spacings: 0.4,
            tilt_within_degrees: 0.5,
            straight_within_mm: 0.1,
        }
    }
}

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
    /// positions, different images at one position, straightness and tilt, gaps, uniform spacing.
    pub fn new(slices: &[Slice], settings: &GeometrySettings) -> Result<Self, DicomError> {
        let least = settings.least_slices.max(1);
        let Some(reference) = slices.first() else { return Err(DicomError::FewSlices { slices: 0, least }) };
        let normal = reference.header.normal();
        let positions = ordered(slices, normal, settings)?;
        if positions.len() < least {
            return Err(DicomError::FewSlices { slices: positions.len(), least });
        }
        let corners: Vec<DVec3> = positions.iter().map(|at| slices[at[0]].header.position_mm).collect();
        check_straight(&corners, normal, settings)?;
        let along_mm: Vec<f64> = corners.iter().map(|corner| corner.dot(normal)).collect();
        let spacing_mm = check_uniform(&along_mm, settings)?;
        let grid = grid(reference, corners[0], normal * spacing_mm, positions.len())?;
        Ok(Self { positions, grid })
    }
}

/// Groups slices by position along the normal, ascending; equal positions keep the slices' order.
fn ordered(
    slices: &[Slice],
    normal: DVec3,
    settings: &GeometrySettings,
) -> Result<Vec<Vec<usize>>, DicomError> {
    let along_mm = |index: usize| slices[index].header.position_mm.dot(normal);
    let mut order: Vec<usize> = (0..slices.len()).collect();
    order.sort_by(|a, b| along_mm(*a).total_cmp(&along_mm(*b)));
    let mut positions: Vec<Vec<usize>> = Vec::with_capacity(order.len());
    for index in order {
        match positions.last_mut() {
            Some(there) if along_mm(index) - along_mm(there[0]) < settings.same_position_mm => {
                let apart = slices[index].header.position_mm.distance(slices[there[0]].header.position_mm);
                if apart >= settings.same_position_mm {
                    return Err(DicomError::DuplicatePosition { at_mm: along_mm(index) });
                }
                there.push(index);
            }
            _ => positions.push(vec![index]),
        }
    }
    Ok(positions)
}

/// Fits a line through the slices' corners: its slope against the normal is the gantry tilt, what
/// is left over is no shear and cannot be one volume.
fn check_straight(corners: &[DVec3], normal: DVec3, settings: &GeometrySettings) -> Result<(), DicomError> {
    let count = corners.len() as f64;
    let centre = corners.iter().sum::<DVec3>() / count;
    let offsets = || corners.iter().map(|corner| *corner - centre);
    let in_plane = |offset: DVec3| offset - normal * offset.dot(normal);
    let variance: f64 = offsets().map(|offset| offset.dot(normal).powi(2)).sum();
    if variance <= 0.0 {
        return Ok(());
    }
    let drift = offsets().map(|offset| in_plane(offset) * offset.dot(normal)).sum::<DVec3>() / variance;
    let off_mm =
        offsets().map(|offset| (in_plane(offset) - drift * offset.dot(normal)).length()).fold(0.0, f64::max);
    let degrees = drift.length().atan().to_degrees();
    if off_mm > settings.straight_within_mm {
        return Err(DicomError::Scattered { off_mm });
    }
    if degrees > settings.tilt_within_degrees {
        return Err(DicomError::Tilt { degrees });
    }
    Ok(())
}

/// Returns the spacing of ascending positions, or the code of what makes it not uniform.
fn check_uniform(along_mm: &[f64], settings: &GeometrySettings) -> Result<f64, DicomError> {
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

fn grid(reference: &Slice, origin_mm: DVec3, step_mm: DVec3, slices: usize) -> Result<Grid, DicomError> {
    let header = &reference.header;
    let [row_spacing_mm, column_spacing_mm] = header.pixel_spacing_mm;
    let axes = DMat3::from_cols(
        header.row_direction * column_spacing_mm,
        header.column_direction * row_spacing_mm,
        step_mm,
    );
    let shape_zyx = [slices, usize::from(header.format.rows), usize::from(header.format.columns)];
    Ok(Grid::new(shape_zyx, DAffine3::from_mat3_translation(axes, origin_mm))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Code;

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
