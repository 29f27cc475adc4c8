//! From the axes that a volume file states to a grid in the patient.

use glam::DAffine3;

use super::VolumeFileError;
use crate::geometry::Grid;

/// Largest cosine between two axes taken for a right angle: 0.5 degrees, as for gantry tilt.
const RIGHT_ANGLE_COSINE: f64 = 8.7e-3;

/// Sizes of a voxel that a scan can have, in millimetres, and many more: squares of them are still numbers.
const SIZES_MM: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
/// Furthest place of the first voxel, in millimetres along each axis.
const FURTHEST_MM: f64 = 1e9;

/// Where voxels lie.
pub(super) struct VoxelPlacement {
    pub(super) shape_zyx: [usize; 3],
    /// LPS millimetres from voxel indices.
    pub(super) patient_from_voxel: DAffine3,
}

/// The grid of voxels that lie in LPS millimetres as a file says.
pub(super) fn grid_of(shape_zyx: [usize; 3], patient_from_voxel: DAffine3) -> Result<Grid, VolumeFileError> {
    let axes = patient_from_voxel.matrix3;
    let axes = [axes.x_axis, axes.y_axis, axes.z_axis];
    if !axes.iter().all(|axis| SIZES_MM.contains(&axis.length())) {
        return Err(VolumeFileError::Spacing);
    }
    let is_near = patient_from_voxel.translation.to_array().iter().all(|mm| mm.abs() <= FURTHEST_MM);
    if !is_near {
        return Err(VolumeFileError::Header { what: "the place of the first voxel" });
    }
    let [x, y, z] = axes.map(|axis| axis.normalize());
    let cosine = x.dot(y).abs().max(y.dot(z).abs()).max(z.dot(x).abs());
    if cosine > RIGHT_ANGLE_COSINE {
        return Err(VolumeFileError::Skewed { cosine });
    }
    Ok(Grid::new(shape_zyx, patient_from_voxel)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DMat3, DVec3};

    #[test]
    fn axes_must_be_at_right_angles() {
        let with_z = |z: DVec3| grid_of([1; 3], DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Y, z)));
        assert!(with_z(DVec3::new(0.0, 0.0, -2.5)).is_ok());
        assert!(with_z(DVec3::new(0.0, 0.005, 1.0)).is_ok());
        assert!(matches!(with_z(DVec3::new(0.0, 0.3, 1.0)), Err(VolumeFileError::Skewed { .. })));
        assert!(matches!(with_z(DVec3::ZERO), Err(VolumeFileError::Spacing)));
        assert!(matches!(with_z(DVec3::new(0.0, f64::NAN, 1.0)), Err(VolumeFileError::Spacing)));
        // found by fuzzing: the square of a finite number may be none
        for huge in [1e7, 1e160, f64::MAX] {
            assert!(matches!(with_z(DVec3::new(0.0, 0.0, huge)), Err(VolumeFileError::Spacing)));
        }
    }

    #[test]
    fn the_first_voxel_lies_somewhere() {
        let at = |x: f64| grid_of([1; 3], DAffine3::from_translation(DVec3::new(x, 0.0, 0.0)));
        assert!(at(-4e5).is_ok());
        assert!(at(1e10).is_err() && at(f64::NAN).is_err() && at(f64::INFINITY).is_err());
    }
}
