//! Where a NIfTI file says that its voxels lie: by an `sform`, by a `qform`, or by both.

use glam::{DAffine3, DMat3, DQuat, DVec3};

use super::nifti_fields::{Fields, LPS_FROM_RAS};
use super::{VolumeFileError, VolumeFileWarning};

/// Voxels whose sizes differ by less than this share are of one size: headers hold 24 bits, and some tools
/// round to four figures.
const SAME_SIZE: f64 = 1e-3;
/// Axes within this angle are the same, in degrees: as for directions of DICOM slices, and more than what
/// the 24 bits of a quaternion lose near half a turn (0.04 degrees).
const SAME_DIRECTION_DEGREES: f64 = 0.1;
/// First voxels within this distance lie at one place.
const SAME_PLACE_MM: f64 = 0.1;
/// An axis further from its own place than this is nearer to another axis, or points the other way.
const ANOTHER_AXIS_DEGREES: f64 = 45.0;

/// Where voxels lie.
pub(super) struct NiftiPlacement {
    /// LPS millimetres from voxel indices.
    pub(super) patient_from_voxel: DAffine3,
    /// What was doubtful about them.
    pub(super) warnings: Vec<VolumeFileWarning>,
}

/// Returns where a header says that its voxels lie.
pub(super) fn placement(fields: &Fields<'_>) -> Result<NiftiPlacement, VolumeFileError> {
    let scale = LPS_FROM_RAS * millimetres(fields)?;
    let placed = |stated: DAffine3| {
        let matrix = DMat3::from_diagonal(scale) * stated.matrix3;
        DAffine3::from_mat3_translation(matrix, scale * stated.translation)
    };
    let [has_sform, has_qform] = [[254, 348], [252, 344]].map(|at| fields.code(at) > 0);
    if !has_sform {
        return match has_qform {
            true => Ok(NiftiPlacement { patient_from_voxel: placed(qform(fields)?), warnings: Vec::new() }),
            false => Err(VolumeFileError::NoOrientation),
        };
    }
    let sform = placed(sform(fields));
    let warning = match qform(fields) {
        Ok(qform) if has_qform => compare(&sform, &placed(qform))?,
        Err(_) if has_qform => Some(VolumeFileWarning::Qform),
        _ => check_sizes(&sform, pixdim(fields) * scale.abs()),
    };
    Ok(NiftiPlacement { patient_from_voxel: sform, warnings: warning.into_iter().collect() })
}

/// Millimetres in the header's unit of length.
fn millimetres(fields: &Fields<'_>) -> Result<f64, VolumeFileError> {
    let units =
        if fields.is_nifti_2 { i32::from_le_bytes(fields.number(500)) } else { fields.bytes[123].into() };
    match units & 7 {
        // unknown is written for millimetres by many tools
        0 | 2 => Ok(1.0),
        1 => Ok(1e3),
        3 => Ok(1e-3),
        _ => Err(VolumeFileError::Header { what: "xyzt_units" }),
    }
}

fn sform(fields: &Fields<'_>) -> DAffine3 {
    let at = [280, 400];
    let rows = [0, 4, 8].map(|first| fields.vector(at, first));
    let offset = [3, 7, 11].map(|index| fields.real(at, index));
    let matrix = DMat3::from_cols(rows[0], rows[1], rows[2]).transpose();
    DAffine3::from_mat3_translation(matrix, offset.into())
}

fn qform(fields: &Fields<'_>) -> Result<DAffine3, VolumeFileError> {
    let bcd = fields.vector([256, 352], 0);
    let offset = fields.vector([268, 376], 0);
    let spacing = pixdim(fields);
    if !spacing.is_finite() || spacing.min_element() <= 0.0 {
        return Err(VolumeFileError::Spacing);
    }
    let a_squared = 1.0 - bcd.length_squared();
    // quaternions are written with 24 bits
    if !bcd.is_finite() || !offset.is_finite() || a_squared < -1e-4 {
        return Err(VolumeFileError::Header { what: "quatern_b, c, d" });
    }
    // what rounding leaves of half a turn is no turn: `nifti_quatern_to_mat44` of nifti1_io.c
    let a = if a_squared < 1e-7 { 0.0 } else { a_squared.sqrt() };
    let rotation = DQuat::from_xyzw(bcd.x, bcd.y, bcd.z, a).normalize();
    let side = if fields.real([76, 104], 0) < 0.0 { -1.0 } else { 1.0 };
    let scale = spacing * DVec3::new(1.0, 1.0, side);
    let matrix = DMat3::from_quat(rotation) * DMat3::from_diagonal(scale);
    Ok(DAffine3::from_mat3_translation(matrix, offset))
}

/// The size of a voxel as stated beside the transforms, in the header's unit.
fn pixdim(fields: &Fields<'_>) -> DVec3 {
    fields.vector([76, 104], 1)
}

/// What lies between the two transforms: nothing, or a rigid motion, which is told.
fn compare(sform: &DAffine3, qform: &DAffine3) -> Result<Option<VolumeFileWarning>, VolumeFileError> {
    let refused = |about, say: fn(&DAffine3) -> String| {
        Err(VolumeFileError::Transforms { about, sform: say(sform), qform: say(qform) })
    };
    if !same_size(sizes(sform), sizes(qform)) {
        return refused("the size of a voxel", |place| in_words(sizes(place)));
    }
    let degrees = furthest_axis_degrees(sform, qform);
    if degrees > ANOTHER_AXIS_DEGREES {
        return refused("the order or the sides of the axes", anatomical);
    }
    let shift_mm = sform.translation.distance(qform.translation);
    let is_same = degrees <= SAME_DIRECTION_DEGREES && shift_mm <= SAME_PLACE_MM;
    Ok((!is_same).then_some(VolumeFileWarning::Registered { degrees, shift_mm }))
}

/// A warning where the header states another size of a voxel beside the only transform, or none.
fn check_sizes(sform: &DAffine3, pixdim_mm: DVec3) -> Option<VolumeFileWarning> {
    let sform_mm = sizes(sform);
    (!same_size(sform_mm, pixdim_mm))
        .then(|| VolumeFileWarning::Pixdim { sform: in_words(sform_mm), pixdim: in_words(pixdim_mm) })
}

fn sizes(place: &DAffine3) -> DVec3 {
    let axes = place.matrix3;
    DVec3::new(axes.x_axis.length(), axes.y_axis.length(), axes.z_axis.length())
}

fn same_size(one: DVec3, other: DVec3) -> bool {
    (one - other).abs().cmple(one * SAME_SIZE).all()
}

/// The largest angle between an axis of one and the same axis of the other.
fn furthest_axis_degrees(one: &DAffine3, other: &DAffine3) -> f64 {
    let angle = |axis: usize| {
        let [a, b] = [one, other].map(|place| place.matrix3.col(axis).normalize_or_zero());
        // half the angle by its sine: a cosine loses half of its digits near 1
        2.0 * ((a - b).length() / 2.0).min(1.0).asin().to_degrees()
    };
    (0..3).map(angle).fold(0.0, f64::max)
}

fn in_words(mm: DVec3) -> String {
    format!("{:.4} x {:.4} x {:.4} mm", mm.x, mm.y, mm.z)
}

/// Where the axes i, j and k point to, as NIfTI's users say it: `RAS` is right, front, head.
fn anatomical(place: &DAffine3) -> String {
    let letter = |axis: DVec3| {
        let along = axis.abs().max_position();
        let letters = [['R', 'L'], ['A', 'P'], ['I', 'S']][along];
        letters[usize::from(axis[along] > 0.0)]
    };
    [0, 1, 2].map(|axis| letter(place.matrix3.col(axis))).iter().collect()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small values drawn for a test")]
mod tests {
    use super::super::{Gzip, VolumeFile, read_nifti, write_nifti};
    use super::*;
    use crate::findings::Code;
    use crate::geometry::Grid;
    use crate::volume::Volume;

    /// Voxels of 0.7 x 0.8 x 2.5 mm, axes to the left, the back and the head, the first at this place (RAS).
    const OFFSET: DVec3 = DVec3::new(90.0, 126.0, -72.0);

    fn ras_from_voxel() -> DAffine3 {
        DAffine3::from_mat3_translation(DMat3::from_diagonal(DVec3::new(-0.7, -0.8, 2.5)), OFFSET)
    }

    /// Bytes of a file whose two transforms say the same.
    fn sound() -> Vec<u8> {
        let lps = DMat3::from_diagonal(LPS_FROM_RAS) * ras_from_voxel().matrix3;
        let place = DAffine3::from_mat3_translation(lps, LPS_FROM_RAS * OFFSET);
        let volume =
            Volume::from_fn(Grid::new([4, 3, 2], place).unwrap(), |[z, y, x]| (9 * z + 3 * y + x) as f32);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii");
        write_nifti(&path, &volume, Gzip::No).unwrap();
        std::fs::read(path).unwrap()
    }

    fn put(bytes: &mut [u8], at: usize, numbers: &[f64]) {
        for (index, number) in numbers.iter().enumerate() {
            bytes[at + 4 * index..][..4].copy_from_slice(&(*number as f32).to_le_bytes());
        }
    }

    /// The sound file with another `sform`.
    fn with_sform(ras_from_voxel: DAffine3) -> Vec<u8> {
        let mut bytes = sound();
        for row in 0..3 {
            put(&mut bytes, 280 + 16 * row, &ras_from_voxel.matrix3.row(row).to_array());
            put(&mut bytes, 292 + 16 * row, &[ras_from_voxel.translation[row]]);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<VolumeFile, VolumeFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii");
        std::fs::write(&path, bytes).unwrap();
        read_nifti(&path)
    }

    fn refusal(ras_from_voxel: DAffine3) -> String {
        let error = read(&with_sform(ras_from_voxel)).unwrap_err();
        assert_eq!(error.code(), Code::Transforms);
        error.to_string()
    }

    fn turned(degrees: f64) -> DAffine3 {
        DAffine3::from_rotation_z(degrees.to_radians()) * ras_from_voxel()
    }

    #[test]
    fn transforms_that_say_the_same_say_nothing() {
        for degrees in [0.0, 0.03] {
            assert_eq!(read(&with_sform(turned(degrees))).unwrap().warnings, []);
        }
    }

    /// ORIGIN: nibabel 5.4.2 places the first voxel of `affine = [R(5 degrees), (10, 5, 2)] @ [diag(-0.7, -0.8, 2.5),
    /// (90, 126, -72)]` at (88.676, 138.365, -70) in RAS, SimpleITK 2.5.7 at (-88.676, -138.365, -70) in LPS.
    #[test]
    fn a_registered_scan_lies_where_its_sform_says() {
        let motion = DAffine3::from_translation(DVec3::new(10.0, 5.0, 2.0));
        let file = read(&with_sform(motion * turned(5.0))).unwrap();
        let origin = file.volume.grid().origin_mm();
        assert!(origin.distance(DVec3::new(-88.676, -138.365, -70.0)) < 1e-3, "{origin}");
        let [VolumeFileWarning::Registered { degrees, shift_mm }] = file.warnings[..] else { panic!() };
        assert!((degrees - 5.0).abs() < 1e-3 && (shift_mm - 12.597).abs() < 1e-2, "{degrees} {shift_mm}");
        assert_eq!(file.warnings[0].code(), Code::Transforms);
        assert_eq!(read(&with_sform(turned(40.0))).unwrap().warnings.len(), 1);
    }

    #[test]
    fn transforms_that_cannot_both_be_right_are_both_named() {
        let scaled = |x, y, z| ras_from_voxel() * DAffine3::from_scale(DVec3::new(x, y, z));
        for wrong in [scaled(1.3, 1.3, 1.3), scaled(1.0, 1.0, 1.01), scaled(0.0, 1.0, 1.0)] {
            let message = refusal(wrong);
            assert!(
                message.contains("the size of a voxel")
                    && message.contains("0.7000 x 0.8000 x 2.5000 mm by the qform")
            );
        }
        assert!(refusal(scaled(1.3, 1.0, 1.0)).contains("0.9100 x 0.8000 x 2.5000 mm by the sform"));
        let square = DMat3::from_cols(DVec3::NEG_X, DVec3::NEG_Y, DVec3::Z);
        assert_eq!(anatomical(&DAffine3::from_mat3(square)), "RAS");
        let sides = |place| refusal(place).split(": ").last().unwrap().to_owned();
        assert_eq!(sides(scaled(-1.0, 1.0, 1.0)), "RPS by the sform, LPS by the qform");
        assert_eq!(sides(scaled(1.0, 1.0, -1.0)), "LPI by the sform, LPS by the qform");
        // the whole patient turned is a rigid motion, but left is right then
        assert_eq!(sides(turned(180.0)), "RAS by the sform, LPS by the qform");
        assert_eq!(sides(turned(90.0)), "PRS by the sform, LPS by the qform");
    }

    #[test]
    fn a_sound_sform_is_taken_where_nothing_sound_is_beside_it() {
        let mut bytes = sound();
        put(&mut bytes, 256, &[2.0, 2.0, 2.0]);
        assert_eq!(read(&bytes).unwrap().warnings, [VolumeFileWarning::Qform]);
        bytes[252] = 0;
        assert_eq!(read(&bytes).unwrap().warnings, []);
        put(&mut bytes, 80, &[1.0, 1.0, 1.0]);
        let file = read(&bytes).unwrap();
        assert!(matches!(file.warnings[..], [VolumeFileWarning::Pixdim { .. }]));
        assert!((file.volume.grid().spacing_mm()[0] - 2.5).abs() < 1e-6);
    }

    /// nibabel and SimpleITK read such a file, too.
    #[test]
    fn no_start_of_the_values_is_the_first_one_possible() {
        let mut bytes = sound();
        put(&mut bytes, 108, &[0.0]);
        assert_eq!(read(&bytes).unwrap(), read(&sound()).unwrap());
    }
}
