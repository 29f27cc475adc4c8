//! The cohort: which cases there are, whom they belong to, how they are divided, and their volumes.

mod case;
mod columns;
mod doubts;
mod error;
mod folds;
mod manifest;
mod read;
mod split;
mod table;

pub use case::{Case, Split};
pub use error::CohortError;
pub use folds::folds;
pub use manifest::{Labels, labels, positive_last, read_cases, read_manifest, read_unlabelled, rows_text};
pub use read::{Failure, Opened, Reading, each_case, item_of, missing_of, open};
pub use split::{SharedPatient, SplitConfig, absent_classes, assign, shared_patients};
