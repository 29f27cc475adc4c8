//! What makes one phantom patient differ from another.

use glam::DVec3;

use crate::units::{Hounsfield, Millimetres};
use pulmo_random::Random;

/// One patient's build, breath and tissue densities.
#[derive(Debug, Clone)]
pub(super) struct Habitus {
    /// Factors on the template's width, depth and height.
    pub(super) scale: DVec3,
    /// Factor on how far the lungs reach down: above 1 for a deep breath.
    pub(super) breath: f64,
    /// How much higher than in the template the right and left diaphragm stand.
    pub(super) dome_rise_mm: [Millimetres; 2],
    /// Factors on the widths of the right and left lung.
    pub(super) lung_width: [f64; 2],
    /// Factor on the heart.
    pub(super) heart: f64,
    pub(super) fat_mm: Millimetres,
    pub(super) muscle_mm: Millimetres,
    /// How far breasts stand out; 0 for none.
    pub(super) breast_mm: Millimetres,
    pub(super) stomach_gas: bool,
    pub(super) lung_hu: Hounsfield,
    /// Rise from the upper to the dependent side of the lungs.
    pub(super) gravity_hu: Hounsfield,
    /// Further rise in the last centimetre at the dependent side.
    pub(super) dependent_hu: Hounsfield,
    /// Standard deviation of the parenchyma's slow texture.
    pub(super) texture_hu: Hounsfield,
    pub(super) blood_hu: Hounsfield,
    pub(super) muscle_hu: Hounsfield,
    pub(super) fat_hu: Hounsfield,
    /// Factor on the densities of bone.
    pub(super) bone: f32,
}

impl Habitus {
    pub(super) fn draw(random: &mut Random) -> Self {
        let hu = |random: &mut Random, low: f64, high: f64| super::shape::narrow(random.uniform(low, high));
        let size = random.uniform(0.92, 1.06);
        let woman = random.chance(0.45);
        let contrast = random.chance(0.3);
        let scale = DVec3::from_array([0.96, 0.95, 0.95].map(|low| size * random.uniform(low, 2.0 - low)));
        Self {
            scale,
            breath: random.uniform(0.9, 1.06),
            dome_rise_mm: [random.uniform(-8.0, 12.0), random.uniform(-8.0, 10.0)],
            lung_width: [random.uniform(0.98, 1.06), random.uniform(0.92, 1.0)],
            heart: random.uniform(0.88, 1.12),
            fat_mm: 6.0 + 28.0 * random.unit() * random.unit(),
            muscle_mm: random.uniform(8.0, 16.0),
            breast_mm: if woman { random.uniform(10.0, 28.0) } else { 0.0 },
            stomach_gas: random.chance(0.6),
            lung_hu: hu(random, -885.0, -835.0),
            gravity_hu: hu(random, 25.0, 75.0),
            dependent_hu: hu(random, 0.0, 160.0),
            texture_hu: hu(random, 8.0, 22.0),
            blood_hu: if contrast { hu(random, 110.0, 260.0) } else { hu(random, 32.0, 48.0) },
            muscle_hu: hu(random, 45.0, 62.0),
            fat_hu: hu(random, -112.0, -92.0),
            bone: hu(random, 0.75, 1.2),
        }
    }
}
