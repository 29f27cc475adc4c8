//! The scanner: what differs between acquisitions of the same body.

use glam::{DAffine3, DMat2, DMat3, DVec2, DVec3};

use super::anatomy::Anatomy;
use super::extras::Extra;
use super::noise::Sharpness;
use super::settings::{PhantomSettings, weighted};
use super::shape::narrow;
use super::slice_raster::SlicePlane;
use super::surroundings::ARM_REACH_MM;
use crate::dicom::{PatientPosition, PixelLayout};
use crate::geometry::{Grid, GridError, whole};
use crate::units::{Hounsfield, Millimetres};
use pulmo_random::Random;

/// A reconstruction kernel by its vendor's name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ConvolutionKernel {
    pub(super) name: &'static str,
    pub(super) sharpness: Sharpness,
}

const fn kernel(name: &'static str, blur_mm: f64, grain_mm: f64, band_pass: f32) -> ConvolutionKernel {
    ConvolutionKernel { name, sharpness: Sharpness { blur_mm, grain_mm, band_pass } }
}

/// Kernels from soft to sharp. The names are real vendors' names; the numbers only resemble them.
const KERNELS: [(ConvolutionKernel, f64); 6] = [
    (kernel("B30f", 0.75, 0.85, 0.45), 0.25),
    (kernel("STANDARD", 0.65, 0.75, 0.45), 0.2),
    (kernel("FC08", 0.7, 0.8, 0.4), 0.1),
    (kernel("B60f", 0.45, 0.5, 0.7), 0.15),
    (kernel("LUNG", 0.42, 0.45, 0.75), 0.2),
    (kernel("FC51", 0.4, 0.42, 0.75), 0.1),
];

/// How one study is acquired.
#[derive(Debug, Clone)]
pub(super) struct Protocol {
    pub(super) position: PatientPosition,
    pub(super) kernel: ConvolutionKernel,
    pub(super) noise_hu: Hounsfield,
    pub(super) kvp: f64,
    pub(super) slice_thickness_mm: Millimetres,
    pub(super) layout: PixelLayout,
    pub(super) padding_stored: Option<i32>,
    pub(super) matrix: usize,
    spacing_mm: Millimetres,
    /// Least field of view; the lungs' width may ask for more.
    field_mm: Millimetres,
    /// Whether arms beside the body must be in it.
    arms: bool,
    margin_mm: [Millimetres; 2],
    off_centre_mm: DVec2,
    /// Turn of the body on the table, radians.
    roll: f64,
    /// Turns of the slices out of the patient's axial plane, radians about x and y.
    tilt: DVec2,
    /// Place of the body's origin in patient space.
    table_mm: DVec3,
}

impl Protocol {
    pub(super) fn draw(settings: &PhantomSettings, random: &mut Random) -> Self {
        use PatientPosition::{Ffp, Ffs, Hfp, Hfs};
        let position = weighted(random, &[(Hfs, 0.7), (Ffs, 0.12), (Hfp, 0.12), (Ffp, 0.06)]).unwrap_or(Hfs);
        let matrices = [(256, 0.45), (320, 0.3), (384, 0.17), (512, 0.08)];
        let drawn_matrix = weighted(random, &matrices).unwrap_or(256);
        let spacings = [(1.25, 0.1), (1.5, 0.15), (2.0, 0.25), (2.5, 0.3), (3.0, 0.2)];
        let drawn_spacing = weighted(random, &spacings).unwrap_or(2.5);
        let spacing_mm = settings.slice_spacing_mm.unwrap_or(drawn_spacing);
        let overlap = weighted(random, &[(1.0, 0.6), (1.25, 0.2), (1.5, 0.2)]).unwrap_or(1.0);
        let kernel = weighted(random, &KERNELS).unwrap_or(KERNELS[0].0);
        let sharp = if kernel.sharpness.band_pass > 0.6 { 1.7 } else { 1.0 };
        let noise = (random.uniform(10f64.ln(), 34f64.ln()).exp() * sharp).min(60.0);
        use PixelLayout::{Signed16, Unsigned12, Unsigned16};
        let layout = weighted(random, &[(Unsigned12, 0.5), (Signed16, 0.35), (Unsigned16, 0.15)]);
        let layout = layout.unwrap_or(Unsigned12);
        let oblique = random.chance(0.2);
        let mut turn = |degrees: f64| random.uniform(-degrees, degrees).to_radians();
        let tilt = if oblique { DVec2::new(turn(2.1), turn(2.1)) } else { DVec2::ZERO };
        let roll = turn(4.0);
        Self {
            position,
            kernel,
            noise_hu: narrow(noise),
            kvp: weighted(random, &[(100.0, 0.25), (120.0, 0.6), (140.0, 0.15)]).unwrap_or(120.0),
            slice_thickness_mm: spacing_mm * overlap,
            layout,
            padding_stored: random.chance(0.3).then_some(if layout == Signed16 { -2000 } else { 0 }),
            matrix: settings.matrix.unwrap_or(drawn_matrix),
            spacing_mm,
            field_mm: random.uniform(300.0, 400.0),
            arms: settings.extras.contains(&Extra::ArmsLowered),
            margin_mm: [random.uniform(10.0, 26.0), random.uniform(8.0, 22.0)],
            off_centre_mm: DVec2::new(random.uniform(-8.0, 8.0), random.uniform(-8.0, 8.0)),
            roll,
            tilt,
            table_mm: DVec3::new(
                random.uniform(-10.0, 10.0).round(),
                random.uniform(-180.0, 20.0).round(),
                random.uniform(-1200.0, 400.0).round(),
            ),
        }
    }

    /// The sign of the body's y that points down.
    pub(super) fn down(&self) -> f64 {
        if matches!(self.position, PatientPosition::Hfp | PatientPosition::Ffp) { -1.0 } else { 1.0 }
    }

    /// Body directions along which columns, rows and slices grow: rows run towards the table,
    /// and the slices' order makes the axes right-handed.
    fn axes(&self) -> DMat3 {
        let (x, z) = match self.position {
            PatientPosition::Hfs => (1.0, 1.0),
            PatientPosition::Hfp => (-1.0, 1.0),
            PatientPosition::Ffs => (-1.0, -1.0),
            PatientPosition::Ffp => (1.0, -1.0),
        };
        DMat3::from_diagonal(DVec3::new(x, self.down(), z))
    }

    /// Where the voxels of one body lie.
    pub(super) fn geometry(&self, anatomy: &Anatomy) -> Result<ScanGeometry, GridError> {
        let [base, apex] = anatomy.lung_span_mm();
        let (low, high) = (base - self.margin_mm[0], apex + self.margin_mm[1]);
        let slices = whole((high - low) / self.spacing_mm) + 1;
        let cage = anatomy.cage(base).semi;
        let aside = if self.arms {
            f64::from(anatomy.trunk(apex).half_extent()[0].max(anatomy.trunk(base).half_extent()[0]))
                + ARM_REACH_MM
        } else {
            cage.max_element()
        };
        let needed_mm = 2.0 * (aside + self.off_centre_mm.abs().max_element() + 6.0);
        let pixel_mm = (self.field_mm.max(needed_mm) / self.matrix as f64 * 1e4).round() / 1e4;
        let axes = self.axes();
        let half = (self.matrix as f64 - 1.0) / 2.0 * pixel_mm;
        let first_z = if axes.z_axis.z > 0.0 { low } else { high };
        let corner = self.off_centre_mm - (axes.x_axis + axes.y_axis).truncate() * half;
        let room_from_voxel = DAffine3::from_mat3_translation(
            axes * DMat3::from_diagonal(DVec3::new(pixel_mm, pixel_mm, self.spacing_mm)),
            corner.extend(first_z),
        );
        let body_from_room = DMat3::from_rotation_z(self.roll);
        let turned = DMat3::from_rotation_x(self.tilt.x) * DMat3::from_rotation_y(self.tilt.y);
        let patient_from_room = DAffine3::from_mat3_translation(turned, self.table_mm);
        let flat = DMat2::from_angle(self.roll);
        let plane = SlicePlane {
            matrix: self.matrix,
            pixel_mm,
            origin_mm: flat * corner,
            axes: flat * DMat2::from_cols(axes.x_axis.truncate(), axes.y_axis.truncate()),
        };
        Ok(ScanGeometry {
            grid: Grid::new([slices, self.matrix, self.matrix], patient_from_room * room_from_voxel)?,
            patient_from_body: patient_from_room * DAffine3::from_mat3(body_from_room.transpose()),
            plane,
            first_z_mm: first_z,
            step_z_mm: axes.z_axis.z * self.spacing_mm,
        })
    }

    /// Offsets of the thin slices whose mean is one slice: 1.6 mm apart at most, as long as four
    /// are enough.
    pub(super) fn thin_slices(&self) -> impl Iterator<Item = f64> + use<> {
        let thickness = self.slice_thickness_mm;
        let count = whole((thickness / 1.6).ceil()).clamp(1, 4);
        (0..count).map(move |i| thickness * ((i as f64 + 0.5) / count as f64 - 0.5))
    }
}

/// Where a study's voxels lie, in the patient and in the body.
pub(super) struct ScanGeometry {
    pub(super) grid: Grid,
    pub(super) patient_from_body: DAffine3,
    pub(super) plane: SlicePlane,
    pub(super) first_z_mm: f64,
    pub(super) step_z_mm: f64,
}
