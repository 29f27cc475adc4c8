//! Finds CT series in files and folders, by their headers only.

use std::path::PathBuf;

use super::catalogue::{Catalogue, SeriesFiles};
use super::listing::{Links, list};
use super::passed_over::PassedOver;
use super::{Refused, Series};

/// What was found, each list in the order of paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovery {
    /// CT series.
    pub series: Vec<Series>,
    /// DICOM files that belong to no CT series, and files that cannot be read.
    pub refused: Vec<Refused>,
    /// Files that are not DICOM.
    pub others: Vec<PathBuf>,
    /// What was passed over.
    pub passed: PassedOver,
}

/// Finds CT series in files and folders. Reads headers only, and keeps them all.
///
/// Paths are listed as by [`list`] with [`Links::Files`]; DICOM directories are passed over. The result
/// does not depend on the order of `paths`, of folder entries or of threads.
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let Catalogue { series, refused, others, passed } = Catalogue::of(list(paths, Links::Files));
    let mut series: Vec<Series> = series.into_iter().flat_map(SeriesFiles::series).collect();
    series.sort_by(|a, b| a.files().min().cmp(&b.files().min()));
    Discovery { series, refused, others, passed }
}
