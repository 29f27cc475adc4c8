//! What `pulmo nodules` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{DeviceArg, ReadArgs};
use crate::engine::NoduleSettings;

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
