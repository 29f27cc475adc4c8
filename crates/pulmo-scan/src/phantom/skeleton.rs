//! Bones: spine, ribs with their cartilage, breastbone, shoulder blades and collarbones.

use glam::{DVec2, DVec3};

use super::anatomy::{Anatomy, Cage, Side};
use super::shape::{Power, Section, Tube, smoothstep};
use super::slice_raster::SliceRaster;
use crate::units::Hounsfield;

/// Ribs are about twice as high as thick: their tubes live in a space whose z is this much shorter.
const RIB_FLATTENING: f64 = 0.5;
const VERTEBRA_MM: f64 = 24.5;
const CORTEX_MM: f32 = 1.4;
/// How far the ribs' front ends lie below their heads, from the first rib to the twelfth.
const RIB_DROP_MM: [f64; 12] = [30.0, 46.0, 60.0, 70.0, 78.0, 84.0, 86.0, 84.0, 78.0, 66.0, 45.0, 30.0];
/// Angle on the rib cage where each rib ends: -90 degrees is the breastbone.
const RIB_END: [f64; 12] = [-72.0, -76.0, -78.0, -79.0, -79.0, -78.0, -74.0, -66.0, -55.0, -42.0, -5.0, 25.0];

/// The bones of one patient that run as tubes; the others are cut from the anatomy at each level.
pub(super) struct Skeleton {
    ribs: Vec<Tube>,
    cartilage: Vec<Tube>,
    collarbones: Vec<Tube>,
    processes: Vec<Tube>,
    density: f32,
}

impl Skeleton {
    pub(super) fn new(anatomy: &Anatomy) -> Self {
        let (mut ribs, mut cartilage) = (Vec::new(), Vec::new());
        for number in 0..RIB_DROP_MM.len() {
            for side in Side::BOTH {
                let path = rib_path(anatomy, number, side);
                let bone_ends = if number < 10 { path.len() * 4 / 5 } else { path.len() };
                ribs.extend(Tube::chain(&path[..bone_ends], 3.3));
                cartilage.extend(Tube::chain(&path[bone_ends.saturating_sub(1)..], 3.0));
            }
        }
        let collarbones = Side::BOTH.iter().flat_map(|side| collarbone(anatomy, *side)).collect();
        let processes = (-2..12).flat_map(|number| processes(anatomy, number)).collect();
        Self { ribs, cartilage, collarbones, processes, density: anatomy.habitus.bone }
    }

    /// The ribs and their cartilage near a level, which press into the lungs' outline.
    pub(super) fn ribs_at(&self, z_mm: f64) -> RibsAt<'_> {
        let flat_z = z_mm * RIB_FLATTENING;
        let near = |tube: &&Tube| {
            let (low, high) = (tube.from_mm.z.min(tube.to_mm.z), tube.from_mm.z.max(tube.to_mm.z));
            (low - tube.widest_mm()..high + tube.widest_mm()).contains(&flat_z)
        };
        RibsAt { tubes: self.ribs.iter().chain(&self.cartilage).filter(near).collect(), flat_z }
    }

    pub(super) fn paint(&self, raster: &mut SliceRaster, anatomy: &Anatomy) {
        self.paint_spine(raster, anatomy);
        self.paint_breastbone(raster, anatomy);
        self.paint_shoulder_blades(raster, anatomy);
        let z = raster.z_mm;
        let bone = self.bone();
        for tube in &self.cartilage {
            raster.stroke_at(tube, z * RIB_FLATTENING, |_, under| under.max(95.0));
        }
        for tube in &self.ribs {
            raster.stroke_at(tube, z * RIB_FLATTENING, |depth, under| under.max(bone(depth)));
        }
        for tube in self.collarbones.iter().chain(&self.processes) {
            raster.stroke(tube, |depth, under| under.max(bone(depth)));
        }
    }

    /// Density at a depth below a bone's surface: a hard shell around marrow.
    fn bone(&self) -> impl Fn(f32) -> Hounsfield + use<> {
        let (cortex, marrow) = (720.0 * self.density, 190.0 * self.density);
        move |depth| if depth < CORTEX_MM { cortex } else { marrow }
    }

    fn plate(&self, raster: &mut SliceRaster, section: &Section, marrow_hu: Hounsfield) {
        raster.fill(section, 520.0 * self.density);
        raster.fill(&section.grown(-CORTEX_MM), marrow_hu * self.density);
    }

    fn paint_spine(&self, raster: &mut SliceRaster, anatomy: &Anatomy) {
        let scale = anatomy.habitus.scale;
        let middle = DVec2::new(0.0, anatomy.spine_y(raster.z_mm));
        let phase = (raster.z_mm / (VERTEBRA_MM * scale.z)).rem_euclid(1.0);
        let waist = 1.0 - 0.09 * (std::f64::consts::PI * (phase / 0.8).min(1.0)).sin();
        let semi = DVec2::new(17.0, 13.5) * scale.truncate() * waist;
        let body = Section::new(middle, semi, 0.0, Power::TwoHalf);
        raster.fill(&anatomy.spine_bulge(raster.z_mm), anatomy.habitus.muscle_hu);
        let canal =
            Section::new(middle + DVec2::new(0.0, 23.0 * scale.y), DVec2::new(9.0, 7.5), 0.0, Power::Two);
        if (0.06..0.72).contains(&phase) {
            self.plate(raster, &canal.grown(6.0), 260.0);
        } else {
            raster.fill(&canal.grown(3.0), 90.0);
        }
        match phase {
            p if p > 0.8 => raster.fill(&body, 95.0),
            p if !(0.05..=0.75).contains(&p) => raster.fill(&body, 420.0 * self.density),
            _ => self.plate(raster, &body, 210.0),
        }
        raster.fill(&canal, 15.0);
        raster.fill(&canal.grown(-3.0), 38.0);
    }

    fn paint_breastbone(&self, raster: &mut SliceRaster, anatomy: &Anatomy) {
        let template_z = raster.z_mm / anatomy.habitus.scale.z;
        if !(-62.0..92.0).contains(&template_z) {
            return;
        }
        let Cage { centre, semi } = anatomy.cage(raster.z_mm);
        let wide =
            13.0 + 12.0 * smoothstep(45.0, 80.0, template_z) - 5.0 * smoothstep(-35.0, -62.0, template_z);
        let place = DVec2::new(centre.x, centre.y - semi.y - 3.0);
        self.plate(raster, &Section::new(place, DVec2::new(wide, 5.5), 0.0, Power::Four), 150.0);
    }

    fn paint_shoulder_blades(&self, raster: &mut SliceRaster, anatomy: &Anatomy) {
        let template_z = raster.z_mm / anatomy.habitus.scale.z;
        let length = 34.0 * (1.0 - ((template_z - 60.0) / 85.0).powi(2)).max(0.0).sqrt();
        if length < 4.0 {
            return;
        }
        for side in Side::BOTH {
            let outward =
                on_cage(anatomy, side, CagePlace { degrees: 48.0, outward_mm: 13.0, z_mm: raster.z_mm });
            let blade =
                Section::new(outward.truncate(), DVec2::new(length, 2.6), -side.sign() * 0.62, Power::Two);
            self.plate(raster, &blade, 240.0);
        }
    }
}

/// Ribs at one level.
pub(super) struct RibsAt<'a> {
    tubes: Vec<&'a Tube>,
    flat_z: f64,
}

impl RibsAt<'_> {
    /// Whether a place of the level lies in a rib.
    pub(super) fn hold(&self, at_mm: DVec2) -> bool {
        self.tubes.iter().any(|tube| tube.distance(at_mm.extend(self.flat_z)).surface_mm < 0.0)
    }
}

/// A place on the rib cage.
pub(super) struct CagePlace {
    /// 90 degrees is the spine's side, 0 the flank, -90 the breastbone.
    pub(super) degrees: f64,
    pub(super) outward_mm: f64,
    pub(super) z_mm: f64,
}

/// The place in the body.
pub(super) fn on_cage(anatomy: &Anatomy, side: Side, place: CagePlace) -> DVec3 {
    let CagePlace { degrees, outward_mm, z_mm } = place;
    let Cage { centre, semi } = anatomy.cage(z_mm);
    let semi = semi + outward_mm;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let full = |t: f64| t.signum() * t.abs().powf(0.8);
    DVec3::new(side.sign() * semi.x * full(cos), centre.y + semi.y * full(sin), z_mm)
}

fn rib_path(anatomy: &Anatomy, number: usize, side: Side) -> Vec<DVec3> {
    const STEPS: u8 = 26;
    let scale = anatomy.habitus.scale;
    let head_z = anatomy.lung_span_mm()[1] + (6.0 - VERTEBRA_MM * number as f64) * scale.z;
    let spine_y = anatomy.spine_y(head_z);
    let mut path = vec![
        DVec3::new(side.sign() * 16.0 * scale.x, spine_y + 12.0, head_z),
        DVec3::new(side.sign() * 32.0 * scale.x, spine_y + 28.0 * scale.y, head_z + 2.0),
    ];
    for step in 0..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        let degrees = 62.0 + (RIB_END[number] - 62.0) * part;
        let z = head_z - RIB_DROP_MM[number] * scale.z * part.powf(1.15);
        path.push(on_cage(anatomy, side, CagePlace { degrees, outward_mm: 1.5, z_mm: z }));
    }
    path.iter().map(|place| DVec3::new(place.x, place.y, place.z * RIB_FLATTENING)).collect()
}

fn collarbone(anatomy: &Anatomy, side: Side) -> Vec<Tube> {
    let place = |x: f64, y: f64, z: f64| anatomy.at(side.sign() * x, y, z);
    Tube::chain(&[place(20.0, -52.0, 92.0), place(60.0, -44.0, 112.0), place(125.0, -6.0, 140.0)], 5.5)
        .collect()
}

/// Spinous and transverse processes of one vertebra, counted up from the middle.
fn processes(anatomy: &Anatomy, number: i32) -> Vec<Tube> {
    let scale = anatomy.habitus.scale;
    let z = (f64::from(number) - 5.0 + 0.35) * VERTEBRA_MM * scale.z;
    let y = anatomy.spine_y(z);
    let mut tubes: Vec<Tube> =
        Tube::chain(&[DVec3::new(0.0, y + 34.0, z), DVec3::new(0.0, y + 56.0, z - 20.0)], 3.2).collect();
    for side in Side::BOTH {
        let ends =
            [DVec3::new(side.sign() * 13.0, y + 24.0, z), DVec3::new(side.sign() * 33.0, y + 34.0, z + 3.0)];
        tubes.extend(Tube::chain(&ends, 3.8));
    }
    tubes
}
