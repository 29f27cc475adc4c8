//! What lies around a patient's chest in real scans: arms, straps, a hollow table, a pacemaker.

use glam::{DVec2, DVec3};

use super::anatomy::{Anatomy, Side};
use super::extras::Extra;
use super::shape::{Power, Section, Solid, Tube, narrow};
use super::skeleton::{CagePlace, on_cage};
use super::slice_raster::SliceRaster;
use crate::units::{Hounsfield, Millimetres};

/// How far lowered arms stand out from the trunk.
pub(super) const ARM_REACH_MM: Millimetres = 118.0;
const AIR: Hounsfield = -1000.0;
const SKIN_HU: Hounsfield = 20.0;
const METAL_HU: Hounsfield = 3000.0;
/// Levels of the straps in the template, `[from, to]`.
const STRAPS_MM: [[f64; 2]; 2] = [[-70.0, -25.0], [25.0, 65.0]];

/// One patient's surroundings.
pub(super) struct Surroundings<'a> {
    pub(super) anatomy: &'a Anatomy,
    pub(super) extras: &'a [Extra],
    /// The sign of y that points down.
    pub(super) down: f64,
}

impl Surroundings<'_> {
    /// What is painted before the trunk, which covers a part of it.
    pub(super) fn paint_behind(&self, raster: &mut SliceRaster) {
        if self.extras.contains(&Extra::GappedTable) {
            self.paint_gapped_table(raster);
        }
        if self.extras.contains(&Extra::Straps) {
            self.paint_straps(raster);
        }
        if self.extras.contains(&Extra::ArmsLowered) {
            Side::BOTH.iter().for_each(|side| self.paint_lowered_arm(raster, *side));
        }
        if self.extras.contains(&Extra::ArmsRaised) {
            Side::BOTH.iter().for_each(|side| self.paint_raised_arm(raster, *side));
        }
    }

    /// What is painted over all else.
    pub(super) fn paint_over(&self, raster: &mut SliceRaster) {
        if self.extras.contains(&Extra::Pacemaker) {
            self.paint_pacemaker(raster);
        }
    }

    /// A mat of gel that touches the back, and under it a board around a gap.
    fn paint_gapped_table(&self, raster: &mut SliceRaster) {
        let trunk = self.anatomy.trunk(0.0);
        let back = f64::from(trunk.centre[1]) + self.down * f64::from(trunk.half_extent()[1]);
        let slab = |depth: f64, semi: DVec2| {
            Section::new(DVec2::new(0.0, back + self.down * depth), semi, 0.0, Power::Four)
        };
        let board = slab(24.0, DVec2::new(225.0, 13.0));
        raster.fill(&board, 70.0);
        raster.fill(&board.grown(-5.0), AIR);
        raster.fill(&slab(3.0, DVec2::new(215.0, 10.0)), -120.0);
    }

    /// Bands over the upper side of the trunk, a finger's breadth above the skin.
    fn paint_straps(&self, raster: &mut SliceRaster) {
        let level = raster.z_mm / self.anatomy.habitus.scale.z;
        if !STRAPS_MM.iter().any(|[from, to]| (*from..*to).contains(&level)) {
            return;
        }
        let trunk = self.anatomy.trunk(raster.z_mm);
        let (down, middle) = (narrow(self.down), trunk.centre[1]);
        let upper = |_: f32, y: f32| (0.5 - (y - middle) * down).clamp(0.0, 1.0);
        raster.shade_part(&trunk.grown(15.0), upper, |_, _| -60.0);
        raster.shade_part(&trunk.grown(11.0), upper, |_, _| AIR);
    }

    /// Upper arm and bent forearm in one, which touch the trunk in front and behind.
    fn paint_lowered_arm(&self, raster: &mut SliceRaster, side: Side) {
        let trunk = self.anatomy.trunk(raster.z_mm);
        let (edge, y) = (f64::from(trunk.half_extent()[0]), f64::from(trunk.centre[1]));
        let oval = |outward: f64, semi: DVec2| {
            Section::new(DVec2::new(side.sign() * (edge + outward), y), semi, 0.0, Power::Two)
        };
        self.paint_limb(raster, &oval(42.0, DVec2::new(72.0, 78.0)));
        raster.fill(&oval(18.0, DVec2::new(36.0, 56.0)).grown(1.8), SKIN_HU);
        raster.fill(&oval(18.0, DVec2::new(36.0, 56.0)), AIR);
        self.paint_long_bone(raster, &oval(82.0, DVec2::splat(12.0)));
    }

    /// The root of an arm, from the shoulder up.
    fn paint_raised_arm(&self, raster: &mut SliceRaster, side: Side) {
        let apex = self.anatomy.lung_span_mm()[1];
        let trunk = self.anatomy.trunk(raster.z_mm);
        let edge = f64::from(trunk.half_extent()[0]);
        let root = DVec3::new(side.sign() * (edge - 12.0), f64::from(trunk.centre[1]) - 4.0, apex + 30.0);
        let Some(arm) = Solid::ellipsoid(root, DVec3::new(58.0, 62.0, 70.0)).section(raster.z_mm) else {
            return;
        };
        self.paint_limb(raster, &arm);
        self.paint_long_bone(raster, &Section::new(root.truncate(), DVec2::splat(13.0), 0.0, Power::Two));
    }

    fn paint_limb(&self, raster: &mut SliceRaster, limb: &Section) {
        let habitus = &self.anatomy.habitus;
        raster.fill(limb, SKIN_HU);
        raster.fill(&limb.grown(-1.8), habitus.fat_hu);
        raster.fill(&limb.grown(-1.8 - narrow(0.6 * habitus.fat_mm)), habitus.muscle_hu);
    }

    fn paint_long_bone(&self, raster: &mut SliceRaster, bone: &Section) {
        raster.fill(bone, 900.0 * self.anatomy.habitus.bone);
        raster.fill(&bone.grown(-5.0), 20.0);
    }

    fn paint_pacemaker(&self, raster: &mut SliceRaster) {
        let scale = self.anatomy.habitus.scale;
        let pocket_at = |z_mm: f64| {
            on_cage(self.anatomy, Side::Left, CagePlace { degrees: -58.0, outward_mm: 16.0, z_mm })
        };
        let pocket = pocket_at(78.0 * scale.z);
        let device =
            Solid { power: Power::Four, tilt: 0.45, ..Solid::ellipsoid(pocket, DVec3::new(24.0, 4.0, 26.0)) };
        device.section(raster.z_mm).iter().for_each(|section| raster.fill(section, METAL_HU));
        let at = |x: f64, y: f64, z: f64| self.anatomy.at(x, y, z);
        let lead = [
            pocket,
            at(40.0, -44.0, 104.0),
            at(-22.0, -6.0, 92.0),
            at(-26.0, -16.0, 10.0),
            at(10.0, -38.0, -66.0),
        ];
        Tube::chain(&lead, 1.3).for_each(|tube| raster.stroke(&tube, |_, _| METAL_HU));
    }
}
