//! The cohort: which cases there are, whom they belong to, how they are divided, and their volumes.

mod error;
mod manifest;
mod read;
mod split;

pub use error::CohortError;
pub use manifest::{Case, Split, labels, read_manifest};
pub use read::{Failure, open};
pub use split::{SplitConfig, assign};
