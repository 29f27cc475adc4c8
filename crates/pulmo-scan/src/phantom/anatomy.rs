//! The body's geometry: trunk, rib cage, lungs, diaphragm and what lies between the lungs.
//!
//! Body space is LPS in millimetres with its origin between the lungs, a little below the
//! carina: x to the patient's left, y to the back, z to the head.

use glam::{DVec2, DVec3};

use super::habitus::Habitus;
use super::shape::{Power, Profile, Section, Solid, smoothstep};
pub use crate::findings::Side;

const APEX_MM: f64 = 130.0;
const LUNG_TILT: f64 = 0.14;
const WALL_MM: f64 = 4.0;

/// One lung at one level: inside the outline and the rib cage, and behind the sloping base.
#[derive(Debug, Clone, Copy)]
pub(super) struct LungSection {
    pub(super) side: Side,
    pub(super) outline: Section,
    pub(super) cage: Section,
    pub(super) front_y: f32,
}

impl LungSection {
    /// The largest part of a pixel that the rib cage and the base leave of the outline.
    pub(super) fn most(&self, x: f32, y: f32, pixel_mm: f32) -> f32 {
        let behind = 0.5 + (y - self.front_y) / pixel_mm;
        let inside_cage = self.cage.level(x, y) < 0.9;
        if inside_cage { behind } else { behind.min(self.cage.coverage(x, y, pixel_mm)) }
    }
}

/// The body of one patient.
#[derive(Debug, Clone)]
pub(super) struct Anatomy {
    pub(super) habitus: Habitus,
}

/// The rib cage at one level: middle and semi-axes.
pub(super) struct Cage {
    pub(super) centre: DVec2,
    pub(super) semi: DVec2,
}

impl Anatomy {
    pub(super) fn new(habitus: Habitus) -> Self {
        Self { habitus }
    }

    /// A place of the template in this patient.
    pub(super) fn at(&self, x: f64, y: f64, z: f64) -> DVec3 {
        DVec3::new(x, y, z) * self.habitus.scale
    }

    /// Lowest and highest level of the lungs.
    pub(super) fn lung_span_mm(&self) -> [f64; 2] {
        [-APEX_MM * self.habitus.breath * self.habitus.scale.z, APEX_MM * self.habitus.scale.z]
    }

    /// 0 at the lungs' apex, 1 at their base.
    fn descent(&self, z_mm: f64) -> f64 {
        let [base, apex] = self.lung_span_mm();
        (apex - z_mm) / (apex - base)
    }

    /// 0 above the lungs' apex, 1 where the chest is well below it.
    pub(super) fn below_apex(&self, z_mm: f64) -> f64 {
        smoothstep(0.0, 0.25, self.descent(z_mm))
    }

    /// Middle of the chest from front to back.
    fn middle_y(&self, descent: f64) -> f64 {
        (14.0 - 18.0 * smoothstep(0.0, 0.5, descent)) * self.habitus.scale.y
    }

    /// Distance of a lung's middle from the midline.
    fn lung_x(&self, descent: f64) -> f64 {
        (44.0 + 24.0 * smoothstep(0.0, 0.5, descent)) * self.habitus.scale.x
    }

    fn lung_semi(&self, descent: f64) -> DVec2 {
        let wide = widening(descent);
        let deeper = 1.0 + 0.05 * smoothstep(0.5, 1.0, descent);
        DVec2::new(62.0 * wide * deeper, 86.0 * wide) * self.habitus.scale.truncate()
    }

    /// The rib cage, on whose outline the ribs run.
    pub(super) fn cage(&self, z_mm: f64) -> Cage {
        let descent = self.descent(z_mm);
        let semi = self.lung_semi((descent + 0.05).clamp(0.04, 1.1));
        let reach = DVec2::new(self.lung_x(descent), 0.0) + semi + WALL_MM;
        Cage { centre: DVec2::new(0.0, self.middle_y(descent)), semi: reach }
    }

    /// The rib cage's inner outline.
    pub(super) fn cage_section(&self, z_mm: f64) -> Section {
        let Cage { centre, semi } = self.cage(z_mm);
        Section::new(centre, semi - WALL_MM, 0.0, Power::TwoHalf)
    }

    /// The trunk's outline: the skin.
    pub(super) fn trunk(&self, z_mm: f64) -> Section {
        let Habitus { scale, fat_mm, muscle_mm, .. } = self.habitus;
        let descent = self.descent(z_mm);
        let shoulders = 32.0 * (1.0 - smoothstep(-0.1, 0.3, descent));
        let flatter = 0.80 + 0.20 * smoothstep(-0.15, 0.35, descent);
        let wall = WALL_MM + 7.0 + muscle_mm + fat_mm;
        let semi = DVec2::new(128.0 * scale.x + shoulders + wall, 88.0 * scale.y * flatter + wall + 2.0);
        let centre = DVec2::new(0.0, self.middle_y(descent.max(0.3)) + 5.0);
        Section::new(centre, semi, 0.0, Power::TwoHalf)
    }

    /// The parts of both lungs at a level, before what bulges into them is taken away.
    pub(super) fn lungs(&self, z_mm: f64) -> impl Iterator<Item = LungSection> {
        let descent = self.descent(z_mm);
        let [base, _] = self.lung_span_mm();
        let front = 84.0 * self.habitus.scale.y - (z_mm - base) / 0.2;
        let sides = if (0.0..=1.0).contains(&descent) { Side::BOTH.as_slice() } else { &[] };
        sides.iter().map(move |&side| {
            let width = self.habitus.lung_width[usize::from(side == Side::Left)];
            let centre = DVec2::new(side.sign() * self.lung_x(descent), self.middle_y(descent));
            let semi = self.lung_semi(descent) * DVec2::new(width, 1.0);
            LungSection {
                side,
                outline: Section::new(centre, semi, -side.sign() * LUNG_TILT, Power::TwoHalf),
                cage: self.cage_section(z_mm),
                front_y: super::shape::narrow(front),
            }
        })
    }

    /// The fatty space between the lungs.
    pub(super) fn mediastinum(&self, z_mm: f64) -> Section {
        let descent = self.descent(z_mm);
        let semi = DVec2::new(25.0 + 8.0 * smoothstep(0.1, 0.5, descent), 62.0);
        let centre = DVec2::new(2.0, self.middle_y(descent) - 2.0);
        Section::new(centre, semi * self.habitus.scale.truncate(), 0.0, Power::Two)
    }

    /// The heart's left and right halves.
    pub(super) fn heart(&self) -> [Solid; 2] {
        let size = self.habitus.scale * self.habitus.heart;
        let mut left = Solid::ellipsoid(self.at(24.0, -30.0, -48.0), DVec3::new(56.0, 38.0, 56.0) * size);
        left.tilt = -0.65;
        left.lean = DVec2::new(-0.25, 0.15);
        let mut right = Solid::ellipsoid(self.at(-16.0, -30.0, -38.0), DVec3::new(33.0, 38.0, 50.0) * size);
        right.lean = DVec2::new(-0.1, 0.05);
        [left, right]
    }

    /// What the right and left dome of the diaphragm and the middle between them hold.
    pub(super) fn abdomen(&self) -> [Solid; 3] {
        let [right_rise, left_rise] = self.habitus.dome_rise_mm;
        let low = self.habitus.breath;
        let dome = |centre: DVec3, semi: DVec3, tilt: f64| Solid {
            centre_mm: centre,
            semi_mm: semi * self.habitus.scale,
            tilt,
            lean: DVec2::ZERO,
            power: Power::TwoHalf,
            profile: Profile::Dome,
        };
        let right = self.at(-67.0, -14.0, -128.0 * low) + DVec3::Z * right_rise;
        let left = self.at(66.0, -13.0, -138.0 * low) + DVec3::Z * left_rise;
        [
            dome(right, DVec3::new(69.0, 91.0, 72.0), LUNG_TILT),
            dome(left, DVec3::new(67.0, 91.0, 68.0), -LUNG_TILT),
            dome(self.at(0.0, -14.0, -150.0 * low), DVec3::new(55.0, 66.0, 50.0), 0.0),
        ]
    }

    /// Middle of the vertebral bodies from front to back.
    pub(super) fn spine_y(&self, z_mm: f64) -> f64 {
        let up = z_mm / self.lung_span_mm()[1];
        (47.0 - if up > 0.0 { 17.0 } else { 5.0 } * up * up) * self.habitus.scale.y
    }

    /// The vertebra and the muscle at its sides, which bulge between the lungs.
    pub(super) fn spine_bulge(&self, z_mm: f64) -> Section {
        let centre = DVec2::new(0.0, self.spine_y(z_mm) + 12.0);
        Section::new(centre, DVec2::new(27.0, 27.0) * self.habitus.scale.truncate(), 0.0, Power::Two)
    }
}

/// Breadth of the lungs, as a fraction of the broadest, at a fraction of the way down.
fn widening(descent: f64) -> f64 {
    let above = (1.0 - descent / 0.5).clamp(0.0, 1.0);
    (1.0 - above.powf(2.4)).powf(1.0 / 2.4)
}
