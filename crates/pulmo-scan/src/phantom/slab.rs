//! A slab of a made chest, by which a device is asked about the whole path from Hounsfield units on.

use glam::{DAffine3, DMat3, DVec3};

use crate::geometry::{Grid, GridError};
use crate::volume::Volume;

/// Voxels, `[z, y, x]`.
const SHAPE: [usize; 3] = [10, 60, 80];
/// Their distance in millimetres, `(x, y, z)`; slices run from head to feet, against LPS.
const SPACING_MM: [f64; 3] = [4.5, 4.5, -4.0];
/// Half axes of the body and of a lung, and radii of spine and nodule, in millimetres.
const BODY_MM: [f64; 2] = [165.0, 115.0];
const LUNG_MM: [f64; 2] = [50.0, 66.0];
const SPINE_MM: f64 = 18.0;
const NODULE_MM: f64 = 14.0;

/// Returns a slab of a made chest: a body with two lungs, a spine and a nodule in the lung at the patient's
/// left, of whole Hounsfield units that vary from voxel to voxel.
///
/// Sums, products and comparisons of small numbers make it, so that it is the same on every machine; as
/// bundles hold answers to it, it must stay as it is.
///
/// # Errors
/// [`GridError`] never, as long as the constants are what they are.
pub fn slab() -> Result<Volume, GridError> {
    let axes = DMat3::from_diagonal(DVec3::from_array(SPACING_MM));
    let grid = Grid::new(SHAPE, DAffine3::from_mat3_translation(axes, DVec3::ZERO))?;
    Ok(Volume::from_fn(grid, hounsfield))
}

/// Returns the slab's middle slice as a picture, from 0 (-1000 HU) to 255 (275 HU).
///
/// # Errors
/// As [`slab`].
pub fn picture_slab() -> Result<Volume, GridError> {
    let [slices, rows, columns] = SHAPE;
    let gray = |[_, y, x]: [usize; 3]| (0.2 * (hounsfield([slices / 2, y, x]) + 1000.0)).floor();
    Ok(Volume::from_fn(Grid::of_picture(rows, columns)?, |voxel| gray(voxel).clamp(0.0, 255.0)))
}

fn hounsfield([z, y, x]: [usize; 3]) -> f32 {
    let from_middle = |index: usize, axis: usize, spacing_mm: f64| {
        spacing_mm * (index as f64 - (SHAPE[axis] as f64 - 1.0) / 2.0)
    };
    let [x_mm, y_mm, z_mm] = SPACING_MM;
    let (x_mm, y_mm) = (from_middle(x, 2, x_mm), from_middle(y, 1, y_mm));
    let z_mm = from_middle(z, 0, z_mm);
    // Squared distance from a centre, the half axes taken for 1.
    let away = |[dx, dy]: [f64; 2], [a, b]: [f64; 2]| ((x_mm - dx) / a).powi(2) + ((y_mm - dy) / b).powi(2);
    let nodule = (x_mm - 72.0).powi(2) + (y_mm - 20.0).powi(2) + z_mm.powi(2);
    let is_lung = [-72.0, 72.0].iter().any(|side| away([*side, 0.0], LUNG_MM) < 1.0);
    let tissue = match () {
        () if nodule < NODULE_MM * NODULE_MM => 35.0,
        () if is_lung => -860.0,
        () if away([0.0, 80.0], [SPINE_MM; 2]) < 1.0 => 400.0,
        () if away([0.0; 2], BODY_MM) < 1.0 => 40.0,
        () => return -1000.0,
    };
    tissue + ((31 * z + 17 * y + 7 * x) % 61) as f32 - 30.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::anatomy::lung_mask;

    #[test]
    fn the_slab_is_a_chest_and_stays_what_it_is() {
        let volume = slab().unwrap();
        let lungs = lung_mask(&volume).unwrap();
        let litres = lungs.grid().voxel_mm3() * lungs.voxels().iter().filter(|is| **is).count() as f64 / 1e6;
        assert!((0.7..1.0).contains(&litres), "{litres} l of lung");
        let sum = |volume: &Volume| {
            volume
                .as_slice()
                .iter()
                .enumerate()
                .fold(0.0, |sum, (index, hu)| sum + (index % 97) as f64 * f64::from(*hu))
        };
        let picture = picture_slab().unwrap();
        assert_eq!((sum(&volume), sum(&picture)), (-1_267_959_462.0, 20_652_491.0));
    }
}
