//! NIfTI-1 files, written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use glam::{DMat3, DQuat, DVec3};

use super::VolumeFileError;
use super::element::{ElementType, smallest_element, write_values};
use super::nifti_fields::{HEADER_1_BYTES, LPS_FROM_RAS, MAGIC_1};
use crate::geometry::{Grid, Unit};
use crate::volume::Volume;

/// Where the values start: after the header and four bytes that say there is no extension.
const VALUES_AT: usize = HEADER_1_BYTES as usize + 4;

/// Whether a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gzip {
    /// As it is: `.nii`.
    No,
    /// Compressed: `.nii.gz`.
    Yes,
}

/// Writes a volume as a NIfTI-1 file: `int16` where all values are whole numbers that fit, else
/// `float32`; `sform` and `qform` give the same axes, in scanner coordinates.
///
/// # Units
/// The grid is in LPS millimetres; the file's axes are NIfTI's, to the right and to the front. They
/// are held as `f32`, 24 bits.
///
/// # Errors
/// [`VolumeFileError::NoMillimetres`] for a picture; [`VolumeFileError::TooLarge`] where a side is
/// longer than 32767; [`VolumeFileError::Io`].
///
/// # References
/// NIfTI-1.1 data format (`nifti1.h`, 2007).
pub fn write_nifti(path: &Path, volume: &Volume, gzip: Gzip) -> Result<(), VolumeFileError> {
    write_nifti_described(path, volume, gzip, "pulmo, Hounsfield units")
}

/// As [`write_nifti`], for values that are no Hounsfield units: the file's header holds `description`,
/// cut off after 79 bytes.
///
/// # Errors
/// As [`write_nifti`].
pub fn write_nifti_described(
    path: &Path,
    volume: &Volume,
    gzip: Gzip,
    description: &str,
) -> Result<(), VolumeFileError> {
    let element = smallest_element(volume.as_slice());
    let header = header(volume.grid(), element, description)?;
    let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
    match gzip {
        Gzip::No => write(&mut file, &header, volume, element)?,
        Gzip::Yes => {
            let mut encoder = GzEncoder::new(&mut file, Compression::fast());
            write(&mut encoder, &header, volume, element)?;
            encoder.finish()?;
        }
    }
    Ok(file.flush()?)
}

fn write(
    to: &mut impl Write,
    header: &[u8],
    volume: &Volume,
    element: ElementType,
) -> Result<(), VolumeFileError> {
    to.write_all(header)?;
    write_values(to, volume.as_slice(), element)
}

/// A header being filled.
struct Header([u8; VALUES_AT]);

impl Header {
    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.0[at..at + N].copy_from_slice(&bytes);
    }

    fn short(&mut self, at: usize, value: i16) {
        self.put(at, value.to_le_bytes());
    }

    #[expect(clippy::cast_possible_truncation, reason = "NIfTI-1 holds real numbers as f32")]
    fn reals(&mut self, at: usize, values: &[f64]) {
        for (index, value) in values.iter().enumerate() {
            self.put(at + 4 * index, (*value as f32).to_le_bytes());
        }
    }
}

/// The bytes before the values.
fn header(grid: &Grid, element: ElementType, description: &str) -> Result<Vec<u8>, VolumeFileError> {
    if grid.unit() != Unit::Millimetre {
        return Err(VolumeFileError::NoMillimetres);
    }
    let most = i16::MAX.unsigned_abs().into();
    let mut header = Header([0; VALUES_AT]);
    header.put(0, u32::from(HEADER_1_BYTES).to_le_bytes());
    let [z, y, x] = grid.shape_zyx();
    header.short(40, 3);
    for (index, side) in [x, y, z, 1, 1, 1, 1].into_iter().enumerate() {
        header.short(42 + 2 * index, i16::try_from(side).map_err(|_| VolumeFileError::TooLarge { most })?);
    }
    let (kind, bits) = if element == ElementType::I16 { (4, 16) } else { (16, 32) };
    header.short(70, kind);
    header.short(72, bits);
    header.reals(108, &[VALUES_AT as f64, 1.0, 0.0]);
    // millimetres and seconds
    header.put(123, [2 + 8]);
    for (place, byte) in description.bytes().take(79).enumerate() {
        header.put(148 + place, [byte]);
    }
    place(&mut header, grid);
    header.put(344, *MAGIC_1);
    Ok(header.0.to_vec())
}

/// Fills in `pixdim`, `qform` and `sform`.
fn place(header: &mut Header, grid: &Grid) {
    let patient = grid.patient_from_voxel();
    let ras = DMat3::from_diagonal(LPS_FROM_RAS) * patient.matrix3;
    let offset = LPS_FROM_RAS * patient.translation;
    let side = if ras.determinant() < 0.0 { -1.0 } else { 1.0 };
    let axes =
        DMat3::from_cols(ras.x_axis.normalize(), ras.y_axis.normalize(), ras.z_axis.normalize() * side);
    let rotation = DQuat::from_mat3(&axes).normalize();
    let bcd = DVec3::new(rotation.x, rotation.y, rotation.z) * if rotation.w < 0.0 { -1.0 } else { 1.0 };
    let [z_mm, y_mm, x_mm] = grid.spacing_mm();
    header.reals(76, &[side, x_mm, y_mm, z_mm]);
    // 1: scanner coordinates
    header.short(252, 1);
    header.short(254, 1);
    header.reals(256, &bcd.to_array());
    header.reals(268, &offset.to_array());
    for (index, row) in [0, 1, 2].into_iter().enumerate() {
        header.reals(280 + 16 * index, &ras.row(row).to_array());
        header.reals(292 + 16 * index, &[offset[row]]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::nifti::read_nifti;
    use super::*;
    use glam::DAffine3;

    fn oblique() -> Volume {
        let axes = DMat3::from_rotation_x(0.3) * DMat3::from_rotation_z(2.5);
        let scaled = axes * DMat3::from_diagonal(DVec3::new(0.7, 0.8, -2.5));
        let place = DAffine3::from_mat3_translation(scaled, DVec3::new(-160.25, 31.5, -437.75));
        let grid = Grid::new([2, 3, 4], place).unwrap();
        Volume::from_fn(grid, |[z, y, x]| -1024.0 + (100 * z + 10 * y + x) as f32)
    }

    fn there_and_back(volume: &Volume, gzip: Gzip) -> Volume {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_nifti(&path, volume, gzip).unwrap();
        read_nifti(&path).unwrap().volume
    }

    #[test]
    fn what_is_written_is_read() {
        let whole = oblique();
        let broken = whole.clone().map(|value| value + 0.25);
        for (volume, gzip) in [(&whole, Gzip::No), (&whole, Gzip::Yes), (&broken, Gzip::Yes)] {
            let back = there_and_back(volume, gzip);
            assert_eq!(back.voxels(), volume.voxels());
            let [a, b] = [&back, volume].map(|volume| volume.grid().patient_from_voxel());
            assert!(a.abs_diff_eq(b, 1e-4), "{a:?} {b:?}");
        }
    }

    #[test]
    fn sform_and_qform_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii");
        write_nifti(&path, &oblique(), Gzip::No).unwrap();
        let by_sform = read_nifti(&path).unwrap();
        assert_eq!(by_sform.warnings, []);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[254] = 0;
        std::fs::write(&path, &bytes).unwrap();
        let by_qform = read_nifti(&path).unwrap();
        let [a, b] = [by_sform, by_qform].map(|file| file.volume.grid().patient_from_voxel());
        assert!(a.abs_diff_eq(b, 1e-4), "{a:?} {b:?}");
        bytes[252] = 0;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(read_nifti(&path), Err(VolumeFileError::NoOrientation)));
    }

    #[test]
    fn a_picture_has_no_place() {
        let picture = Volume::from_fn(Grid::of_picture(2, 2).unwrap(), |_| 0.0);
        let path = std::env::temp_dir().join("never-written.nii");
        assert!(matches!(write_nifti(&path, &picture, Gzip::No), Err(VolumeFileError::NoMillimetres)));
    }
}
