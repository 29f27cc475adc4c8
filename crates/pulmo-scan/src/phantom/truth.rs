//! What is known about the studies, and how it is written down.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use serde::Serialize;

use super::PhantomError;
use super::anatomy::Side;
use super::extras::Extra;
use super::nodules::{NoduleEdge, NoduleKind};
use super::placement::Attachment;
use crate::units::{Hounsfield, Millimetres};

/// Whether a study has nodules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// At least one.
    Nodule,
    /// None.
    Normal,
}

/// One nodule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoduleTruth {
    /// Centre in patient space, `[x, y, z]` LPS.
    pub centre_mm: [Millimetres; 3],
    /// Diameter of the sphere of the nodule's volume, spicules not counted and nothing cut off at
    /// the pleura.
    pub diameter_mm: Millimetres,
    /// Diameter of a part-solid nodule's core.
    pub core_diameter_mm: Option<Millimetres>,
    /// Density at the centre, before blur and noise.
    pub centre_hu: Hounsfield,
    /// What it is made of.
    pub kind: NoduleKind,
    /// What its edge looks like.
    pub edge: NoduleEdge,
    /// What it touches.
    pub attachment: Attachment,
    /// The lung it lies in.
    pub side: Side,
}

/// One study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyTruth {
    /// The study's folder, relative to the manifest.
    pub path: String,
    /// Whether it has nodules.
    pub label: Label,
    /// Patient ID, one for each study.
    pub patient_id: String,
    /// Slices, rows, columns.
    pub shape_zyx: [usize; 3],
    /// Distances between voxel centres along `[z, y, x]`.
    pub spacing_mm_zyx: [Millimetres; 3],
    /// Centre of the first voxel in patient space, `[x, y, z]` LPS.
    pub origin_mm: [Millimetres; 3],
    /// Unit vectors along which columns, rows and slices grow, each `[x, y, z]` LPS.
    pub direction: [[f64; 3]; 3],
    /// Slice thickness, which may be larger than the distance between slices.
    pub slice_thickness_mm: Millimetres,
    /// Reconstruction kernel.
    pub convolution_kernel: String,
    /// Patient position, as `HFS`.
    pub patient_position: String,
    /// Standard deviation of the noise near the middle of the slices.
    pub noise_hu: Hounsfield,
    /// The nodules; none in a normal study.
    pub nodules: Vec<NoduleTruth>,
    /// What was asked for besides; absent where nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<Extra>,
}

/// One row of `truth.csv`, which is a training manifest.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ManifestRow {
    pub(super) path: String,
    pub(super) label: Label,
    pub(super) patient_id: String,
    pub(super) nodules: usize,
}

/// Writes `truth.csv` into a folder.
pub(super) fn write_manifest(folder: &Path, rows: &[ManifestRow]) -> Result<(), PhantomError> {
    let path = folder.join("truth.csv");
    let failed = |source| PhantomError::Manifest { path: path.clone(), source };
    let mut writer = csv::Writer::from_path(&path).map_err(failed)?;
    rows.iter().try_for_each(|row| writer.serialize(row)).map_err(failed)?;
    writer.flush().map_err(|source| failed(source.into()))
}

/// Writes `truth.csv` (path, label, patient_id, nodules) and `truth.json` (everything) into a folder.
pub(super) fn write_truth(folder: &Path, studies: &[StudyTruth]) -> Result<(), PhantomError> {
    fs::create_dir_all(folder).map_err(|source| PhantomError::Truth { path: folder.to_owned(), source })?;
    let row = |study: &StudyTruth| ManifestRow {
        path: study.path.clone(),
        label: study.label,
        patient_id: study.patient_id.clone(),
        nodules: study.nodules.len(),
    };
    write_manifest(folder, &studies.iter().map(row).collect::<Vec<_>>())?;
    let path = folder.join("truth.json");
    let failed = |source| PhantomError::Truth { path: path.clone(), source };
    let file = File::create(&path).map_err(failed)?;
    let mut to = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut to, studies).map_err(|error| failed(error.into()))?;
    std::io::Write::flush(&mut to).map_err(failed)
}
