//! The sizes at which balls are sought, and how much something stands out as one.

use glam::{DMat3, DVec3};
use ndarray::{Array3, ArrayView3};

use crate::narrow::narrow;
use pulmo_scan::units::{Hounsfield, Millimetres};

/// Each diameter sought is this many times the one before: the response to a ball falls by 3 % half way to the next.
const STEP: f64 = 1.3;

/// What a ball of contrast 1 gives along each axis of the scale-normalised Hessian at its centre, where its radius is
/// the root of 3 standard deviations: `sqrt(6 / pi) * exp(-1.5)`.
const OF_A_BALL: f64 = 0.308_4;

/// The densest value that counts: soft tissue. Bone, calcium and contrast medium stand out no more than it.
const SOFT_TISSUE_HU: Hounsfield = 100.0;

/// The diameters sought, from `least_mm` to `most_mm`.
pub(crate) fn diameters(least_mm: Millimetres, most_mm: Millimetres) -> Vec<Millimetres> {
    let ladder = std::iter::successors(Some(least_mm), |diameter| Some(diameter * STEP));
    ladder.take_while(|diameter| *diameter < most_mm * 1.01).collect()
}

/// The standard deviation at which a ball of a diameter answers most: its radius over the root of 3.
pub(crate) fn sigma_mm(diameter_mm: Millimetres) -> Millimetres {
    diameter_mm / 2.0 / 3f64.sqrt()
}

/// A value as the filters see it.
pub(crate) fn seen(hu: Hounsfield) -> Hounsfield {
    hu.clamp(-1000.0, SOFT_TISSUE_HU)
}

/// Minus the Laplacian at an inner voxel, per squared voxel.
pub(crate) fn bulge(values: &ArrayView3<'_, f32>, [z, y, x]: [usize; 3]) -> f32 {
    6.0 * values[[z, y, x]]
        - values[[z - 1, y, x]]
        - values[[z + 1, y, x]]
        - values[[z, y - 1, x]]
        - values[[z, y + 1, x]]
        - values[[z, y, x - 1]]
        - values[[z, y, x + 1]]
}

/// How much a voxel of `smoothed` stands out as a ball, in Hounsfield units: about its contrast for a ball of the size
/// that belongs to `sigma` voxels, little for a line or a sheet, 0 for what is no maximum along each direction.
///
/// With the Hessian's eigenvalues `|a| >= |b| >= |c|`, all negative: `c^2 / |a|`, scaled.
///
/// # References
/// Li, Sone and Doi 2003, doi:10.1118/1.1581411: selective enhancement of dots.
pub(crate) fn blobness(smoothed: &Array3<f32>, voxel: [usize; 3], sigma: f64) -> Hounsfield {
    let [most, _, least] = eigenvalues(hessian(smoothed, voxel)).to_array();
    // Ascending: the first is the most negative.
    if least >= 0.0 {
        return 0.0;
    }
    narrow(sigma * sigma * least * least / most.abs() / OF_A_BALL)
}

/// Second derivatives at an inner voxel, per squared voxel.
fn hessian(values: &Array3<f32>, [z, y, x]: [usize; 3]) -> DMat3 {
    let at = |dz: isize, dy: isize, dx: isize| {
        let place = [z.wrapping_add_signed(dz), y.wrapping_add_signed(dy), x.wrapping_add_signed(dx)];
        f64::from(values[place])
    };
    let twice = 2.0 * at(0, 0, 0);
    let xx = at(0, 0, 1) + at(0, 0, -1) - twice;
    let yy = at(0, 1, 0) + at(0, -1, 0) - twice;
    let zz = at(1, 0, 0) + at(-1, 0, 0) - twice;
    let xy = (at(0, 1, 1) + at(0, -1, -1) - at(0, 1, -1) - at(0, -1, 1)) / 4.0;
    let xz = (at(1, 0, 1) + at(-1, 0, -1) - at(1, 0, -1) - at(-1, 0, 1)) / 4.0;
    let yz = (at(1, 1, 0) + at(-1, -1, 0) - at(1, -1, 0) - at(-1, 1, 0)) / 4.0;
    DMat3::from_cols(DVec3::new(xx, xy, xz), DVec3::new(xy, yy, yz), DVec3::new(xz, yz, zz))
}

/// The eigenvalues of a symmetric matrix, rising.
///
/// # References
/// Smith 1961, doi:10.1145/355578.366316.
fn eigenvalues(matrix: DMat3) -> DVec3 {
    let [a, b, c] = [matrix.x_axis, matrix.y_axis, matrix.z_axis];
    let mean = (a.x + b.y + c.z) / 3.0;
    let spread = (a.x - mean).powi(2) + (b.y - mean).powi(2) + (c.z - mean).powi(2);
    let apart = ((spread + 2.0 * (a.y.powi(2) + a.z.powi(2) + b.z.powi(2))) / 6.0).sqrt();
    if apart < 1e-12 {
        return DVec3::splat(mean);
    }
    let shape = (matrix - DMat3::from_diagonal(DVec3::splat(mean))) * (1.0 / apart);
    let angle = (shape.determinant() / 2.0).clamp(-1.0, 1.0).acos() / 3.0;
    let highest = mean + 2.0 * apart * angle.cos();
    let lowest = mean + 2.0 * apart * (angle + std::f64::consts::TAU / 3.0).cos();
    DVec3::new(lowest, 3.0 * mean - highest - lowest, highest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian::smoothed;

    #[test]
    fn eigenvalues_are_those_of_a_turned_matrix() {
        let turn = DMat3::from_rotation_y(0.7) * DMat3::from_rotation_x(1.1);
        let found = eigenvalues(turn * DMat3::from_diagonal(DVec3::new(2.0, -5.0, -1.0)) * turn.transpose());
        assert!((found - DVec3::new(-5.0, -1.0, 2.0)).length() < 1e-9, "{found}");
        assert_eq!(eigenvalues(DMat3::from_diagonal(DVec3::splat(3.0))), DVec3::splat(3.0));
    }

    /// What the middle of a shape of contrast 900 HU gives at its own scale.
    fn of(inside: impl Fn([f64; 3]) -> bool, diameter: f64) -> f32 {
        let values = Array3::from_shape_fn((61, 61, 61), |(z, y, x)| {
            // Eight points a voxel, so that its edge is filled in part.
            let points = (0..8).filter(|corner| {
                let shift = |axis: usize| if corner >> axis & 1 == 1 { 0.25 } else { -0.25 };
                inside([z as f64 - 30.0 + shift(0), y as f64 - 30.0 + shift(1), x as f64 - 30.0 + shift(2)])
            });
            -850.0 + 900.0 * points.count() as f32 / 8.0
        });
        let sigma = sigma_mm(diameter);
        blobness(&smoothed(&values, sigma), [30; 3], sigma)
    }

    #[test]
    fn a_ball_gives_its_contrast_and_a_vessel_or_a_wall_next_to_nothing() {
        for diameter in [5.0, 8.0, 16.0] {
            let radius2 = diameter * diameter / 4.0;
            let ball = of(|[z, y, x]| z * z + y * y + x * x <= radius2, diameter);
            assert!((ball / 900.0 - 1.0).abs() < 0.12, "{ball} at {diameter}");
            let vessel = of(|[z, y, _]| z * z + y * y <= radius2, diameter);
            let wall = of(|[z, _, _]| z.abs() <= diameter / 2.0, diameter);
            assert!(vessel < 10.0 && wall < 10.0, "{vessel} {wall}");
        }
    }
}
