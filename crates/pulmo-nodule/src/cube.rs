//! A cube of isotropic voxels cut out of a volume.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::Array3;

use crate::NoduleError;
use pulmo_scan::geometry::{Grid, Unit, whole};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::{Mask, Volume};

/// Values around a point on isotropic voxels along the patient's axes, `[z, y, x]` growing to head, back and left.
pub(crate) struct Cube {
    pub(crate) grid: Grid,
    pub(crate) hu: Array3<f32>,
    pub(crate) voxel_mm: Millimetres,
}

impl Cube {
    /// The cube that reaches `reach_mm` from `centre_mm` to each side, linear between the volume's voxels.
    pub(crate) fn around(
        volume: &Volume,
        centre_mm: DVec3,
        reach_mm: Millimetres,
    ) -> Result<Self, NoduleError> {
        let within = volume.grid();
        if within.unit() == Unit::Pixel {
            return Err(NoduleError::NoMillimetres);
        }
        if within.voxel_near(centre_mm.to_array()).is_none() {
            return Err(NoduleError::Outside);
        }
        let finest = within.spacing_mm().into_iter().fold(f64::INFINITY, f64::min);
        let voxel_mm = finest.clamp(0.75, 1.0);
        let reach = (reach_mm / voxel_mm).ceil();
        let first = centre_mm - DVec3::splat(reach * voxel_mm);
        let affine = DAffine3::from_mat3_translation(DMat3::from_diagonal(DVec3::splat(voxel_mm)), first);
        let grid = Grid::new([2 * whole(reach) + 1; 3], affine)?;
        let (grid, hu) = volume.placed_on(&grid, &grid).into_parts();
        Ok(Self { grid, hu, voxel_mm })
    }

    /// Which voxels lie in `mask`, which may have another grid.
    pub(crate) fn covered(&self, mask: &Mask) -> Array3<bool> {
        Array3::from_shape_fn(self.grid.shape_zyx(), |(z, y, x)| {
            let place = self.grid.patient_point(DVec3::new(x as f64, y as f64, z as f64));
            mask.grid().voxel_near(place.to_array()).is_some_and(|voxel| mask.voxels()[voxel])
        })
    }

    /// The voxel in the middle.
    pub(crate) fn middle(&self) -> [usize; 3] {
        self.grid.shape_zyx().map(|side| side / 2)
    }
}

/// Distance of two voxels in voxels.
pub(crate) fn apart(a: [usize; 3], b: [usize; 3]) -> f32 {
    (0..3).map(|axis| (a[axis] as f32 - b[axis] as f32).powi(2)).sum::<f32>().sqrt()
}
