//! What `pulmo nodules` takes.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::{DeviceArg, ReadArgs};
use crate::engine::NoduleSettings;

/// How voxels of a segmentation are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum SegmentationArg {
    /// One bit for each voxel of each segment.
    #[default]
    Binary,
    /// The segment's number for each voxel.
    Labelmap,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct NodulesArgs {
    /// Chest CT series, volumes in Hounsfield units, or folders of them.
    #[arg(required = true, value_name = "SERIES")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Folder of a bundle for pictures of 50 x 50 pixels that tells nodules from what looks like them. Without one, places
    /// are ranked by their shape alone, and most of them are vessels.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Also write the nodules of all series as a table.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Also write what was found as DICOM objects of the patient's study, in a folder for each series: measurements
    /// (structured report), lungs and nodules (segmentation), key slices. They name the patient, as the scan does.
    #[arg(long, value_name = "DIR")]
    pub dicom_out: Option<PathBuf>,
    /// How voxels of the segmentation are stored. Few viewers know label maps yet.
    #[arg(long, value_name = "FORM", value_enum, default_value_t, requires = "dicom_out")]
    pub dicom_segmentation: SegmentationArg,
    /// Least mean diameter in millimetres.
    #[arg(long, value_name = "MM", default_value_t = NoduleSettings::default().minimum_mm)]
    pub minimum_mm: f64,
    /// Most nodules of a series, the most probable ones.
    #[arg(long, value_name = "N", default_value_t = NoduleSettings::default().at_most)]
    pub at_most: usize,
    /// Least probability, 0 to 1; the bundle's threshold if left out.
    #[arg(long, value_name = "P")]
    pub probability: Option<f32>,
    #[command(flatten)]
    pub device: DeviceArg,
}
