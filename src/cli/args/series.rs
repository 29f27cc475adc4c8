//! Arguments of the commands that make, read and change series.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{DeviceArg, ReadArgs};
use crate::phantom::{Extra, PhantomSettings, RegionSettings};

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct PreprocessArgs {
    /// Image, series folder or .npy volume.
    pub input: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Preprocessing chain: TOML with [[step]] tables, or a recipe or bundle.toml that holds one.
    #[arg(long, value_name = "TOML")]
    pub chain: PathBuf,
    /// File to write; its ending says how: .npy ([slices, rows, columns], float32), or .nii, .nii.gz or .mha, which keep spacing and place.
    #[arg(long, value_name = "FILE", required_unless_present = "plan")]
    pub out: Option<PathBuf>,
    /// Print the passes that a GPU would run for this input, and run nothing.
    #[arg(long, conflicts_with = "out")]
    pub plan: bool,
    /// Also tell the seconds of reading, of the chain and of writing, as one JSON line on stderr.
    #[arg(long)]
    pub timings: bool,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct InspectArgs {
    /// DICOM files, DICOMDIR, volumes (.nii, .nii.gz, .mha, .mhd, .nrrd, .nhdr, .npy, .npz), pictures, .zip archives, or folders of them.
    #[arg(required_unless_present = "codes", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print JSON, one object a line for each series, volume and refused file.
    #[arg(long)]
    pub json: bool,
    /// Also print the SHA-256 of the Hounsfield units (int16 little endian, [z, y, x]) before padding is replaced.
    #[arg(long)]
    pub hash: bool,
    /// Read DICOM headers only: no Hounsfield units, and verdicts by geometry alone.
    #[arg(long, conflicts_with = "hash")]
    pub headers: bool,
    /// Also read the stored pixels of DICOM series by a second reader (dicom-rs) and tell where it gives others; exit code 3, or 1 for all, if any differ.
    #[arg(long, conflicts_with = "headers")]
    pub cross_check: bool,
    /// Show patient's name and id and the series' UID.
    #[arg(long)]
    pub phi: bool,
    /// Print every code that a verdict can have, what it means and what to do about it.
    #[arg(long, exclusive = true)]
    pub codes: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ConvertArgs {
    /// Folder or archive with one series, or a volume file.
    #[arg(value_name = "SERIES")]
    pub input: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
    /// File to write; its ending says how: .nii, .nii.gz or .mha.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Resample tilted or unevenly spaced slices to an orthogonal, uniform grid instead of refusing them.
    #[arg(long)]
    pub regularize: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct PhantomArgs {
    /// Folder for the studies, truth.csv (a manifest) and truth.json.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Studies to make; about half have nodules.
    #[arg(long, default_value_t = 10)]
    pub studies: usize,
    /// Seed: the same seed gives the same studies.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Most nodules in a study with nodules.
    #[arg(long, value_name = "N", default_value_t = PhantomSettings::default().nodules_at_most)]
    pub nodules_at_most: usize,
    /// What else is in each study, separated by commas.
    #[arg(long = "with", value_name = "EXTRA", value_delimiter = ',', value_parser = PossibleValuesParser::new(Extra::ALL.map(Extra::name)).try_map(|name| name.parse::<Extra>()))]
    pub extras: Vec<Extra>,
    /// Write small regions with and without a nodule (.nii.gz) instead of whole studies.
    #[arg(long)]
    pub regions: bool,
    /// Side of a region in the slices; along z it is 7/8 of it.
    #[arg(long, value_name = "MM", requires = "regions", default_value_t = RegionSettings::default().side_mm)]
    pub region_mm: f64,
    /// Regions around each nodule.
    #[arg(long, value_name = "N", requires = "regions", default_value_t = RegionSettings::default().around_nodule)]
    pub nodule_regions: usize,
    /// Regions without a nodule from each study.
    #[arg(long, value_name = "N", requires = "regions", default_value_t = RegionSettings::default().normal)]
    pub normal_regions: usize,
}
