//! Lung without air: effusion, consolidation, a lung that is not there.

use super::anatomy::{Anatomy, Cage, LungSection, Side};
use super::extras::Extra;
use super::parenchyma::oblique_fissure_mm;
use super::shape::{narrow, smoothstep};
use super::slice_raster::SliceRaster;
use super::texture::LatticeLevel;

const EFFUSION_HU: f32 = 12.0;
const CONSOLIDATION_HU: f32 = 38.0;
/// What fills the place of a lung that was taken out.
const FILLING_HU: f32 = 18.0;
/// Depth of an effusion at the lungs' base, as a part of the chest's.
const EFFUSION_DEPTH: f64 = 0.8;
/// Level in the template at which it ends.
const EFFUSION_TOP_MM: f64 = 25.0;

/// Where one patient's lungs hold no air.
pub(super) struct Opacities<'a> {
    pub(super) anatomy: &'a Anatomy,
    pub(super) extras: &'a [Extra],
    /// The sign of y that points down.
    pub(super) down: f64,
}

/// One opacity at one level: how much of a place it takes, from 0 to 1 over a pixel.
#[derive(Clone, Copy)]
enum Region {
    Everywhere,
    /// Where `down * y` is above this.
    Below {
        line_mm: f32,
        down: f32,
    },
    /// Behind the oblique fissure.
    LowerLobe {
        side: Side,
        z_mm: f64,
    },
}

impl Opacities<'_> {
    /// Whether a place in a lung is hidden, or within `margin_mm` of it.
    pub(super) fn hide(&self, side: Side, place_mm: glam::DVec3, margin_mm: f64) -> bool {
        let (x, y) = (narrow(place_mm.x), narrow(place_mm.y));
        let regions = self.regions(side, place_mm.z);
        regions.iter().any(|(region, _)| self.depth_mm(*region, x, y) > -narrow(margin_mm))
    }

    /// Paints what is opaque of one lung.
    pub(super) fn paint(&self, raster: &mut SliceRaster, lung: &LungSection, fine: &LatticeLevel) {
        let pixel_mm = raster.pixel_mm();
        for (region, hu) in self.regions(lung.side, raster.z_mm) {
            let most = |x: f32, y: f32| {
                (0.5 + self.depth_mm(region, x, y) / pixel_mm).min(lung.most(x, y, pixel_mm))
            };
            raster.shade_part(&lung.outline, most, |x, y| hu + 6.0 * fine.value(x, y));
        }
    }

    fn regions(&self, side: Side, z_mm: f64) -> Vec<(Region, f32)> {
        let has = |extra: Extra| self.extras.contains(&extra);
        let mut regions = Vec::new();
        if has(Extra::consolidation(side)) {
            regions.push((Region::LowerLobe { side, z_mm }, CONSOLIDATION_HU));
        }
        if has(Extra::effusion(side)) {
            regions.extend(self.effusion(z_mm).map(|region| (region, EFFUSION_HU)));
        }
        if has(Extra::no_lung(side)) {
            regions.push((Region::Everywhere, FILLING_HU));
        }
        regions
    }

    fn effusion(&self, z_mm: f64) -> Option<Region> {
        let [base, _] = self.anatomy.lung_span_mm();
        let top = EFFUSION_TOP_MM * self.anatomy.habitus.scale.z;
        let depth = EFFUSION_DEPTH * smoothstep(top, base, z_mm);
        let Cage { centre, semi } = self.anatomy.cage(z_mm);
        let line = self.down * centre.y + semi.y * (1.0 - 2.0 * depth);
        (depth > 0.0).then_some(Region::Below { line_mm: narrow(line), down: narrow(self.down) })
    }

    /// How far inside a region a place lies.
    fn depth_mm(&self, region: Region, x: f32, y: f32) -> f32 {
        match region {
            Region::Everywhere => f32::INFINITY,
            Region::Below { line_mm, down } => down * y - line_mm,
            Region::LowerLobe { side, z_mm } => oblique_fissure_mm(self.anatomy, side, z_mm)(x, y),
        }
    }
}
