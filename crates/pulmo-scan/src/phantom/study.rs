//! One phantom study: made, and written.

use std::path::Path;

use ndarray::Array3;
use rayon::prelude::*;

use super::PhantomError;
use super::extras;
use super::lung_truth::LungTruth;
use super::noise::Finisher;
use super::scanner::{Protocol, ScanGeometry};
use super::scene::Scene;
use super::settings::{PhantomSettings, Purpose, StudyKey};
use super::slice_raster::SliceRaster;
use super::truth::{Label, NoduleTruth, StudyTruth};
use crate::dicom::{CtSeriesDescription, DisplayWindow, write_ct_series};
use crate::units::AIR_HU;
use crate::volume::Volume;
use pulmo_random::Random;

/// What a viewer of a chest CT shows at first.
const LUNG_WINDOW: DisplayWindow = DisplayWindow { centre_hu: -600.0, width_hu: 1500.0 };

/// A synthetic chest CT and the truth about it.
#[derive(Debug, Clone)]
pub struct Study {
    volume: Volume,
    truth: StudyTruth,
    description: CtSeriesDescription,
}

impl Study {
    /// Study number `index` of the collection of `seed`. The same arguments give the same study
    /// on any number of threads. Of studies `2k` and `2k + 1` exactly one has nodules.
    ///
    /// # Units
    /// Whole Hounsfield units between -1024 and 3071. Where the scanner pads, what lies outside
    /// the circle inscribed in the slices is -1024.
    ///
    /// # Errors
    /// [`PhantomError`] where a setting is out of range or the nodules find no room.
    pub fn generate(settings: &PhantomSettings, seed: u64, index: usize) -> Result<Self, PhantomError> {
        check(settings)?;
        let key = StudyKey { seed, index: index as u64 };
        let protocol = Protocol::draw(settings, &mut key.random(Purpose::Scanner));
        let scene = Scene::new(settings, key, protocol.down())?;
        let geometry = protocol.geometry(&scene.anatomy)?;
        let volume = Volume::new(geometry.grid, render(&scene, &protocol, &geometry, key))?;
        let truth =
            StudyTruth { extras: settings.extras.clone(), ..truth(&scene, &protocol, &geometry, key) };
        let description = describe(&protocol, &truth, key);
        Ok(Self { volume, truth, description })
    }

    /// Where the lungs and the main airways lie in study number `index` of the collection of `seed`: what
    /// [`Study::generate`] paints of them with the same arguments.
    ///
    /// # Errors
    /// [`PhantomError`] as for [`Study::generate`].
    pub fn lungs(settings: &PhantomSettings, seed: u64, index: usize) -> Result<LungTruth, PhantomError> {
        check(settings)?;
        let key = StudyKey { seed, index: index as u64 };
        let protocol = Protocol::draw(settings, &mut key.random(Purpose::Scanner));
        let scene = Scene::new(settings, key, protocol.down())?;
        let geometry = protocol.geometry(&scene.anatomy)?;
        LungTruth::of(&scene, &geometry)
    }

    /// The volume that a reader of the written files must get.
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// What is known about the study.
    pub fn truth(&self) -> &StudyTruth {
        &self.truth
    }

    /// What the written files say besides values and geometry.
    pub fn description(&self) -> &CtSeriesDescription {
        &self.description
    }

    /// Writes the study's slices as DICOM files into `folder`.
    ///
    /// # Errors
    /// [`PhantomError::Dicom`] where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), PhantomError> {
        write_ct_series(folder, &self.volume, &self.description)?;
        Ok(())
    }
}

fn check(settings: &PhantomSettings) -> Result<(), PhantomError> {
    let refuse = |setting, value: String, needed| Err(PhantomError::Setting { setting, value, needed });
    match settings.matrix {
        Some(matrix) if !(64..=2048).contains(&matrix) => {
            return refuse("matrix", matrix.to_string(), "64 to 2048 pixels");
        }
        _ => {}
    }
    match settings.slice_spacing_mm {
        Some(spacing) if !(0.25..=10.0).contains(&spacing) => {
            return refuse("slice_spacing_mm", spacing.to_string(), "0.25 to 10 mm");
        }
        _ => {}
    }
    let [low, high] = settings.nodule_diameter_mm;
    if !(2.0..=40.0).contains(&low) || !(low..=40.0).contains(&high) {
        return refuse("nodule_diameter_mm", format!("{low} to {high}"), "rising, within 2 to 40 mm");
    }
    extras::check(&settings.extras)?;
    if !(1..=10).contains(&settings.nodules_at_most) {
        return refuse("nodules_at_most", settings.nodules_at_most.to_string(), "1 to 10");
    }
    Ok(())
}

/// What one thread paints with.
struct Tools {
    raster: SliceRaster,
    finisher: Finisher,
}

/// The slices, each from its own noise stream, so that the order of work changes nothing.
fn render(scene: &Scene, protocol: &Protocol, geometry: &ScanGeometry, key: StudyKey) -> Array3<f32> {
    let plane = geometry.plane;
    let [slices, rows, columns] = geometry.grid.shape_zyx();
    let mut voxels = Array3::zeros((slices, rows, columns));
    let offsets: Vec<f64> = protocol.thin_slices().collect();
    let tools = || Tools {
        raster: SliceRaster::new(plane),
        finisher: Finisher::new(plane.matrix, plane.pixel_mm, protocol.kernel.sharpness),
    };
    let paint = |tools: &mut Tools, z: usize, mut slice: ndarray::ArrayViewMut2<'_, f32>| {
        let Tools { raster, finisher } = tools;
        let Some(values) = slice.as_slice_mut() else { return };
        let middle = geometry.first_z_mm + geometry.step_z_mm * z as f64;
        for offset in &offsets {
            raster.clear(middle + offset);
            scene.paint(raster);
            let share = 1.0 / offsets.len() as f32;
            values.iter_mut().zip(&raster.values_hu).for_each(|(mean, value)| *mean += share * value);
        }
        let mut noise = Random::keyed(key.seed, &[Purpose::Noise as u64, key.index, z as u64]);
        finisher.finish(values, protocol.noise_hu, &mut noise);
        values.iter_mut().for_each(|value| *value = value.round().clamp(AIR_HU, 3071.0));
        if protocol.padding_stored.is_some() {
            pad(values, plane.matrix);
        }
    };
    let planes: Vec<_> = voxels.outer_iter_mut().collect();
    planes.into_par_iter().enumerate().for_each_init(tools, |tools, (z, plane)| paint(tools, z, plane));
    voxels
}

/// Sets what lies outside the inscribed circle to air, as a reader does with padding.
fn pad(values: &mut [f32], matrix: usize) {
    // Twice the distance from the middle, in pixels: whole numbers, so no rounding decides.
    let from_middle = |index: usize| (2 * index + 1).abs_diff(matrix);
    for (row, line) in values.chunks_exact_mut(matrix).enumerate() {
        for (column, value) in line.iter_mut().enumerate() {
            if from_middle(row).pow(2) + from_middle(column).pow(2) > matrix * matrix {
                *value = AIR_HU;
            }
        }
    }
}

fn truth(scene: &Scene, protocol: &Protocol, geometry: &ScanGeometry, key: StudyKey) -> StudyTruth {
    let grid = &geometry.grid;
    let [normal, down, along] = grid.direction();
    let patient_id = format!("phantom-{:04}", key.index);
    let nodule = |placed: &super::placement::Placed| NoduleTruth {
        centre_mm: geometry.patient_from_body.transform_point3(placed.nodule.centre_mm).to_array(),
        diameter_mm: placed.nodule.diameter_mm,
        core_diameter_mm: placed.nodule.core_diameter_mm,
        centre_hu: placed.nodule.centre_hu(),
        kind: placed.nodule.kind,
        edge: placed.nodule.edge,
        attachment: placed.attachment,
        side: placed.side,
    };
    StudyTruth {
        path: patient_id.clone(),
        label: if scene.nodules.is_empty() { Label::Normal } else { Label::Nodule },
        patient_id,
        shape_zyx: grid.shape_zyx(),
        spacing_mm_zyx: grid.spacing_mm(),
        origin_mm: grid.origin_mm().to_array(),
        direction: [along, down, normal].map(|axis| axis.to_array()),
        slice_thickness_mm: protocol.slice_thickness_mm,
        convolution_kernel: protocol.kernel.name.to_owned(),
        patient_position: protocol.position.term().to_owned(),
        noise_hu: protocol.noise_hu,
        nodules: scene.nodules.iter().map(nodule).collect(),
        extras: Vec::new(),
    }
}

fn describe(protocol: &Protocol, truth: &StudyTruth, key: StudyKey) -> CtSeriesDescription {
    let mut random = key.random(Purpose::Files);
    let mut numbers: Vec<usize> = (1..=truth.shape_zyx[0]).collect();
    random.shuffle(&mut numbers);
    CtSeriesDescription {
        patient_id: truth.patient_id.clone(),
        is_synthetic: true,
        image_type: "ORIGINAL\\PRIMARY\\AXIAL".to_owned(),
        manufacturer: "pulmo phantom".to_owned(),
        body_part: "CHEST".to_owned(),
        series_description: "synthetic chest CT".to_owned(),
        uid_seed: random.bits(),
        patient_position: protocol.position,
        slice_thickness_mm: protocol.slice_thickness_mm,
        kvp: protocol.kvp,
        convolution_kernel: protocol.kernel.name.to_owned(),
        layout: protocol.layout,
        window: LUNG_WINDOW,
        padding_stored: protocol.padding_stored,
        file_names: numbers.iter().map(|number| format!("IM{number:04}.dcm")).collect(),
        instances_descend: random.chance(0.5),
    }
}
