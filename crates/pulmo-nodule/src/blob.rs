//! The ball that a nodule resembles, and how dense it and the lung around it are.

use ndarray::Array3;

use crate::NoduleError;
use crate::cube::{Cube, apart};
use crate::gaussian::smoothed;
use crate::narrow::narrow;
use crate::scales::{bulge, diameters, seen, sigma_mm};
use pulmo_scan::units::{Hounsfield, Millimetres};

/// Smallest and largest ball that is tried.
const DIAMETERS_MM: [Millimetres; 2] = [3.0, 30.0];
/// How far from the place given the middle of a nodule may lie: as far, or half its radius where that is less.
const OFF_MM: Millimetres = 3.0;
/// How far beyond the ball the lung around it is looked at.
const AROUND_MM: Millimetres = 10.0;
/// Below this is aerated lung.
const AERATED_HU: Hounsfield = -600.0;
/// What aerated lung is taken for where there is none around.
const LUNG_HU: Hounsfield = -850.0;
/// Soft tissue without calcium or contrast medium: denser cores do not raise the level.
const SOFT_TISSUE_HU: Hounsfield = 60.0;
/// The least difference from the lung that can be outlined.
const LEAST_CONTRAST_HU: Hounsfield = 80.0;

/// The ball that something resembles.
pub(crate) struct Blob {
    /// The densest voxel near its middle, after smoothing.
    pub(crate) seed: [usize; 3],
    /// In voxels.
    pub(crate) radius: f32,
    /// How dense its inside is.
    pub(crate) nodule_hu: Hounsfield,
    /// How dense the aerated lung around it is.
    pub(crate) lung_hu: Hounsfield,
}

impl Blob {
    /// The ball that is most like what lies in the middle of a cube.
    pub(crate) fn in_middle(cube: &Cube, smooth: &Array3<f32>) -> Result<Self, NoduleError> {
        let values = cube.hu.mapv(seen);
        let (middle, diameter_mm) = best_ball(cube, &values);
        let radius = narrow(diameter_mm / 2.0 / cube.voxel_mm);
        let dense = smoothed(&values, 1.0 / cube.voxel_mm);
        let seed = densest(&dense, middle, (radius * 0.5).max(1.0));
        let inside = within_ball(smooth, seed, (radius * 0.4).max(1.5));
        let nodule_hu = median(inside).unwrap_or(LUNG_HU).min(SOFT_TISSUE_HU);
        let around = within_ball(smooth, seed, radius + narrow(AROUND_MM / cube.voxel_mm));
        let lung_hu = median(around.into_iter().filter(|hu| *hu < AERATED_HU).collect()).unwrap_or(LUNG_HU);
        if nodule_hu < lung_hu + LEAST_CONTRAST_HU {
            return Err(NoduleError::Nothing { level_hu: nodule_hu, lung_hu });
        }
        Ok(Self { seed, radius, nodule_hu, lung_hu })
    }

    pub(crate) fn contrast_hu(&self) -> Hounsfield {
        self.nodule_hu - self.lung_hu
    }
}

/// Where near the middle, and for which diameter, the scale-normalised Laplacian is largest.
fn best_ball(cube: &Cube, values: &Array3<f32>) -> ([usize; 3], Millimetres) {
    let middle = cube.middle();
    let [least_mm, most_mm] = DIAMETERS_MM;
    let (mut best, mut found) = (0.0, (middle, least_mm));
    for diameter_mm in diameters(least_mm, most_mm) {
        let sigma = sigma_mm(diameter_mm) / cube.voxel_mm;
        let smooth = smoothed(values, sigma);
        let off = (OFF_MM.min(diameter_mm / 2.0) / cube.voxel_mm).max(1.0);
        for voxel in voxels_near(middle, narrow(off)) {
            let answer = sigma * sigma * f64::from(bulge(&smooth.view(), voxel));
            if answer > best {
                (best, found) = (answer, (voxel, diameter_mm));
            }
        }
    }
    found
}

/// The densest voxel within `reach` voxels of another.
fn densest(values: &Array3<f32>, middle: [usize; 3], reach: f32) -> [usize; 3] {
    let denser = |best: [usize; 3], voxel| if values[voxel] > values[best] { voxel } else { best };
    voxels_near(middle, reach).fold(middle, denser)
}

fn within_ball(values: &Array3<f32>, middle: [usize; 3], reach: f32) -> Vec<f32> {
    let (slices, rows, columns) = values.dim();
    let inside = |[z, y, x]: &[usize; 3]| *z < slices && *y < rows && *x < columns;
    voxels_near(middle, reach).filter(inside).map(|voxel| values[voxel]).collect()
}

/// The voxels within `reach` voxels of another, none below 0.
fn voxels_near(middle: [usize; 3], reach: f32) -> impl Iterator<Item = [usize; 3]> {
    let side = pulmo_scan::geometry::whole(f64::from(reach));
    let along = move |axis: usize| middle[axis].saturating_sub(side)..=middle[axis] + side;
    let all = along(0).flat_map(move |z| along(1).flat_map(move |y| along(2).map(move |x| [z, y, x])));
    all.filter(move |voxel| apart(*voxel, middle) <= reach)
}

/// The middle of some values; `None` where there are none.
fn median(mut values: Vec<f32>) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}
