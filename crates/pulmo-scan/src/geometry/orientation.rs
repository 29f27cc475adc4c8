//! How a grid's axes lie with respect to the patient's.

use super::Grid;

/// The reordering that brings a grid's axes closest to the patient's LPS axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanonicalAxes {
    /// For each canonical axis `[z, y, x]`, the stored axis (0 = z, 1 = y, 2 = x) that runs along it.
    pub source_axis: [usize; 3],
    /// For each canonical axis `[z, y, x]`, whether the stored axis runs the other way.
    pub flipped: [bool; 3],
    /// Largest angle between a stored axis and its patient axis, in degrees; 0 for an axial scan.
    pub obliquity_degrees: f64,
}

/// Returns which stored axis runs along which patient axis, and in which sense.
///
/// Canonical is `[z, y, x]` with z towards the head, y towards the back and x towards the
/// patient's left: each index grows along its LPS axis. The best of the six assignments (largest
/// sum of absolute cosines) is taken, so that oblique grids still get three different axes.
pub fn canonical_axes(grid: &Grid) -> CanonicalAxes {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let direction = grid.direction();
    // cosine[stored][canonical]: both in the order z, y, x.
    let cosine = direction.map(|d| [d.z, d.y, d.x]);
    let score = |order: &[usize; 3]| (0..3).map(|axis| cosine[order[axis]][axis].abs()).sum::<f64>();
    let source_axis = ORDERS
        .into_iter()
        .fold([0, 1, 2], |best, order| if score(&order) > score(&best) + 1e-9 { order } else { best });
    let along: [f64; 3] = std::array::from_fn(|axis| cosine[source_axis[axis]][axis]);
    let worst = along.iter().fold(1.0_f64, |worst, c| worst.min(c.abs()));
    CanonicalAxes {
        source_axis,
        flipped: along.map(|c| c < 0.0),
        obliquity_degrees: worst.min(1.0).acos().to_degrees(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine3, DMat3, DVec3};

    #[test]
    fn an_axial_head_first_scan_is_canonical() {
        let axes = canonical_axes(&Grid::aligned([2, 3, 4], [1.0, 2.0, 3.0]).unwrap());
        assert_eq!(axes.source_axis, [0, 1, 2]);
        assert_eq!(axes.flipped, [false; 3]);
        assert!(axes.obliquity_degrees < 1e-6);
    }

    #[test]
    fn a_coronal_stack_is_recognised() {
        // columns to the left, rows to the feet, slices to the back
        let matrix = DMat3::from_cols(DVec3::X, -DVec3::Z, DVec3::Y);
        let axes = canonical_axes(&Grid::new([5, 6, 7], DAffine3::from_mat3(matrix)).unwrap());
        assert_eq!(axes.source_axis, [1, 0, 2]);
        assert_eq!(axes.flipped, [true, false, false]);
    }

    #[test]
    fn obliquity_is_the_angle_to_the_patient_axis() {
        let matrix = DMat3::from_rotation_x(15f64.to_radians());
        let axes = canonical_axes(&Grid::new([5, 6, 7], DAffine3::from_mat3(matrix)).unwrap());
        assert_eq!(axes.source_axis, [0, 1, 2]);
        assert!((axes.obliquity_degrees - 15.0).abs() < 1e-9);
    }
}
