//! One patient on the table, painted slice by slice.

use glam::{DVec2, DVec3};

use super::PhantomError;
use super::airways::{airways, wall_mm};
use super::anatomy::{Anatomy, Side};
use super::extras::Extra;
use super::habitus::Habitus;
use super::lungs::LungSpace;
use super::opacities::Opacities;
use super::parenchyma::{EMPHYSEMA_HU, Parenchyma, bullae, scars};
use super::placement::{Placed, Room, place_nodules};
use super::settings::{PhantomSettings, Purpose, StudyKey};
use super::shape::{Power, Section, Solid, Tube};
use super::skeleton::Skeleton;
use super::slice_raster::SliceRaster;
use super::surroundings::Surroundings;
use super::texture::{Lattice, LatticeLevel};
use super::tubes::Tubes;
use super::vessels::{lung_vessels, trunks};

/// Everything that can be painted.
pub(super) struct Scene {
    pub(super) anatomy: Anatomy,
    pub(super) nodules: Vec<Placed>,
    /// The sign of y that points down.
    down: f64,
    heart: [Solid; 2],
    abdomen: [Solid; 3],
    pub(super) skeleton: Skeleton,
    vessels: Tubes,
    pub(super) trunks: Tubes,
    pub(super) airways: Tubes,
    scars: Tubes,
    coarse: Lattice,
    fine: Lattice,
    bullae: Vec<Solid>,
    extras: Vec<Extra>,
}

impl Scene {
    /// The patient of one study; `prone` is told by the sign of y that points down.
    pub(super) fn new(settings: &PhantomSettings, key: StudyKey, down: f64) -> Result<Self, PhantomError> {
        let mut habitus = Habitus::draw(&mut key.random(Purpose::Habitus));
        let emphysema = settings.extras.contains(&Extra::Emphysema);
        if emphysema {
            habitus.lung_hu -= EMPHYSEMA_HU;
        }
        let anatomy = Anatomy::new(habitus);
        let missing = Side::BOTH.into_iter().filter(|side| settings.extras.contains(&Extra::no_lung(*side)));
        let lungs = missing.fold(LungSpace::new(&anatomy), LungSpace::without);
        let opacities = Opacities { anatomy: &anatomy, extras: &settings.extras, down };
        let vessels = Tubes::new(lung_vessels(&anatomy, &lungs, &mut key.random(Purpose::Vessels)));
        let airways = Tubes::new(airways(&anatomy, &lungs, &mut key.random(Purpose::Airways)));
        let room = Room { lungs: &lungs, vessels: &vessels, airways: &airways, opacities: &opacities };
        let nodules = if key.has_nodules() {
            place_nodules(&room, settings, &mut key.random(Purpose::Nodules))?
        } else {
            Vec::new()
        };
        let mut texture = key.random(Purpose::Texture);
        Ok(Self {
            nodules,
            down,
            heart: anatomy.heart(),
            abdomen: anatomy.abdomen(),
            skeleton: Skeleton::new(&anatomy),
            trunks: Tubes::new(trunks(&anatomy)),
            scars: Tubes::new(scars(&lungs, &mut key.random(Purpose::Scars))),
            coarse: Lattice::new(26.0, &mut texture),
            fine: Lattice::new(6.5, &mut texture),
            bullae: if emphysema { bullae(&lungs, &mut key.random(Purpose::Bullae)) } else { Vec::new() },
            extras: settings.extras.clone(),
            vessels,
            airways,
            anatomy,
        })
    }

    /// Whether a lung is missing.
    pub(super) fn lacks(&self, side: Side) -> bool {
        self.extras.contains(&Extra::no_lung(side))
    }

    /// Paints the canvas's level, from the outside in.
    pub(super) fn paint(&self, raster: &mut SliceRaster) {
        let fine = self.fine.level(raster.z_mm);
        let around = Surroundings { anatomy: &self.anatomy, extras: &self.extras, down: self.down };
        if !self.extras.contains(&Extra::GappedTable) {
            self.paint_table(raster);
        }
        around.paint_behind(raster);
        self.paint_trunk(raster, &fine);
        self.paint_lungs(raster, &fine);
        self.paint_mediastinum(raster);
        self.paint_abdomen(raster, &fine);
        self.paint_airways(raster);
        self.skeleton.paint(raster, &self.anatomy);
        around.paint_over(raster);
    }

    /// A hollow shell under the patient: outer arc, foam, and the trough the patient lies in.
    fn paint_table(&self, raster: &mut SliceRaster) {
        let trunk = self.anatomy.trunk(0.0);
        let top = f64::from(trunk.centre[1]) + self.down * (f64::from(trunk.half_extent()[1]) + 2.0);
        let arc = |rise: f64, semi: DVec2| {
            Section::new(DVec2::new(0.0, top - self.down * rise), semi, 0.0, Power::Two)
        };
        let shell = arc(-4.0, DVec2::new(215.0, 42.0));
        raster.fill(&shell, -180.0);
        raster.fill(&shell.grown(-2.0), -945.0);
        let trough = arc(88.0, DVec2::new(290.0, 90.0));
        raster.fill(&trough.grown(2.0), -180.0);
        raster.fill(&trough, -1000.0);
    }

    fn paint_trunk(&self, raster: &mut SliceRaster, fine: &LatticeLevel) {
        const SKIN_MM: f32 = 1.8;
        let habitus = &self.anatomy.habitus;
        let skin = self.anatomy.trunk(raster.z_mm);
        let z_mm = raster.z_mm;
        for breast in self.breasts().iter().filter_map(|solid| solid.section(z_mm)) {
            raster.fill(&breast, 20.0);
            raster.shade(&breast.grown(-SKIN_MM), |x, y| {
                let gland = ((fine.value(x, y) - 0.3) * 2.0).clamp(0.0, 1.0);
                habitus.fat_hu + gland * 110.0
            });
        }
        let cage = self.anatomy.cage_section(z_mm);
        let hole = cage.grown(-2.5);
        raster.shade_around(&hole, &skin, |_, _| 20.0);
        let fat = skin.grown(-SKIN_MM);
        raster.shade_around(&hole, &fat, |x, y| habitus.fat_hu + 5.0 * fine.value(x, y));
        let muscle = fat.grown(-super::shape::narrow(habitus.fat_mm));
        raster.shade_around(&hole, &muscle, |x, y| {
            // Fat lies in patches, and between two layers of muscle.
            let patch = (fine.value(x, y) - 0.75) * 2.0;
            let between_layers = 1.0 - ((muscle.level(x, y) - 0.80).abs() - 0.008) * 60.0;
            let fatty = patch.max(between_layers).clamp(0.0, 1.0) * 0.75;
            habitus.muscle_hu + fatty * (habitus.fat_hu - habitus.muscle_hu)
        });
        let neck = super::shape::narrow(1.0 - self.anatomy.below_apex(z_mm));
        raster.fill(&cage, habitus.fat_hu + neck * (habitus.muscle_hu - habitus.fat_hu));
    }

    fn breasts(&self) -> Vec<Solid> {
        let Habitus { breast_mm, fat_mm, scale, .. } = self.anatomy.habitus;
        let front = self.anatomy.trunk(0.0);
        let front_y = f64::from(front.centre[1]) - f64::from(front.half_extent()[1]);
        let breast = |side: &Side| {
            let centre = DVec3::new(side.sign() * 76.0 * scale.x, front_y + 26.0, -18.0);
            Solid::ellipsoid(centre, DVec3::new(78.0, breast_mm + 22.0 + 0.2 * fat_mm, 66.0))
        };
        if breast_mm > 0.0 { Side::BOTH.iter().map(breast).collect() } else { Vec::new() }
    }

    fn paint_lungs(&self, raster: &mut SliceRaster, fine: &LatticeLevel) {
        let z_mm = raster.z_mm;
        let coarse = self.coarse.level(z_mm);
        let down = super::shape::narrow(self.down);
        let parenchyma = Parenchyma { anatomy: &self.anatomy, coarse: &coarse, fine, down, z_mm };
        let pixel_mm = raster.pixel_mm();
        for lung in self.anatomy.lungs(z_mm) {
            let ink = parenchyma.ink(lung.side);
            raster.shade_part(&lung.outline, |x, y| lung.most(x, y, pixel_mm), ink);
            for bulla in self.bullae.iter().filter_map(|bulla| bulla.section(z_mm)) {
                let most = |x: f32, y: f32| bulla.coverage(x, y, pixel_mm).min(lung.most(x, y, pixel_mm));
                raster.shade_part(&lung.outline, most, |_, _| -995.0);
            }
        }
        let blood = self.anatomy.habitus.blood_hu;
        self.vessels.crossing(z_mm).for_each(|tube| raster.stroke(tube, |_, under| under.max(blood)));
        for lumen in self.airways.crossing(z_mm) {
            raster.stroke(&lumen.grown(wall_mm(lumen)), |_, under| under.max(-20.0));
        }
        self.scars.crossing(z_mm).for_each(|tube| raster.stroke(tube, |_, under| under.max(-130.0)));
        self.nodules.iter().for_each(|placed| placed.nodule.paint(raster));
        let opacities = Opacities { anatomy: &self.anatomy, extras: &self.extras, down: self.down };
        self.anatomy.lungs(z_mm).for_each(|lung| opacities.paint(raster, &lung, fine));
    }

    fn paint_mediastinum(&self, raster: &mut SliceRaster) {
        let Habitus { fat_hu, blood_hu, muscle_hu, .. } = self.anatomy.habitus;
        let z_mm = raster.z_mm;
        let soft = fat_hu + 0.25 * (muscle_hu - fat_hu);
        raster.fill(&self.anatomy.mediastinum(z_mm), soft);
        let heart: Vec<Section> = self.heart.iter().filter_map(|half| half.section(z_mm)).collect();
        heart.iter().for_each(|half| raster.fill(half, fat_hu));
        heart.iter().for_each(|half| raster.fill(&half.grown(-4.0), muscle_hu));
        heart.iter().for_each(|half| raster.fill(&half.grown(-13.0), blood_hu));
        self.trunks.crossing(z_mm).for_each(|tube| raster.stroke(tube, |_, under| under.max(blood_hu)));
        let gullet = DVec2::new(5.0, self.anatomy.spine_y(z_mm) - 22.0);
        raster.fill(&Section::new(gullet, DVec2::new(9.0, 6.0), 0.0, Power::Two), 35.0);
    }

    fn paint_abdomen(&self, raster: &mut SliceRaster, fine: &LatticeLevel) {
        let z_mm = raster.z_mm;
        let [right, left, middle] = self.abdomen.map(|solid| solid.section(z_mm));
        let liver_hu = self.anatomy.habitus.muscle_hu + 6.0;
        middle.iter().for_each(|section| raster.fill(section, 42.0));
        right.iter().for_each(|section| raster.shade(section, |x, y| liver_hu + 4.0 * fine.value(x, y)));
        left.iter().for_each(|section| raster.fill(section, self.anatomy.habitus.fat_hu));
        left.iter().for_each(|section| raster.fill(&section.grown(-5.0), 46.0));
        if self.anatomy.habitus.stomach_gas {
            let [_, dome, _] = self.abdomen;
            let centre = dome.centre_mm + DVec3::new(-4.0, -22.0 * self.down, dome.semi_mm.z - 34.0);
            let gas = Solid::ellipsoid(centre, DVec3::new(30.0, 24.0, 22.0)).section(z_mm);
            gas.iter().for_each(|section| raster.fill(section, -940.0));
        }
    }

    fn paint_airways(&self, raster: &mut SliceRaster) {
        let z_mm = raster.z_mm;
        let is_trunk = |lumen: &&Tube| lumen.widest_mm() > 3.0;
        for lumen in self.airways.crossing(z_mm).filter(is_trunk) {
            raster.stroke(&lumen.grown(wall_mm(lumen)), |_, under| under.max(10.0));
        }
        for lumen in self.airways.crossing(z_mm) {
            raster.stroke(lumen, |_, under| under.min(-960.0));
        }
    }
}
