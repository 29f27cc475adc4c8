//! Where an NRRD header says that its voxels lie.

use glam::{DAffine3, DMat3, DVec3};

use super::VolumeFileError;
use super::nrrd::NrrdHeader;
use super::placement::VoxelPlacement;

impl NrrdHeader {
    /// The shape of the three axes in space, and LPS millimetres from their voxel indices.
    pub(super) fn placement(&self, sizes: &[usize]) -> Result<VoxelPlacement, VolumeFileError> {
        let lps_from_space = self.lps_from_space()?;
        let text = self.find("space directions").ok_or(VolumeFileError::NoOrientation)?;
        let wrong = |what| VolumeFileError::Header { what };
        let directions = vectors(text).ok_or(wrong("space directions"))?;
        if directions.len() != sizes.len() {
            return Err(wrong("space directions"));
        }
        let axes = || sizes.iter().zip(&directions);
        let in_space: Vec<(usize, DVec3)> =
            axes().filter_map(|(side, direction)| direction.map(|direction| (*side, direction))).collect();
        let is_apart = axes().all(|(side, direction)| direction.is_some() || *side == 1);
        let ([(x, x_axis), (y, y_axis), (z, z_axis)], true) = (&in_space[..], is_apart) else {
            return Err(VolumeFileError::Axes { axes: sizes.iter().filter(|side| **side > 1).count() });
        };
        let origin = vectors(self.find("space origin").ok_or(VolumeFileError::NoOrientation)?);
        let Some([Some(origin)]) = origin.as_deref() else { return Err(wrong("space origin")) };
        let matrix = lps_from_space * DMat3::from_cols(*x_axis, *y_axis, *z_axis);
        let patient_from_voxel = DAffine3::from_mat3_translation(matrix, lps_from_space * *origin);
        Ok(VoxelPlacement { shape_zyx: [*z, *y, *x], patient_from_voxel })
    }

    /// What turns the header's space into LPS millimetres.
    fn lps_from_space(&self) -> Result<DMat3, VolumeFileError> {
        let space = self.find("space").map(str::to_ascii_lowercase);
        let sides = match space.as_deref() {
            Some("left-posterior-superior" | "lps") => DVec3::ONE,
            Some("right-anterior-superior" | "ras") => DVec3::new(-1.0, -1.0, 1.0),
            Some("left-anterior-superior" | "las") => DVec3::new(1.0, -1.0, 1.0),
            _ => return Err(VolumeFileError::NoOrientation),
        };
        let units = self.find("space units").unwrap_or_default().split(['"', ' ', '\t']);
        let mut millimetres = units.filter(|unit| !unit.is_empty()).map(millimetres_in);
        let first = millimetres.next().unwrap_or(Some(1.0));
        match first.filter(|first| millimetres.all(|other| other == Some(*first))) {
            Some(millimetres) => Ok(DMat3::from_diagonal(sides * millimetres)),
            None => Err(VolumeFileError::Header { what: "space units" }),
        }
    }
}

/// Millimetres in a unit of length.
fn millimetres_in(unit: &str) -> Option<f64> {
    match unit.to_ascii_lowercase().as_str() {
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => Some(1.0),
        "um" | "µm" | "micron" | "microns" => Some(1e-3),
        "cm" => Some(10.0),
        "m" => Some(1e3),
        _ => None,
    }
}

/// The vectors `(x,y,z)` of a text; `None` among them for `none`, which stands for an axis that lies in no space.
fn vectors(text: &str) -> Option<Vec<Option<DVec3>>> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            found.push(None);
            rest = after.trim_start();
            continue;
        }
        let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
        let numbers: Vec<f64> =
            inside.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
        let vector = DVec3::from_array(numbers.try_into().ok()?);
        // other writers say `none` by no numbers
        found.push((!vector.is_nan()).then_some(vector));
        rest = after.trim_start();
    }
    Some(found)
}
