//! MetaImage files, written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::VolumeFileError;
use super::element::{ElementType, smallest_element, write_values};
use crate::geometry::Unit;
use crate::volume::Volume;

/// Writes a volume as a MetaImage file, header and values in one (`.mha`): `MET_SHORT` where all values
/// are whole numbers that fit, else `MET_FLOAT`. Axes are written as they are, without loss.
///
/// # Errors
/// [`VolumeFileError::NoMillimetres`] for a picture; [`VolumeFileError::Io`].
pub fn write_metaimage(path: &Path, volume: &Volume) -> Result<(), VolumeFileError> {
    let grid = volume.grid();
    if grid.unit() != Unit::Millimetre {
        return Err(VolumeFileError::NoMillimetres);
    }
    let element = smallest_element(volume.as_slice());
    let kind = if element == ElementType::I16 { "MET_SHORT" } else { "MET_FLOAT" };
    let [z, y, x] = grid.shape_zyx();
    let [z_mm, y_mm, x_mm] = grid.spacing_mm();
    let matrix = grid.direction().iter().rev().flat_map(|axis| axis.to_array()).collect::<Vec<_>>();
    let header = format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
         CompressedData = False\nTransformMatrix = {}\nOffset = {}\nCenterOfRotation = 0 0 0\n\
         ElementSpacing = {x_mm} {y_mm} {z_mm}\nDimSize = {x} {y} {z}\nElementType = {kind}\n\
         ElementDataFile = LOCAL\n",
        spaced(&matrix),
        spaced(&grid.origin_mm().to_array()),
    );
    let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
    file.write_all(header.as_bytes())?;
    write_values(&mut file, volume.as_slice(), element)?;
    Ok(file.flush()?)
}

fn spaced(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, DMat3, DVec3};

    use super::super::read_metaimage;
    use super::*;
    use crate::geometry::Grid;

    #[test]
    fn what_is_written_is_read_without_loss() {
        let axes = DMat3::from_rotation_y(0.1) * DMat3::from_diagonal(DVec3::new(0.7, 0.8, 2.5));
        let grid = Grid::new([2, 3, 4], DAffine3::from_mat3_translation(axes, DVec3::new(-1.1, 2.2, 3.3)));
        let volume = Volume::from_fn(grid.unwrap(), |[z, y, x]| (z * y * x) as f32 - 0.5);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mha");
        write_metaimage(&path, &volume).unwrap();
        let back = read_metaimage(&path).unwrap();
        assert_eq!(back.voxels(), volume.voxels());
        let [a, b] = [&back, &volume].map(|volume| volume.grid().patient_from_voxel());
        assert!(a.abs_diff_eq(b, 1e-12));
    }
}
