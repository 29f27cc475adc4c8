//! Nodules: their shapes, and how they are painted.

use glam::DVec3;
use serde::Serialize;

use super::shape::{Tube, narrow, sphere_directions};
use super::slice_raster::SliceRaster;
pub use crate::findings::NoduleKind;
use crate::units::{Hounsfield, Millimetres};
use pulmo_random::Random;

/// What a nodule's edge looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoduleEdge {
    /// Nearly a sphere.
    Smooth,
    /// With rounded bumps.
    Lobulated,
    /// With thin strands that stand out.
    Spiculated,
}

/// One nodule's shape around its centre.
#[derive(Debug, Clone)]
pub(super) struct Nodule {
    pub(super) centre_mm: DVec3,
    pub(super) diameter_mm: Millimetres,
    pub(super) core_diameter_mm: Option<Millimetres>,
    pub(super) kind: NoduleKind,
    pub(super) edge: NoduleEdge,
    body_hu: Hounsfield,
    core_hu: Hounsfield,
    /// Direction, height as a fraction of the radius, and narrowness of each bump.
    bumps: Vec<Bump>,
    /// Mean radius that gives the bumpy shape the volume of a sphere of `diameter_mm`.
    base_radius_mm: Millimetres,
    /// Tubes around the origin.
    spicules: Vec<Tube>,
}

fn direction(random: &mut Random) -> DVec3 {
    let [x, y, z] = [(); 3].map(|()| random.normal());
    DVec3::new(x, y, z).try_normalize().unwrap_or(DVec3::Z)
}

/// A bump of a nodule's surface.
#[derive(Debug, Clone, PartialEq)]
struct Bump {
    /// Unit direction in which it is highest.
    top: DVec3,
    /// As a multiple of the base radius.
    height: f64,
    narrowness: f64,
}

impl Nodule {
    /// A nodule of a given diameter, at the origin.
    pub(super) fn draw(diameter_mm: Millimetres, random: &mut Random) -> Self {
        // Smaller hazy nodules could not be told from noise: their label would be wrong.
        let hazy_from_mm = 7.0;
        let kind = match random.unit() {
            u if u < 0.66 || diameter_mm < hazy_from_mm => NoduleKind::Solid,
            u if u < 0.83 => NoduleKind::PartSolid,
            _ => NoduleKind::GroundGlass,
        };
        let edge = match random.unit() {
            u if u < 0.45 => NoduleEdge::Smooth,
            u if u < 0.75 || diameter_mm < 6.0 => NoduleEdge::Lobulated,
            _ => NoduleEdge::Spiculated,
        };
        let solid_hu = narrow(random.uniform(15.0, 45.0));
        let haze_hu = narrow(random.uniform(-650.0, -450.0));
        let mut nodule = Self {
            centre_mm: DVec3::ZERO,
            diameter_mm,
            core_diameter_mm: (kind == NoduleKind::PartSolid).then(|| diameter_mm * random.uniform(0.4, 0.6)),
            kind,
            edge,
            body_hu: if kind == NoduleKind::Solid { solid_hu } else { haze_hu },
            core_hu: solid_hu,
            bumps: draw_bumps(edge, random),
            base_radius_mm: diameter_mm / 2.0,
            spicules: Vec::new(),
        };
        nodule.base_radius_mm /= nodule.mean_cubed_factor().cbrt();
        if edge == NoduleEdge::Spiculated {
            nodule.spicules = nodule.draw_spicules(random);
        }
        nodule
    }

    pub(super) fn moved_to(self, centre_mm: DVec3) -> Self {
        Self { centre_mm, ..self }
    }

    /// Density at the centre.
    pub(super) fn centre_hu(&self) -> Hounsfield {
        if self.kind == NoduleKind::GroundGlass { self.body_hu } else { self.core_hu }
    }

    /// Radius in a direction (unit vector), as a multiple of the base radius.
    fn factor(&self, direction: DVec3) -> f64 {
        let bump = |Bump { top, height, narrowness }: &Bump| {
            height * (narrowness * (direction.dot(*top) - 1.0)).exp()
        };
        1.0 + self.bumps.iter().map(bump).sum::<f64>()
    }

    fn mean_cubed_factor(&self) -> f64 {
        const DIRECTIONS: usize = 600;
        sphere_directions(DIRECTIONS).map(|d| self.factor(d).powi(3)).sum::<f64>() / DIRECTIONS as f64
    }

    fn draw_spicules(&self, random: &mut Random) -> Vec<Tube> {
        let count = 10 + random.below(8);
        let spicule = |random: &mut Random| {
            let away = direction(random);
            let start = away * self.base_radius_mm * 0.85;
            let bend = direction(random) * 0.25;
            let length = random.uniform(0.35, 0.7) * self.diameter_mm.min(16.0);
            Tube {
                from_mm: start,
                to_mm: start + (away + bend) * length,
                radius_from_mm: random.uniform(0.7, 1.2),
                radius_to_mm: 0.25,
            }
        };
        (0..count).map(|_| spicule(random)).collect()
    }

    pub(super) fn paint(&self, raster: &mut SliceRaster) {
        let up = raster.z_mm - self.centre_mm.z;
        let reach = 1.5 * self.diameter_mm;
        if up.abs() > reach {
            return;
        }
        for spicule in &self.spicules {
            let (from_mm, to_mm) = (spicule.from_mm + self.centre_mm, spicule.to_mm + self.centre_mm);
            let placed = Tube { from_mm, to_mm, ..*spicule };
            raster.stroke(&placed, |_, under| under.max(self.body_hu.min(-40.0)));
        }
        // Ground glass fades over about 2 mm, soft tissue over a pixel.
        let pixel_mm = f64::from(raster.pixel_mm());
        let haze_mm = if self.kind == NoduleKind::Solid { pixel_mm } else { pixel_mm.max(2.0) };
        let core_mm = self.core_diameter_mm.map_or(0.0, |diameter| diameter / 2.0);
        let centre = self.centre_mm;
        let half = [narrow(reach.min(self.diameter_mm)); 2];
        raster.visit([narrow(centre.x), narrow(centre.y)], half, |x, y, value| {
            let from_centre = DVec3::new(f64::from(x) - centre.x, f64::from(y) - centre.y, up);
            let distance = from_centre.length();
            let surface = self.base_radius_mm * self.factor(from_centre / distance.max(1e-9));
            let body = ramp(surface - distance, haze_mm);
            let mut painted = *value + narrow(body) * (self.body_hu - *value);
            painted += narrow(ramp(core_mm - distance, pixel_mm)) * (self.core_hu - painted);
            *value = value.max(painted);
        });
    }
}

fn ramp(depth_mm: f64, width_mm: f64) -> f64 {
    (0.5 + depth_mm / width_mm).clamp(0.0, 1.0)
}

fn draw_bumps(edge: NoduleEdge, random: &mut Random) -> Vec<Bump> {
    let (count, [least, most], narrowness) = match edge {
        NoduleEdge::Smooth => (3, [-0.06, 0.06], 1.0),
        NoduleEdge::Lobulated => (4 + random.below(4), [0.18, 0.38], 5.0),
        NoduleEdge::Spiculated => (3 + random.below(4), [0.05, 0.25], 4.0),
    };
    (0..count)
        .map(|_| Bump { top: direction(random), height: random.uniform(least, most), narrowness })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::slice_raster::SlicePlane;
    use glam::{DMat2, DVec2};

    #[test]
    fn the_painted_volume_is_that_of_the_sphere_of_the_diameter() {
        for stream in 0..12 {
            let mut random = Random::keyed(11, &[stream]);
            let mut nodule = Nodule::draw(14.0, &mut random);
            nodule.spicules.clear();
            let plane = SlicePlane {
                matrix: 70,
                pixel_mm: 0.5,
                origin_mm: DVec2::splat(-17.3),
                axes: DMat2::IDENTITY,
            };
            let mut raster = SliceRaster::new(plane);
            let mut volume = 0.0;
            for step in -40..=40 {
                raster.clear(f64::from(step) * 0.5);
                nodule.paint(&mut raster);
                let share = |hu: &f32| f64::from((hu + 1000.0) / (nodule.body_hu + 1000.0)).clamp(0.0, 1.0);
                volume += raster.values_hu.iter().map(share).sum::<f64>() * 0.125;
            }
            let sphere = std::f64::consts::PI * 14f64.powi(3) / 6.0;
            // Ramps add a little: for a ramp w wide, (w / d)^2 of the volume.
            assert!((volume / sphere - 1.0).abs() < 0.04, "{volume} of {sphere} for {nodule:?}");
        }
    }
}
