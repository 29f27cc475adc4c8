//! Three planes through a candidate: what a network looks at.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::{Array2, Axis};

use crate::NoduleError;
use pulmo_scan::geometry::{Grid, Unit};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::Volume;

/// How planes are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneSettings {
    /// Rows and columns; default 50.
    pub side: usize,
    /// Distance of pixels. Default 0.7 mm: the patches of LUNA16 that the shipped network learns from are 50 x 50
    /// pixels of the scan itself, whose spacing there is 0.46 to 0.98 mm, in the middle 0.7 mm.
    pub pixel_mm: Millimetres,
}

impl Default for PlaneSettings {
    fn default() -> Self {
        Self { side: 50, pixel_mm: 0.7 }
    }
}

/// Returns the axial, the coronal and the sagittal plane through a place in patient space, `[x, y, z]` LPS.
///
/// # Shapes
/// Each `[side, side]`, the place in the pixel `[side / 2, side / 2]`. Rows grow to the back in the axial plane and to the
/// feet in the others, columns to the left in the axial and coronal plane and to the back in the sagittal one.
///
/// # Units
/// The volume's, linear between its voxels; beyond it the outermost voxels are repeated.
///
/// # Errors
/// [`NoduleError`] where the place is outside, or the volume has no size in millimetres.
pub fn planes(
    volume: &Volume,
    centre_mm: [Millimetres; 3],
    settings: &PlaneSettings,
) -> Result<[Array2<f32>; 3], NoduleError> {
    if volume.grid().unit() == Unit::Pixel {
        return Err(NoduleError::NoMillimetres);
    }
    if volume.grid().voxel_near(centre_mm).is_none() {
        return Err(NoduleError::Outside);
    }
    let cut = |columns: DVec3, rows: DVec3| -> Result<Array2<f32>, NoduleError> {
        let across = columns.cross(rows);
        let axes = DMat3::from_cols(columns, rows, across) * settings.pixel_mm;
        let middle = (settings.side / 2) as f64 * settings.pixel_mm;
        let first = DVec3::from(centre_mm) - (columns + rows) * middle;
        let grid =
            Grid::new([1, settings.side, settings.side], DAffine3::from_mat3_translation(axes, first))?;
        Ok(volume.placed_on(&grid, &grid).into_parts().1.index_axis_move(Axis(0), 0))
    };
    Ok([cut(DVec3::X, DVec3::Y)?, cut(DVec3::X, -DVec3::Z)?, cut(DVec3::Y, -DVec3::Z)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_go_through_the_place_and_their_axes_are_the_patients() {
        let grid = Grid::aligned([40, 50, 60], [2.0, 1.0, 1.0]).unwrap();
        let volume = Volume::from_fn(grid, |[z, y, x]| (2 * z) as f32 * 1e4 + y as f32 * 100.0 + x as f32);
        let settings = PlaneSettings { side: 10, pixel_mm: 1.0 };
        let [axial, coronal, sagittal] = planes(&volume, [30.0, 25.0, 41.0], &settings).unwrap();
        let here = 41.0 * 1e4 + 25.0 * 100.0 + 30.0;
        for plane in [&axial, &coronal, &sagittal] {
            assert_eq!((plane.dim(), plane[[5, 5]]), ((10, 10), here));
        }
        assert_eq!((axial[[6, 5]] - here, axial[[5, 6]] - here), (100.0, 1.0));
        assert_eq!((coronal[[6, 5]] - here, coronal[[5, 6]] - here), (-1e4, 1.0));
        assert_eq!((sagittal[[6, 5]] - here, sagittal[[5, 6]] - here), (-1e4, 100.0));
    }

    #[test]
    fn what_lies_nowhere_has_no_planes() {
        let volume = Volume::from_fn(Grid::of_picture(20, 20).unwrap(), |_| 0.0);
        let settings = PlaneSettings::default();
        assert_eq!(planes(&volume, [0.0; 3], &settings), Err(NoduleError::NoMillimetres));
        let volume = Volume::from_fn(Grid::aligned([4; 3], [1.0; 3]).unwrap(), |_| 0.0);
        assert_eq!(planes(&volume, [9.0; 3], &settings), Err(NoduleError::Outside));
    }
}
