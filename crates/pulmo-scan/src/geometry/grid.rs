//! The grid on which a volume's voxels lie.

use glam::{DAffine3, DMat3, DVec3};

/// Why a grid cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// A side has no voxels.
    #[error("a grid needs at least one voxel along each axis, not {shape_zyx:?}")]
    Empty {
        /// The shape asked for, `[z, y, x]`.
        shape_zyx: [usize; 3],
    },
    /// A spacing is not a positive finite number.
    #[error("voxel spacing must be positive and finite, not {spacing_zyx:?}")]
    Spacing {
        /// The spacing asked for, `[z, y, x]`.
        spacing_zyx: [f64; 3],
    },
    /// The axes are not three independent finite directions.
    #[error("the grid's axes do not span space (determinant {determinant})")]
    Singular {
        /// Determinant of the matrix of axes.
        determinant: f64,
    },
}

/// What one unit of a grid's world coordinates is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Millimetres in patient space: the grid comes from CT.
    Millimetre,
    /// Pixels: the grid comes from a picture file that states no size.
    Pixel,
}

/// A regular grid of voxels in patient space.
///
/// `patient_from_voxel` maps the index `(x, y, z)` = (column, row, slice) of a voxel's centre
/// to LPS millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    shape_zyx: [usize; 3],
    patient_from_voxel: DAffine3,
    unit: Unit,
}

impl Grid {
    /// A grid in patient millimetres.
    ///
    /// # Errors
    /// [`GridError`] where a side is empty or the axes do not span space.
    pub fn new(shape_zyx: [usize; 3], patient_from_voxel: DAffine3) -> Result<Self, GridError> {
        if shape_zyx.contains(&0) {
            return Err(GridError::Empty { shape_zyx });
        }
        let determinant = patient_from_voxel.matrix3.determinant();
        if !patient_from_voxel.is_finite() || determinant.abs() < 1e-12 {
            return Err(GridError::Singular { determinant });
        }
        Ok(Self { shape_zyx, patient_from_voxel, unit: Unit::Millimetre })
    }

    /// A grid aligned with the patient's axes, its first voxel's centre at the origin.
    ///
    /// # Errors
    /// [`GridError`] where a side is empty or a spacing is not positive.
    pub fn aligned(shape_zyx: [usize; 3], spacing_mm_zyx: [f64; 3]) -> Result<Self, GridError> {
        if spacing_mm_zyx.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(GridError::Spacing { spacing_zyx: spacing_mm_zyx });
        }
        let [z, y, x] = spacing_mm_zyx;
        Self::new(shape_zyx, DAffine3::from_scale(DVec3::new(x, y, z)))
    }

    /// The grid of a picture of `rows` x `columns` pixels, which has no size in millimetres.
    ///
    /// # Errors
    /// [`GridError::Empty`] where a side is empty.
    pub fn of_picture(rows: usize, columns: usize) -> Result<Self, GridError> {
        Ok(Self { unit: Unit::Pixel, ..Self::aligned([1, rows, columns], [1.0; 3])? })
    }

    /// Voxels along `[z, y, x]`.
    pub fn shape_zyx(&self) -> [usize; 3] {
        self.shape_zyx
    }

    /// Voxels in all.
    pub fn len(&self) -> usize {
        self.shape_zyx.iter().product()
    }

    /// Always false: a grid has at least one voxel.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The map from a voxel index `(x, y, z)` to LPS millimetres.
    pub fn patient_from_voxel(&self) -> DAffine3 {
        self.patient_from_voxel
    }

    /// The unit of the grid's world coordinates.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Distance between neighbouring voxel centres along `[z, y, x]`, in millimetres
    /// (1 pixel for a picture).
    pub fn spacing_mm(&self) -> [f64; 3] {
        let axes = self.patient_from_voxel.matrix3;
        [axes.z_axis.length(), axes.y_axis.length(), axes.x_axis.length()]
    }

    /// Unit vectors of the voxel axes `[z, y, x]` in patient space.
    pub fn direction(&self) -> [DVec3; 3] {
        let axes = self.patient_from_voxel.matrix3;
        [axes.z_axis.normalize(), axes.y_axis.normalize(), axes.x_axis.normalize()]
    }

    /// Centre of the first voxel in LPS millimetres.
    pub fn origin_mm(&self) -> DVec3 {
        self.patient_from_voxel.translation
    }

    /// Volume of one voxel in cubic millimetres.
    pub fn voxel_mm3(&self) -> f64 {
        self.patient_from_voxel.matrix3.determinant().abs()
    }

    /// Length covered along `[z, y, x]`, outer voxel edges included, in millimetres.
    pub fn extent_mm(&self) -> [f64; 3] {
        let spacing = self.spacing_mm();
        std::array::from_fn(|axis| self.shape_zyx[axis] as f64 * spacing[axis])
    }

    /// Patient position of the (fractional) voxel index `(x, y, z)`.
    pub fn patient_point(&self, voxel_xyz: DVec3) -> DVec3 {
        self.patient_from_voxel.transform_point3(voxel_xyz)
    }

    /// Fractional voxel index `(x, y, z)` of a patient position.
    pub fn voxel_point(&self, patient_mm: DVec3) -> DVec3 {
        self.patient_from_voxel.inverse().transform_point3(patient_mm)
    }

    /// Index `[z, y, x]` of the voxel that holds a patient position `[x, y, z]`; `None` outside.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the grid")]
    pub fn voxel_near(&self, patient_mm: [f64; 3]) -> Option<[usize; 3]> {
        let [x, y, z] = self.voxel_point(DVec3::from(patient_mm)).round().to_array();
        let inside = [z, y, x].iter().zip(self.shape_zyx).all(|(at, side)| (0.0..side as f64).contains(at));
        inside.then_some([z as usize, y as usize, x as usize])
    }

    /// The grid of a box of this one that starts at voxel `start_zyx` (which may lie outside)
    /// and has `shape_zyx` voxels.
    ///
    /// # Errors
    /// [`GridError::Empty`] where a side is empty.
    pub fn window(&self, start_zyx: [isize; 3], shape_zyx: [usize; 3]) -> Result<Self, GridError> {
        let [z, y, x] = start_zyx.map(|s| s as f64);
        self.derived(shape_zyx, DAffine3::from_translation(DVec3::new(x, y, z)))
    }

    /// The grid that covers the same space with other voxel counts: the outer edges stay, the
    /// spacing becomes `extent / shape`.
    ///
    /// # Errors
    /// [`GridError::Empty`] where a side is empty.
    pub fn resized(&self, shape_zyx: [usize; 3]) -> Result<Self, GridError> {
        let [z, y, x] = std::array::from_fn(|a| self.shape_zyx[a] as f64 / shape_zyx[a].max(1) as f64);
        let scale = DVec3::new(x, y, z);
        let shift = (scale - DVec3::ONE) * 0.5;
        self.derived(shape_zyx, DAffine3::from_mat3_translation(DMat3::from_diagonal(scale), shift))
    }

    /// The grid whose voxels lie `stride_zyx` of this one's voxels apart, the first of them at the
    /// fractional voxel `first_zyx`.
    ///
    /// # Errors
    /// [`GridError`] where a side is empty or a stride is zero.
    pub fn strided(
        &self,
        shape_zyx: [usize; 3],
        stride_zyx: [f64; 3],
        first_zyx: [f64; 3],
    ) -> Result<Self, GridError> {
        let [stride, first] = [stride_zyx, first_zyx].map(|[z, y, x]| DVec3::new(x, y, z));
        self.derived(shape_zyx, DAffine3::from_mat3_translation(DMat3::from_diagonal(stride), first))
    }

    /// The grid whose voxel `v` lies at this grid's voxel `voxel_from_new(v)`.
    ///
    /// # Errors
    /// [`GridError`] where a side is empty or the map is singular.
    pub fn derived(&self, shape_zyx: [usize; 3], voxel_from_new: DAffine3) -> Result<Self, GridError> {
        let grid = Self::new(shape_zyx, self.patient_from_voxel * voxel_from_new)?;
        Ok(Self { unit: self.unit, ..grid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resizing_keeps_the_outer_edges() {
        let grid = Grid::aligned([10, 20, 30], [2.0, 1.0, 0.5]).unwrap();
        let resized = grid.resized([5, 40, 7]).unwrap();
        let low = DVec3::splat(-0.5);
        let high = |g: &Grid| {
            let [z, y, x] = g.shape_zyx().map(|n| n as f64 - 0.5);
            g.patient_point(DVec3::new(x, y, z))
        };
        assert!((grid.patient_point(low) - resized.patient_point(low)).length() < 1e-9);
        assert!((high(&grid) - high(&resized)).length() < 1e-9);
        assert_eq!(resized.extent_mm().map(|e| (e * 1e6).round()), [20e6, 20e6, 15e6]);
    }

    #[test]
    fn a_window_starts_at_its_voxel() {
        let grid = Grid::aligned([4, 4, 4], [3.0, 2.0, 1.0]).unwrap();
        let window = grid.window([1, -1, 2], [2, 2, 2]).unwrap();
        assert_eq!(window.origin_mm(), DVec3::new(2.0, -2.0, 3.0));
        assert_eq!(window.spacing_mm(), [3.0, 2.0, 1.0]);
    }

    #[test]
    fn a_position_lies_in_one_voxel() {
        let grid = Grid::aligned([4, 4, 4], [3.0, 2.0, 1.0]).unwrap();
        assert_eq!(grid.voxel_near([2.4, 0.9, 9.0]), Some([3, 0, 2]));
        assert_eq!(grid.voxel_near([-0.6, 0.0, 0.0]), None);
        assert_eq!(grid.voxel_near([0.0, 0.0, 10.6]), None);
    }

    #[test]
    fn empty_and_singular_grids_are_refused() {
        assert!(matches!(Grid::aligned([0, 1, 1], [1.0; 3]), Err(GridError::Empty { .. })));
        assert!(matches!(Grid::aligned([1; 3], [0.0, 1.0, 1.0]), Err(GridError::Spacing { .. })));
        assert!(matches!(Grid::new([1; 3], DAffine3::ZERO), Err(GridError::Singular { .. })));
    }
}
