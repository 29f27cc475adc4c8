//! Where in the lungs something lies.

use glam::DVec3;
use ndarray::Axis;

use pulmo_scan::findings::{LungThird, Side};
use pulmo_scan::geometry::canonical_axes;
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::Mask;

use crate::distance::dilated;
use crate::narrow::narrow;
use crate::segmentation::Segmentation;

/// How far outside a lung's mask a nodule may lie and still be that lung's.
const NEAR_MM: f32 = 3.0;
/// How far from a nodule's middle the lung's surface is sought.
const SOUGHT_MM: Millimetres = 80.0;

/// Each lung's mask; a lung that is not known is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LungSides<'a> {
    /// The patient's right lung.
    pub right: Option<&'a Mask>,
    /// The patient's left lung.
    pub left: Option<&'a Mask>,
}

/// Where a nodule lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NodulePlace {
    pub(crate) side: Side,
    pub(crate) third: LungThird,
    pub(crate) pleura_distance_mm: Millimetres,
}

impl LungSides<'_> {
    /// The lung that holds most of a nodule and of what lies around it; `None` where neither holds any.
    pub(crate) fn place(&self, nodule: &Segmentation, centre_mm: DVec3) -> Option<NodulePlace> {
        let lungs = [(Side::Right, self.right), (Side::Left, self.left)];
        let voxel_mm = narrow(nodule.mask.grid().spacing_mm()[0]);
        let around = dilated(nodule.mask.voxels(), NEAR_MM / voxel_mm);
        let held = |mask: &Mask| {
            let inside = around.indexed_iter().filter(|(_, inside)| **inside);
            inside.filter(|((z, y, x), _)| holds(mask, nodule.place_mm([*z, *y, *x]))).count()
        };
        let known = lungs.into_iter().filter_map(|(side, mask)| mask.map(|mask| (side, mask, held(mask))));
        let (side, mask, _) = known.filter(|(.., held)| *held > 0).max_by_key(|(.., held)| *held)?;
        let third = third_at(mask, centre_mm);
        Some(NodulePlace { side, third, pleura_distance_mm: to_surface_mm(mask, nodule, centre_mm) })
    }
}

fn holds(mask: &Mask, place_mm: DVec3) -> bool {
    mask.grid().voxel_near(place_mm.to_array()).is_some_and(|voxel| mask.voxels()[voxel])
}

/// The third of a lung, by volume along the patient's axis, that a place lies in.
fn third_at(lung: &Mask, place_mm: DVec3) -> LungThird {
    let axes = canonical_axes(lung.grid());
    let along = axes.source_axis[0];
    let at = lung.grid().voxel_point(place_mm)[2 - along];
    let area = |slice: ndarray::ArrayView2<'_, bool>| slice.iter().filter(|inside| **inside).count();
    let (mut before, mut all) = (0, 0);
    for (index, slice) in lung.voxels().axis_iter(Axis(along)).enumerate() {
        let area = area(slice);
        all += area;
        before += if (index as f64) < at { area } else { 0 };
    }
    let below = if axes.flipped[0] { all - before } else { before };
    match 3 * below {
        lower if lower < all => LungThird::Lower,
        middle if middle < 2 * all => LungThird::Middle,
        _ => LungThird::Upper,
    }
}

/// From the surface of a nodule to the nearest voxel that is not lung; 0 where they touch.
fn to_surface_mm(lung: &Mask, nodule: &Segmentation, centre_mm: DVec3) -> Millimetres {
    let surface = nodule.surface_mm();
    let reach = surface.iter().map(|place| place.distance(centre_mm)).fold(0.0, f64::max);
    let outside = outside_near(lung, nodule, centre_mm);
    let nearest = outside.iter().map(|place| place.distance(centre_mm)).fold(SOUGHT_MM, f64::min);
    let near = outside.iter().filter(|place| place.distance(centre_mm) <= nearest + 2.0 * reach);
    let apart = near.flat_map(|place| surface.iter().map(move |own| own.distance(*place)));
    let half_voxels = (lung.grid().voxel_mm3().cbrt() + nodule.mask.grid().voxel_mm3().cbrt()) / 2.0;
    (apart.fold(SOUGHT_MM, f64::min) - half_voxels).max(0.0)
}

/// The voxels near a nodule that are not lung and have lung beside them. The nodule itself counts as lung.
fn outside_near(lung: &Mask, nodule: &Segmentation, centre_mm: DVec3) -> Vec<DVec3> {
    let grid = lung.grid();
    let shape = grid.shape_zyx();
    let spacing = grid.spacing_mm();
    let middle = grid.voxel_point(centre_mm);
    let along = |axis: usize| {
        let half = SOUGHT_MM / spacing[axis];
        let at = middle[2 - axis];
        let end = pulmo_scan::geometry::whole(at + half + 1.0).min(shape[axis]);
        pulmo_scan::geometry::whole(at - half).min(end)..end
    };
    let is_lung = |voxel: [usize; 3]| lung.voxels()[voxel];
    let mut found = Vec::new();
    for z in along(0) {
        for y in along(1) {
            for x in along(2).filter(|x| !is_lung([z, y, *x])) {
                let beside = (0..3).any(|axis| {
                    let mut next = [z, y, x];
                    let mut before = next;
                    next[axis] = (next[axis] + 1).min(shape[axis] - 1);
                    before[axis] = before[axis].saturating_sub(1);
                    is_lung(next) || is_lung(before)
                });
                let place = grid.patient_point(DVec3::new(x as f64, y as f64, z as f64));
                if beside && !nodule.holds(place) {
                    found.push(place);
                }
            }
        }
    }
    found
}
