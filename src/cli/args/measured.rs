//! Arguments of the commands that add to a bundle what was measured on cases.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{DeviceArg, OutsideArg, PartialArg};
use crate::metrics::CalibrationMethod;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct CalibrateArgs {
    /// Folder of the bundle.
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Manifest: CSV with the header path,label,split[,patient_id]; paths are relative to it.
    #[arg(long, value_name = "CSV")]
    pub data: PathBuf,
    /// Split to fit on: one that the weights were not trained on, and not the one to report.
    #[arg(long, value_name = "NAME", default_value = "val")]
    pub split: String,
    /// temperature (one number, keeps every ranking) or isotonic (two classes, some hundred cases).
    #[arg(long, default_value_t = CalibrationMethod::Temperature)]
    pub method: CalibrationMethod,
    /// Another split to tell the calibration of, before and after.
    #[arg(long, value_name = "NAME")]
    pub check: Option<String>,
    /// Folder for the calibrated bundle, calibration.json and the reliability diagram; the bundle's own if left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub outside: OutsideArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct DomainArgs {
    /// Folder of the bundle; `pulmo train` has measured it already where the recipe does not forbid it.
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Manifest of the cases that it was trained and validated on: CSV with the header path,label[,patient_id][,split].
    #[arg(long, value_name = "CSV")]
    pub data: PathBuf,
    /// Folder for the bundle with its domain; its own if left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub device: DeviceArg,
}
