//! Where the lungs are: the question asked by everything that grows in them.

use glam::DVec3;

use super::anatomy::{Anatomy, LungSection, Side};
use super::shape::{Section, narrow, sphere_directions};
use pulmo_random::Random;

/// Levels are kept this far apart; the lungs' outline changes less between them than a voxel.
const STEP_MM: f64 = 1.0;

/// Both lungs at one level, and what bulges into them.
pub(super) struct LungLevel {
    lungs: Vec<LungSection>,
    bulges: Vec<Section>,
}

/// The space of both lungs.
pub(super) struct LungSpace {
    levels: Vec<LungLevel>,
    base_mm: f64,
    low_mm: DVec3,
    high_mm: DVec3,
}

/// How many places are drawn from a lung, and how near to its surface they come along an axis.
#[derive(Clone, Copy)]
pub(super) struct Scatter {
    pub(super) count: usize,
    pub(super) margin_mm: f64,
}

impl LungSpace {
    pub(super) fn new(anatomy: &Anatomy) -> Self {
        let [base, apex] = anatomy.lung_span_mm();
        let mut levels = Vec::new();
        let (mut low, mut high) = (DVec3::new(0.0, 0.0, base), DVec3::new(0.0, 0.0, apex));
        for z in (0..).map(|step| base + f64::from(step) * STEP_MM).take_while(|z| *z <= apex) {
            let level = LungLevel::new(anatomy, z);
            for lung in &level.lungs {
                let centre = DVec3::new(lung.outline.centre[0].into(), lung.outline.centre[1].into(), z);
                let [half_x, half_y] = lung.outline.half_extent();
                let half = DVec3::new(half_x.into(), half_y.into(), 0.0);
                low = low.min(centre - half);
                high = high.max(centre + half);
            }
            levels.push(level);
        }
        Self { levels, base_mm: base, low_mm: low, high_mm: high }
    }

    /// The same space without one lung.
    pub(super) fn without(mut self, side: Side) -> Self {
        self.levels.iter_mut().for_each(|level| level.lungs.retain(|lung| lung.side != side));
        self
    }

    /// The lung a place lies in.
    pub(super) fn side(&self, place_mm: DVec3) -> Option<Side> {
        let step = ((place_mm.z - self.base_mm) / STEP_MM).round();
        if !(0.0..self.levels.len() as f64).contains(&step) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the levels, as checked"
        )]
        let level = &self.levels[step as usize];
        level.side(narrow(place_mm.x), narrow(place_mm.y))
    }

    /// The part of a sphere's surface that lies in the lung, 0 to 1.
    pub(super) fn share_inside(&self, centre_mm: DVec3, radius_mm: f64) -> f64 {
        const DIRECTIONS: usize = 64;
        let inside =
            sphere_directions(DIRECTIONS).filter(|d| self.side(centre_mm + *d * radius_mm).is_some());
        inside.count() as f64 / DIRECTIONS as f64
    }

    /// A place drawn evenly from the box around both lungs.
    pub(super) fn draw(&self, random: &mut Random) -> DVec3 {
        let [x, y, z] = [0, 1, 2].map(|axis| random.uniform(self.low_mm[axis], self.high_mm[axis]));
        DVec3::new(x, y, z)
    }

    /// Places drawn evenly from one lung.
    pub(super) fn scatter(
        &self,
        side: Side,
        Scatter { count, margin_mm }: Scatter,
        random: &mut Random,
    ) -> Vec<DVec3> {
        const TRIES_PER_PLACE: usize = 60;
        let clear = |place: &DVec3| {
            DVec3::AXES.iter().all(|axis| {
                self.side(*place + *axis * margin_mm) == Some(side)
                    && self.side(*place - *axis * margin_mm) == Some(side)
            })
        };
        (0..count * TRIES_PER_PLACE).map(|_| self.draw(random)).filter(clear).take(count).collect()
    }
}

impl LungLevel {
    pub(super) fn new(anatomy: &Anatomy, z_mm: f64) -> Self {
        let solids = anatomy.heart().into_iter().chain(anatomy.abdomen());
        let mut bulges: Vec<Section> = solids.filter_map(|solid| solid.section(z_mm)).collect();
        bulges.extend([anatomy.mediastinum(z_mm), anatomy.spine_bulge(z_mm)]);
        Self { lungs: anatomy.lungs(z_mm).collect(), bulges }
    }

    pub(super) fn side(&self, x: f32, y: f32) -> Option<Side> {
        let inside = |lung: &&LungSection| {
            y > lung.front_y && lung.outline.level(x, y) < 1.0 && lung.cage.level(x, y) < 1.0
        };
        let lung = self.lungs.iter().find(inside)?;
        (!self.bulges.iter().any(|bulge| bulge.level(x, y) < 1.0)).then_some(lung.side)
    }
}
