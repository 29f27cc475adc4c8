//! The rules for the values of whole volumes, whatever file they come from.

use ndarray::{Array3, Axis};

use super::stack::check_limits;
use super::statistics::{HuStatistics, check_jumps};
use super::{AssembleSettings, DicomError, Units};
use crate::findings::Reason;
use crate::geometry::Grid;
use crate::units::Hounsfield;
use crate::volume::Volume;

/// Checks that a volume of any origin keeps the rules that a DICOM series must: number of slices,
/// orthogonal axes, limits of spacing and extent, values of a CT of a body that do not jump from slice
/// to slice, and whole lungs where that is asked for. Returns what is doubtful, but may be used.
///
/// # Units
/// `volume` is in Hounsfield units on a grid in millimetres.
///
/// # Errors
/// [`DicomError`] with the code of the first rule that does not hold.
pub fn check_volume(volume: &Volume, settings: &AssembleSettings) -> Result<Vec<Reason>, DicomError> {
    let [slices, ..] = volume.grid().shape_zyx();
    let least = settings.geometry.least_slices.max(1);
    if slices < least {
        return Err(DicomError::FewSlices { slices, least });
    }
    let degrees = shear_degrees(volume.grid());
    if degrees > settings.geometry.tilt_within_degrees {
        return Err(DicomError::Tilt { degrees });
    }
    check_limits(volume.grid(), &settings.geometry)?;
    check_values(&HuStatistics::of_values(volume.as_slice()), volume.voxels(), Units::Hounsfield)?;
    let warning = settings.coverage.as_ref().map_or(Ok(None), |coverage| coverage.warning(volume))?;
    Ok(warning.into_iter().collect())
}

/// Refuses values that are no Hounsfield units of a body. Where their unit is unspecified, they must show
/// one.
pub(super) fn check_values(
    statistics: &HuStatistics,
    voxels: &Array3<Hounsfield>,
    units: Units,
) -> Result<(), DicomError> {
    let sound = statistics.check();
    if units == Units::Unspecified && (sound.is_err() || !statistics.shows_a_body()) {
        return Err(DicomError::NotHounsfield { slices: voxels.len_of(Axis(0)) });
    }
    sound?;
    check_jumps(voxels)
}

/// Largest deviation of two axes from a right angle.
fn shear_degrees(grid: &Grid) -> f64 {
    let [z, y, x] = grid.direction();
    let cosine = [z.dot(y), z.dot(x), y.dot(x)].into_iter().fold(0.0, |most: f64, c| most.max(c.abs()));
    cosine.min(1.0).asin().to_degrees()
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, DMat3, DVec3};

    use super::*;
    use crate::findings::Code;

    fn volume(shear: f64, value: impl Fn([usize; 3]) -> f32) -> Volume {
        let axes = DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::new(0.0, shear, 1.0));
        Volume::from_fn(Grid::new([6, 20, 20], DAffine3::from_mat3(axes)).unwrap(), value)
    }

    fn body([_, y, x]: [usize; 3]) -> f32 {
        if (5..15).contains(&y) && (5..15).contains(&x) { 40.0 } else { -1000.0 }
    }

    fn code(volume: &Volume) -> Option<Code> {
        check_volume(volume, &AssembleSettings::default()).err().map(|error| error.code())
    }

    #[test]
    fn volumes_of_any_origin_keep_the_rules() {
        assert_eq!(code(&volume(0.0, body)), None);
        assert_eq!(code(&volume(0.1, body)), Some(Code::Tilt));
        assert_eq!(code(&volume(0.0, |at| body(at) / 1000.0)), Some(Code::OutOfDomain));
        assert_eq!(code(&volume(0.0, |at| body(at) - 1000.0)), Some(Code::HuRange));
        assert_eq!(code(&volume(0.0, |_| f32::NAN)), Some(Code::HuRange));
        assert_eq!(code(&volume(0.0, |_| -1000.0)), Some(Code::Content));
        let shifted = |at: [usize; 3]| body(at) + if at[0] == 3 { 1024.0 } else { 0.0 };
        assert_eq!(code(&volume(0.0, shifted)), Some(Code::HuJump));
        let lung = check_volume(&volume(0.0, body), &AssembleSettings::lung());
        assert_eq!(lung.err().map(|error| error.code()), Some(Code::FewSlices));
    }
}
