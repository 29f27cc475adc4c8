//! The cohort: which cases there are, whom they belong to, how they are divided, and their volumes.

mod error;
mod folds;
mod manifest;
mod read;
mod split;

pub use error::CohortError;
pub use folds::folds;
pub use manifest::{Case, Split, labels, read_manifest, read_unlabelled, rows_text};
pub use read::{Failure, Opened, each_case, open};
pub use split::{SharedPatient, SplitConfig, assign, shared_patients};
