//! A case: one row of a manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which part of a data set a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// The best weights and the threshold are chosen on it.
    Validation,
    /// Only evaluated.
    Test,
}

impl Split {
    /// Reads `train`, `val`, `valid`, `validation`, `dev` or `test`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }

    /// The name in manifests: `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }
}

/// One row of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// As written in the manifest.
    pub path: String,
    /// The path to open: relative ones are taken from the manifest's folder.
    pub file: PathBuf,
    /// The label, as written.
    pub label: String,
    /// The patient; the path itself where the manifest has no `patient_id`.
    pub patient_id: String,
    /// The split named in the manifest, if any.
    pub split: Option<Split>,
    /// The cells of all other columns, by name: age, sex, scanner, whatever the manifest has.
    pub attributes: BTreeMap<String, String>,
}
