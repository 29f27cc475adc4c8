//! Which voxels around a place are a nodule.

use std::ops::Range;

use glam::DVec3;
use ndarray::{Array3, Zip};

use crate::NoduleError;
use crate::blob::Blob;
use crate::cube::{Cube, apart};
use crate::distance::{dilated, eroded, part_with, squared_distance, within, without};
use crate::gaussian::smoothed;
use crate::narrow::narrow;
use pulmo_scan::geometry::{Grid, whole};
use pulmo_scan::units::{Hounsfield, Millimetres};
use pulmo_scan::volume::{Mask, Volume};

/// How far from the place given a nodule is followed.
const REACH_MM: Millimetres = 25.0;
/// Standard deviation of the smoothing before the threshold, against noise.
const SMOOTH_MM: Millimetres = 0.6;
/// Where between lung (0) and nodule (1) the outline is drawn: readers draw it where something begins to show.
const OUTLINE: f32 = 0.3;
/// A ball this many times as wide as fits into the nodule fits into what it hangs on, but not into it.
const WALL: f32 = 1.5;
/// A ball this many times as wide as fits into the nodule fits through none of the vessels that reach it.
const VESSEL: f32 = 0.5;
/// The core lies within this many radii of the ball that the nodule resembles.
const BOUND: f32 = 1.2;
/// How far beyond the mask of the lungs a nodule may reach.
const BEYOND_LUNGS_MM: Millimetres = 1.5;
/// The edge is as wide as this on either side of the outline: blur of scanner and kernel.
const EDGE_MM: Millimetres = 1.5;
/// A rim of less than this share of the nodule's contrast is the haze of a part-solid nodule, not blur.
const HAZY_RIM: f32 = 0.6;

/// A nodule cut out of its surroundings, on a cube of isotropic voxels along the patient's axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// The nodule as readers outline it.
    pub mask: Mask,
    /// The values on the mask's grid in Hounsfield units, `[z, y, x]`.
    pub hu: Array3<f32>,
    /// How much of each voxel the nodule fills, 0 to 1 but for noise at the edge, `[z, y, x]`.
    pub filled: Array3<f32>,
    /// How dense the nodule is inside.
    pub nodule_hu: Hounsfield,
    /// How dense the aerated lung around it is.
    pub lung_hu: Hounsfield,
}

impl Segmentation {
    /// The nodule at a place in patient space, `[x, y, z]` LPS, which need not be its exact middle.
    ///
    /// Everything denser than a threshold between the nodule and the lung around it; without what a ball fits into
    /// that is wider than the nodule (chest wall, diaphragm, mediastinum); without what a ball of half the nodule's
    /// width does not fit into (vessels); as far as it hangs together. How wide the nodule is, is told by the ball that
    /// it resembles most. So no threshold is fixed: ground glass has a lower one than soft tissue.
    ///
    /// With `lungs`, nodules included, what lies outside them is no nodule either, unless the place given does.
    ///
    /// # Errors
    /// [`NoduleError`] where the place is outside, nothing stands out there, or the volume has no size in millimetres.
    ///
    /// # References
    /// Kuhnigk et al. 2006, doi:10.1109/TMI.2006.871547: erosion as strong as the nodule needs, and edges by partial
    /// volume.
    pub fn at(
        volume: &Volume,
        place_mm: [Millimetres; 3],
        lungs: Option<&Mask>,
    ) -> Result<Self, NoduleError> {
        let cube = Cube::around(volume, DVec3::from(place_mm), REACH_MM)?;
        let smooth = smoothed(&cube.hu, SMOOTH_MM / cube.voxel_mm);
        let blob = Blob::in_middle(&cube, &smooth)?;
        let outline_hu = blob.lung_hu + OUTLINE * blob.contrast_hu();
        let tissue = smooth.mapv(|hu| hu > outline_hu);
        let lungs = lungs.map(|lungs| dilated(&cube.covered(lungs), narrow(BEYOND_LUNGS_MM / cube.voxel_mm)));
        let lungs = lungs.filter(|lungs| lungs[blob.seed]);
        let region = detached(&tissue, &blob, lungs.as_ref());
        let filled = filled(&cube, &tissue, &region, &blob);
        Ok(Self {
            mask: Mask::new(cube.grid, region)?,
            hu: cube.hu,
            filled,
            nodule_hu: blob.nodule_hu,
            lung_hu: blob.lung_hu,
        })
    }

    /// Volume in cubic millimetres, voxels at the edge counted as far as they are filled.
    pub fn volume_mm3(&self) -> f64 {
        let filled: f64 = self.filled.iter().map(|share| f64::from(*share)).sum();
        filled.max(0.0) * self.mask.grid().voxel_mm3()
    }

    /// Where a voxel's centre lies in the patient.
    pub(crate) fn place_mm(&self, [z, y, x]: [usize; 3]) -> DVec3 {
        self.mask.grid().patient_point(DVec3::new(x as f64, y as f64, z as f64))
    }

    /// Whether a place lies in the nodule.
    pub(crate) fn holds(&self, place_mm: DVec3) -> bool {
        self.mask.grid().voxel_near(place_mm.to_array()).is_some_and(|voxel| self.mask.voxels()[voxel])
    }

    /// The centres of the voxels that have others than the nodule's beside them.
    pub(crate) fn surface_mm(&self) -> Vec<DVec3> {
        let surface = without(self.mask.voxels().clone(), &eroded(self.mask.voxels(), 1.0));
        let voxels = surface.indexed_iter().filter(|(_, inside)| **inside);
        voxels.map(|((z, y, x), _)| self.place_mm([z, y, x])).collect()
    }

    /// The nodule on a window of another grid, that of a scan: the voxels whose centres lie in it; `None` where none does.
    pub fn mask_on(&self, grid: &Grid) -> Option<Mask> {
        let ranges = box_on(grid, self.mask.grid());
        let window = grid.window(
            std::array::from_fn(|axis| ranges[axis].start.cast_signed()),
            std::array::from_fn(|axis| ranges[axis].len()),
        );
        let window = window.ok()?;
        let holds = |(z, y, x): (usize, usize, usize)| {
            self.holds(window.patient_point(DVec3::new(x as f64, y as f64, z as f64)))
        };
        let mask = Mask::new(window, Array3::from_shape_fn(window.shape_zyx(), holds)).ok()?;
        (mask.count() > 0).then_some(mask)
    }
}

/// The voxels of `grid` among which those of `other` lie, along `[z, y, x]`.
fn box_on(grid: &Grid, other: &Grid) -> [Range<usize>; 3] {
    let last = other.shape_zyx().map(|side| side as f64 - 1.0);
    let corner = |index: usize| {
        let [z, y, x]: [f64; 3] =
            std::array::from_fn(|axis| if index >> axis & 1 == 1 { last[axis] } else { 0.0 });
        grid.voxel_point(other.patient_point(DVec3::new(x, y, z)))
    };
    let low = (0..8).map(corner).fold(DVec3::INFINITY, DVec3::min).floor();
    let high = (0..8).map(corner).fold(DVec3::NEG_INFINITY, DVec3::max).ceil() + 1.0;
    std::array::from_fn(|axis| {
        let side = grid.shape_zyx()[axis];
        whole(low[2 - axis]).min(side)..whole(high[2 - axis]).min(side)
    })
}

/// The part of the tissue that is the nodule, freed of the wall and of vessels.
fn detached(tissue: &Array3<bool>, blob: &Blob, lungs: Option<&Array3<bool>>) -> Array3<bool> {
    let depth = squared_distance(tissue).mapv(f32::sqrt);
    let near_seed = |voxel| apart(voxel, blob.seed) <= (0.6 * blob.radius).max(1.0);
    let deepest = depth.indexed_iter().filter(|((z, y, x), _)| near_seed([*z, *y, *x]));
    let deepest = deepest.map(|(_, depth)| *depth).fold(1.0, f32::max);
    let fits = deepest.min(1.25 * blob.radius).max(1.0);
    let wide = WALL * fits.max(0.8 * blob.radius) + 1.0;
    let wall = within(dilated(&depth.mapv(|depth| depth > wide), wide + 0.5), tissue);
    let free = without(tissue.clone(), &wall);
    let free = if free[blob.seed] { free } else { tissue.clone() };
    let free = match lungs {
        Some(lungs) => within(free, lungs),
        None => free,
    };
    without_vessels(&free, blob, VESSEL * fits)
}

/// What hangs together with the seed once everything is gone that a ball of `radius` does not fit into.
fn without_vessels(free: &Array3<bool>, blob: &Blob, radius: f32) -> Array3<bool> {
    let mut core = eroded(free, radius);
    core.indexed_iter_mut()
        .for_each(|((z, y, x), inside)| *inside &= apart([z, y, x], blob.seed) <= BOUND * blob.radius + 2.0);
    let inside = core.indexed_iter().filter(|(_, inside)| **inside).map(|((z, y, x), _)| [z, y, x]);
    let nearest = inside.min_by(|a, b| apart(*a, blob.seed).total_cmp(&apart(*b, blob.seed)));
    match nearest {
        Some(nearest) => within(dilated(&part_with(&core, nearest), radius + 0.5), free),
        None => part_with(free, blob.seed),
    }
}

/// How much of each voxel the nodule fills: all inside, none far from it and in other tissue, and at the edge by its
/// density between that of what lies beyond the edge and that of the nodule's rim.
fn filled(cube: &Cube, tissue: &Array3<bool>, region: &Array3<bool>, blob: &Blob) -> Array3<f32> {
    let edge = narrow(EDGE_MM / cube.voxel_mm);
    let inside = eroded(region, edge);
    let around = dilated(region, edge);
    let other = without(tissue.clone(), region);
    let beyond = without(without(dilated(region, 2.0 * edge), &around), &dilated(&other, 1.0));
    let lung_hu =
        mean(&cube.hu, &beyond).unwrap_or(blob.lung_hu).min(blob.lung_hu + 0.2 * blob.contrast_hu());
    let rim = without(inside.clone(), &eroded(region, 2.0 * edge));
    let rim_hu = mean(&cube.hu, &rim).filter(|rim_hu| *rim_hu < lung_hu + HAZY_RIM * blob.contrast_hu());
    let contrast_hu = (rim_hu.unwrap_or(blob.nodule_hu) - lung_hu).max(1.0);
    let mut filled = cube.hu.mapv(|hu| ((hu - lung_hu) / contrast_hu).min(1.0));
    Zip::from(&mut filled).and(&inside).and(&around).and(&other).for_each(|share, inside, around, other| {
        *share = match (inside, around, other) {
            (true, ..) => 1.0,
            (_, true, false) => *share,
            _ => 0.0,
        }
    });
    filled
}

/// The mean of the values in a region; `None` where it is empty.
fn mean(hu: &Array3<f32>, region: &Array3<bool>) -> Option<Hounsfield> {
    let inside = hu.iter().zip(region).filter(|(_, inside)| **inside);
    let (sum, count) = inside.fold((0.0, 0.0), |(sum, count), (hu, _)| (sum + f64::from(*hu), count + 1.0));
    (count > 0.0).then(|| narrow(sum / count))
}
