//! Where nodules may be: what stands out as a ball in the lungs, at any size.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::{Array3, ArrayView3, Axis, s};
use rayon::prelude::*;

use crate::NoduleError;
use crate::distance::dilated;
use crate::gaussian::smoothed;
use crate::narrow::narrow;
use crate::scales::{blobness, bulge, diameters, seen, sigma_mm};
use pulmo_scan::geometry::{Grid, Unit, whole};
use pulmo_scan::units::{Hounsfield, Millimetres};
use pulmo_scan::volume::{Mask, Volume, label};

/// Voxels of the finest grid that is searched.
const FINEST_MM: Millimetres = 1.0;
/// A grid of twice the voxel is used as soon as the filter is this many of its voxels wide: its error is below 2 %.
const WIDE_ENOUGH: f64 = 1.1;
/// What fills everything but the lungs: as dense as aerated lung, so that the wall is no edge.
const LUNG_HU: Hounsfield = -850.0;
/// Least distance of two candidates.
const APART_MM: Millimetres = 2.0;

/// Which candidates are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CandidateSettings {
    /// Smallest diameter sought; default 3 mm.
    pub least_mm: Millimetres,
    /// Largest diameter sought; default 30 mm, beyond which it is a mass.
    pub most_mm: Millimetres,
    /// How far beyond the mask of the lungs values count; default 2 mm. Centres lie in the mask, which therefore must hold
    /// the nodules that touch the pleura.
    pub margin_mm: Millimetres,
    /// Least blobness, default 60 HU: a third of the contrast of faint ground glass.
    pub least_blobness: Hounsfield,
    /// Most candidates, the best of them; default 200.
    pub at_most: usize,
}

impl Default for CandidateSettings {
    fn default() -> Self {
        Self { least_mm: 3.0, most_mm: 30.0, margin_mm: 2.0, least_blobness: 60.0, at_most: 200 }
    }
}

impl CandidateSettings {
    fn check(&self) -> Result<(), NoduleError> {
        let lengths = [
            ("the smallest diameter", self.least_mm, 2.0, self.most_mm),
            ("the largest diameter", self.most_mm, self.least_mm, 60.0),
            ("the margin around the lungs", self.margin_mm, 0.0, 20.0),
        ];
        let wrong = lengths.into_iter().find(|(_, found, least, most)| !(*least..=*most).contains(found));
        wrong.map_or(Ok(()), |(what, found, least, most)| {
            Err(NoduleError::Length { what, found, least, most })
        })
    }
}

/// A place where a nodule may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its middle in patient space, `[x, y, z]` LPS, to about a millimetre.
    pub centre_mm: [Millimetres; 3],
    /// Diameter of the ball that it resembles most, of the sizes sought, each 1.3 times the one before.
    pub diameter_mm: Millimetres,
    /// How much it stands out as a ball: about its contrast in Hounsfield units for a ball, little for a vessel.
    pub blobness: Hounsfield,
}

/// Returns what stands out as a ball in the lungs, the best first.
///
/// The lungs are taken at 1 mm along the patient's axes, everything else filled with the density of lung, and smoothed
/// by Gaussians of each size; large sizes on coarser grids. Kept are maxima of the Laplacian in space whose Hessian is
/// that of a ball, and of those that overlap the best.
///
/// # Units
/// `volume` in Hounsfield units; `lungs` may have another grid.
///
/// # Errors
/// [`NoduleError`] where a setting is out of range, or the volume has no size in millimetres.
pub fn candidates(
    volume: &Volume,
    lungs: &Mask,
    settings: &CandidateSettings,
) -> Result<Vec<Candidate>, NoduleError> {
    settings.check()?;
    if volume.grid().unit() == Unit::Pixel {
        return Err(NoduleError::NoMillimetres);
    }
    let Some(mut level) = Level::finest(volume, lungs, settings)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for diameter_mm in diameters(settings.least_mm, settings.most_mm) {
        while sigma_mm(diameter_mm) / (2.0 * level.voxel_mm) >= WIDE_ENOUGH {
            level = level.halved()?;
        }
        found.extend(level.balls(diameter_mm, settings.least_blobness));
    }
    Ok(best_apart(found, settings.at_most))
}

/// Of candidates that overlap the best, the best first.
fn best_apart(mut found: Vec<Candidate>, at_most: usize) -> Vec<Candidate> {
    let place = |a: &Candidate, b: &Candidate| {
        let along = |axis: usize| a.centre_mm[axis].total_cmp(&b.centre_mm[axis]);
        along(2).then(along(1)).then(along(0))
    };
    found.sort_by(|a, b| b.blobness.total_cmp(&a.blobness).then_with(|| place(a, b)));
    let mut kept: Vec<Candidate> = Vec::new();
    for one in found {
        let overlaps = |other: &Candidate| {
            let reach_mm = (one.diameter_mm.max(other.diameter_mm) / 2.0).max(APART_MM);
            DVec3::from(one.centre_mm).distance(other.centre_mm.into()) < reach_mm
        };
        if kept.len() < at_most && !kept.iter().any(overlaps) {
            kept.push(one);
        }
    }
    kept
}

/// The lungs on one grid along the patient's axes.
struct Level {
    grid: Grid,
    hu: Array3<f32>,
    /// Where is searched.
    searched: Array3<bool>,
    voxel_mm: Millimetres,
}

impl Level {
    /// The lungs at the finest grid; `None` where the mask is empty.
    fn finest(
        volume: &Volume,
        lungs: &Mask,
        settings: &CandidateSettings,
    ) -> Result<Option<Self>, NoduleError> {
        let Some(grid) = grid_around(lungs, settings.margin_mm + 2.0 * FINEST_MM)? else { return Ok(None) };
        let coarse = halved(&grid)?;
        let inside = in_lungs(lungs, &coarse);
        let near = dilated(&inside, narrow(settings.margin_mm / (2.0 * FINEST_MM)));
        let (grid, mut hu) = volume.placed_on(&grid, &grid).into_parts();
        let mut searched = Array3::from_elem(hu.dim(), false);
        let slices = hu.axis_iter_mut(Axis(0)).into_par_iter().zip(searched.axis_iter_mut(Axis(0)));
        slices.enumerate().for_each(|(z, (mut values, mut searched))| {
            for ((y, x), value) in values.indexed_iter_mut() {
                let block = [z / 2, y / 2, x / 2];
                searched[[y, x]] = inside[block];
                *value = if near[block] { seen(*value) } else { LUNG_HU };
            }
        });
        Ok(Some(Self { grid, hu, searched, voxel_mm: FINEST_MM }))
    }

    /// The same in blocks of 2 x 2 x 2 voxels.
    fn halved(&self) -> Result<Self, NoduleError> {
        let grid = halved(&self.grid)?;
        let mut hu = Array3::zeros(grid.shape_zyx());
        let mut searched = Array3::from_elem(hu.dim(), false);
        let slices = hu.axis_iter_mut(Axis(0)).into_par_iter().zip(searched.axis_iter_mut(Axis(0)));
        slices.enumerate().for_each(|(z, (mut values, mut inside))| {
            for ((y, x), value) in values.indexed_iter_mut() {
                let block = s![2 * z..2 * z + 2, 2 * y..2 * y + 2, 2 * x..2 * x + 2];
                *value = self.hu.slice(block).sum() / 8.0;
                inside[[y, x]] = self.searched.slice(block).iter().any(|inside| *inside);
            }
        });
        Ok(Self { grid, hu, searched, voxel_mm: 2.0 * self.voxel_mm })
    }

    /// What resembles balls of one diameter.
    fn balls(&self, diameter_mm: Millimetres, least: Hounsfield) -> Vec<Candidate> {
        let sigma = sigma_mm(diameter_mm) / self.voxel_mm;
        let smooth = smoothed(&self.hu, sigma);
        let bulges = bulges(&smooth);
        let [slices, rows, columns] = self.grid.shape_zyx();
        let in_slice = |z: usize| {
            let inner = (2..rows.saturating_sub(2))
                .flat_map(|y| (2..columns.saturating_sub(2)).map(move |x| [z, y, x]));
            let peaks = inner.filter(|voxel| self.searched[*voxel] && is_peak(&bulges, *voxel));
            let candidates = peaks.map(|voxel| Candidate {
                centre_mm: self.place_mm(voxel),
                diameter_mm,
                blobness: blobness(&smooth, voxel, sigma),
            });
            candidates.filter(|one| one.blobness >= least).collect::<Vec<_>>()
        };
        (2..slices.saturating_sub(2)).into_par_iter().flat_map_iter(in_slice).collect()
    }

    fn place_mm(&self, [z, y, x]: [usize; 3]) -> [Millimetres; 3] {
        self.grid.patient_point(DVec3::new(x as f64, y as f64, z as f64)).to_array()
    }
}

/// The Laplacian's negative at every inner voxel.
fn bulges(smooth: &Array3<f32>) -> Array3<f32> {
    let mut bulges = Array3::zeros(smooth.dim());
    let (slices, rows, columns) = smooth.dim();
    bulges.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut slice)| {
        if z == 0 || z + 1 == slices {
            return;
        }
        let around = smooth.slice(s![z - 1..z + 2, .., ..]);
        for y in 1..rows - 1 {
            for x in 1..columns - 1 {
                slice[[y, x]] = bulge(&around, [1, y, x]);
            }
        }
    });
    bulges
}

/// Whether a voxel is positive and above all 26 around it; of equals the first.
fn is_peak(bulges: &Array3<f32>, [z, y, x]: [usize; 3]) -> bool {
    let own = bulges[[z, y, x]];
    if own <= 0.0 || own < bulges[[z, y, x - 1]] || own < bulges[[z, y, x + 1]] {
        return false;
    }
    let around: ArrayView3<'_, f32> = bulges.slice(s![z - 1..z + 2, y - 1..y + 2, x - 1..x + 2]);
    let middle = 13;
    around.iter().enumerate().all(|(place, other)| if place < middle { own > *other } else { own >= *other })
}

/// The grid at 1 mm along the patient's axes around a mask, of even numbers of voxels; `None` where it is empty.
fn grid_around(lungs: &Mask, margin_mm: Millimetres) -> Result<Option<Grid>, NoduleError> {
    let Some(found) = lungs.bounding_box() else { return Ok(None) };
    let corner = |index: usize| {
        let side = |axis: usize, bit: usize| match index >> bit & 1 {
            0 => found.start_zyx[axis] as f64 - 0.5,
            _ => found.end_zyx[axis] as f64 - 0.5,
        };
        lungs.grid().patient_point(DVec3::new(side(2, 0), side(1, 1), side(0, 2)))
    };
    let first = (0..8).map(corner).fold(DVec3::INFINITY, DVec3::min) - margin_mm;
    let last = (0..8).map(corner).fold(DVec3::NEG_INFINITY, DVec3::max) + margin_mm;
    // A multiple of 16, so that halving four times leaves nothing over.
    let sides = ((last - first) / FINEST_MM).to_array().map(|side| whole(side.ceil()).div_ceil(16) * 16);
    let affine = DAffine3::from_mat3_translation(DMat3::from_diagonal(DVec3::splat(FINEST_MM)), first);
    Ok(Some(Grid::new([sides[2], sides[1], sides[0]], affine)?))
}

/// The grid of blocks of 2 x 2 x 2 voxels.
fn halved(grid: &Grid) -> Result<Grid, NoduleError> {
    Ok(grid.resized(grid.shape_zyx().map(|side| side / 2))?)
}

/// Which voxels of `grid` lie in the lungs or are enclosed by them.
fn in_lungs(lungs: &Mask, grid: &Grid) -> Array3<bool> {
    let mut inside = Array3::from_elem(grid.shape_zyx(), false);
    inside.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut slice)| {
        for ((y, x), inside) in slice.indexed_iter_mut() {
            let place = grid.patient_point(DVec3::new(x as f64, y as f64, z as f64));
            *inside = lungs.grid().voxel_near(place.to_array()).is_some_and(|voxel| lungs.voxels()[voxel]);
        }
    });
    without_holes(&inside)
}

/// A region with what it encloses: large nodules are holes in a mask of what holds air.
fn without_holes(region: &Array3<bool>) -> Array3<bool> {
    let outside = label(&region.mapv(|inside| !inside)).select(|number, _| number == 1);
    outside.mapv(|outside| !outside)
}
