//! What can go wrong in a search.

use std::path::PathBuf;

use super::ranges_error::RangesError;
use crate::train::TrainError;

/// Why a search cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The recipe has no `[tune]`, or what it says cannot be done.
    #[error("[tune] {0}")]
    Ranges(#[from] RangesError),
    /// The folder holds a search of another recipe or other data.
    #[error(
        "{} holds a search with another recipe, other ranges or other data; choose another --out or remove it",
        path.display()
    )]
    OtherSearch {
        /// The output folder.
        path: PathBuf,
    },
    /// Every trial of a rung failed.
    #[error("none of the {trials} trials of rung {rung} could be trained to a figure; see trials.csv")]
    NothingTrained {
        /// The rung, from 1.
        rung: usize,
        /// Its trials.
        trials: usize,
    },
    /// A training failed for a reason that does not lie in the trial.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
