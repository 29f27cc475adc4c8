//! What can be wrong with a manifest or with how its cases are divided.

use std::path::PathBuf;

/// Why a cohort cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CohortError {
    /// A manifest is not `path,label[,patient_id][,split]`.
    #[error("manifest {}, line {line}: {what}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line in the file, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// No two classes of which the named one is positive.
    #[error("no positive class `{name}`: {what}; the classes are {}", classes.join(", "))]
    Positive {
        /// The name given.
        name: String,
        /// What is wrong.
        what: &'static str,
        /// The classes there are.
        classes: Vec<String>,
    },
    /// The cases cannot be divided.
    #[error("split: {0}")]
    Split(String),
}
