//! One scan, what was seen on it, and by what.

use std::path::PathBuf;

use serde::Serialize;

use super::{Prediction, Verdict};

/// What produced a prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The bundle's name.
    pub bundle: String,
    /// SHA-256 of the bundle's weights, hexadecimal.
    pub weights_sha256: String,
    /// Version of pulmo.
    pub pulmo: String,
    /// The device, as `cpu` or the adapter's name.
    pub device: String,
    /// Views of each volume that were averaged: 1, or with its mirror images more.
    pub views: usize,
}

/// What pulmo says about one image or series: the end of the straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The file or folder asked about.
    pub path: PathBuf,
    /// Whether the scan could be used.
    pub verdict: Verdict,
    /// The classifier's answer; `None` unless the verdict allows a score.
    pub prediction: Option<Prediction>,
    /// What produced it.
    pub provenance: Provenance,
}
