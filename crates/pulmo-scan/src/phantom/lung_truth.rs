//! Where a phantom's lungs and airways are.

use ndarray::{Array2, Array3, Axis};
use rayon::prelude::*;

use glam::{DVec2, DVec3};

use super::PhantomError;
use super::anatomy::Side;
use super::lungs::LungLevel;
use super::scanner::ScanGeometry;
use super::scene::Scene;
use super::shape::{Tube, narrow};
use crate::volume::Mask;

/// Main airways are wider than this, the bronchi inside the lungs narrower.
const MAIN_RADIUS_MM: f64 = 4.6;

/// LungSpace and main airways of one study, on its grid: a voxel belongs where its centre does.
#[derive(Debug, Clone, PartialEq)]
pub struct LungTruth {
    /// The right lung up to pleura and mediastinum, with its vessels, nodules, consolidated parts and effusion;
    /// `None` where there is none.
    pub right: Option<Mask>,
    /// The left lung.
    pub left: Option<Mask>,
    /// The lumen of trachea and main bronchi, which is no part of the lungs.
    pub airway: Mask,
}

/// What a voxel belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Lung(Side),
    Airway,
    Other,
}

impl LungTruth {
    pub(super) fn of(scene: &Scene, geometry: &ScanGeometry) -> Result<Self, PhantomError> {
        let grid = geometry.grid;
        let mut parts = Array3::from_elem(grid.shape_zyx(), Part::Other);
        parts.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut slice)| {
            slice.assign(&slice_parts(scene, geometry, geometry.first_z_mm + geometry.step_z_mm * z as f64));
        });
        let mask = |part: Part| Mask::new(grid, parts.mapv(|own| own == part));
        let lung =
            |side: Side| Ok::<_, PhantomError>(Some(mask(Part::Lung(side))?).filter(|mask| mask.count() > 0));
        Ok(Self { right: lung(Side::Right)?, left: lung(Side::Left)?, airway: mask(Part::Airway)? })
    }
}

fn slice_parts(scene: &Scene, geometry: &ScanGeometry, z_mm: f64) -> Array2<Part> {
    let plane = geometry.plane;
    let level = LungLevel::new(&scene.anatomy, z_mm);
    let airways: Vec<&Tube> =
        scene.airways.crossing(z_mm).filter(|tube| tube.widest_mm() > MAIN_RADIUS_MM).collect();
    let ribs = scene.skeleton.ribs_at(z_mm);
    let trunks: Vec<&Tube> = scene.trunks.crossing(z_mm).collect();
    let held = |tubes: &[&Tube], place: DVec3| tubes.iter().any(|tube| tube.distance(place).surface_mm < 0.0);
    Array2::from_shape_fn((plane.matrix, plane.matrix), |(row, column)| {
        let at = plane.origin_mm + plane.axes * DVec2::new(column as f64, row as f64) * plane.pixel_mm;
        let place = at.extend(z_mm);
        match level.side(narrow(at.x), narrow(at.y)) {
            _ if held(&airways, place) => Part::Airway,
            Some(side) if !scene.lacks(side) && !held(&trunks, place) && !ribs.hold(at) => Part::Lung(side),
            _ => Part::Other,
        }
    })
}
