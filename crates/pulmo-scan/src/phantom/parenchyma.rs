//! Lung tissue: its density from place to place, its fissures and small scars.

use glam::DVec3;

use super::anatomy::{Anatomy, Cage, Side};
use super::lungs::LungSpace;
use super::shape::{Solid, Tube, narrow};
use super::texture::LatticeLevel;
use crate::units::Hounsfield;
use pulmo_random::Random;

/// How much less dense lungs with emphysema are.
pub(super) const EMPHYSEMA_HU: Hounsfield = 60.0;
/// Level from which on bullae lie, and how many are tried.
const BULLAE_FROM_MM: f64 = 20.0;
const BULLAE: usize = 60;

/// Density of the lungs at one level.
pub(super) struct Parenchyma<'a> {
    pub(super) anatomy: &'a Anatomy,
    pub(super) coarse: &'a LatticeLevel,
    pub(super) fine: &'a LatticeLevel,
    /// 1 where the patient lies on the back, -1 on the front: the sign of y that points down.
    pub(super) down: f32,
    pub(super) z_mm: f64,
}

impl Parenchyma<'_> {
    /// The density in one lung as a function of x and y.
    pub(super) fn ink(&self, side: Side) -> impl Fn(f32, f32) -> Hounsfield {
        let habitus = &self.anatomy.habitus;
        let Cage { centre, semi } = self.anatomy.cage(self.z_mm);
        let (middle_y, per_half) = (narrow(centre.y), self.down / narrow(semi.y));
        let fissures = self.fissures(side);
        move |x, y| {
            let low = (y - middle_y) * per_half;
            let settled = ((low - 0.72) * 4.0).clamp(0.0, 1.0);
            let slow = 0.8 * self.coarse.value(x, y) + 0.6 * self.fine.value(x, y);
            habitus.lung_hu
                + habitus.gravity_hu * 0.6 * low
                + habitus.dependent_hu * settled * settled
                + habitus.texture_hu * 1.5 * slow * (1.0 + settled)
                + fissures(x, y)
        }
    }

    /// What the fissures add: the oblique one in both lungs, the horizontal one in the right.
    fn fissures(&self, side: Side) -> impl Fn(f32, f32) -> Hounsfield + use<> {
        let scale = self.anatomy.habitus.scale;
        let [per_x, per_y] = [scale.x, scale.y].map(|s| narrow(1.0 / s));
        let z = narrow(self.z_mm / scale.z);
        let middle_x = narrow(68.0 * side.sign());
        move |x, y| {
            let (x, y) = ((x * per_x - middle_x), y * per_y);
            let oblique = oblique_mm(x, y, z);
            let mut added = sheet(oblique);
            if side == Side::Right && oblique < 0.0 {
                added += sheet(z - 2.0 + 0.0015 * (x * x + (y + 30.0) * (y + 30.0)));
            }
            added
        }
    }
}

/// How far behind the oblique fissure a place of the template lies, x counted from the lung's middle.
#[inline]
fn oblique_mm(x: f32, y: f32, z: f32) -> f32 {
    0.77 * (y + 10.0) - 0.64 * (z + 25.0) + 0.002 * x * x
}

/// How far behind the oblique fissure a place of one level lies.
pub(super) fn oblique_fissure_mm(
    anatomy: &Anatomy,
    side: Side,
    z_mm: f64,
) -> impl Fn(f32, f32) -> f32 + use<> {
    let scale = anatomy.habitus.scale;
    let [per_x, per_y] = [scale.x, scale.y].map(|s| narrow(1.0 / s));
    let (z, middle_x) = (narrow(z_mm / scale.z), narrow(68.0 * side.sign()));
    move |x, y| oblique_mm(x * per_x - middle_x, y * per_y, z)
}

/// A thin sheet at distance 0.
#[inline]
fn sheet(distance_mm: f32) -> f32 {
    if distance_mm.abs() > 2.5 { 0.0 } else { 170.0 / (1.0 + 3.0 * distance_mm * distance_mm) }
}

/// Draws bullae: spaces of air in the upper lungs, near the pleura.
pub(super) fn bullae(lungs: &LungSpace, random: &mut Random) -> Vec<Solid> {
    let places: Vec<DVec3> = (0..BULLAE).map(|_| lungs.draw(random)).collect();
    let fits = |place: &&DVec3| {
        place.z > BULLAE_FROM_MM && lungs.side(**place).is_some() && lungs.share_inside(**place, 15.0) < 0.95
    };
    places
        .iter()
        .filter(fits)
        .map(|place| Solid::ellipsoid(*place, DVec3::splat(random.uniform(8.0, 22.0))))
        .collect()
}

/// Draws up to four scars: bent bands near the pleura, in studies with and without nodules alike.
pub(super) fn scars(lungs: &LungSpace, random: &mut Random) -> Vec<Tube> {
    let mut tubes = Vec::new();
    for _ in 0..random.below(5) {
        let near_pleura =
            |place: &DVec3| lungs.side(*place).is_some() && lungs.share_inside(*place, 10.0) < 0.95;
        let Some(mut from_mm) = (0..400).map(|_| lungs.draw(random)).find(near_pleura) else { continue };
        let [x, y, z] = [(); 3].map(|()| random.normal());
        let mut heading = DVec3::new(x, y, 0.5 * z).normalize_or(DVec3::X);
        let radius_mm = random.uniform(0.5, 1.1);
        for _ in 0..3 + random.below(4) {
            let to_mm = from_mm + heading * random.uniform(4.0, 8.0);
            if lungs.side(to_mm).is_none() {
                break;
            }
            tubes.extend(Tube::chain(&[from_mm, to_mm], radius_mm));
            let [x, y, z] = [(); 3].map(|()| random.normal());
            heading = (heading + 0.25 * DVec3::new(x, y, z)).normalize_or(heading);
            from_mm = to_mm;
        }
    }
    tubes
}
