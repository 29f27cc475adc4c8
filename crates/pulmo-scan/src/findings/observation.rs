//! One scan, what was seen on it, and by what.

use std::path::PathBuf;

use serde::Serialize;

use super::{HeatMap, NoduleFinding, Prediction, Pseudonyms, ScanOrigin, Setback, Verdict};
use crate::geometry::Grid;

/// What produced a prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The bundle's name.
    pub bundle: String,
    /// SHA-256 of the bundle's weights, hexadecimal.
    pub weights_sha256: String,
    /// SHA-256 of what decides which scans are within the bundle's domain; `None` where it has none and refuses nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_sha256: Option<String>,
    /// Version of pulmo.
    pub pulmo: String,
    /// The device, as `cpu` or the adapter's name.
    pub device: String,
    /// Views of each volume that were averaged: 1, or with its mirror images more.
    pub views: usize,
}

/// Where the voxels of a scan lie in the patient, before and after preprocessing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grids {
    /// The scan's grid as it was read: that of `pulmo convert`.
    pub scan: Grid,
    /// The grid of what the network saw; attention belongs to its slices.
    pub seen: Grid,
}

/// What pulmo says about one image or series: the end of the straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The file or folder asked about.
    pub path: PathBuf,
    /// Where the scan comes from; nothing is known of one that could not be read.
    pub origin: ScanOrigin,
    /// Names for its patient, study and series; all `None` without a key.
    pub pseudonyms: Pseudonyms,
    /// Whether the scan could be used.
    pub verdict: Verdict,
    /// The classifier's answer; `None` unless the verdict allows a score.
    pub prediction: Option<Prediction>,
    /// Where the scan lies; `None` where there is no prediction.
    pub grids: Option<Grids>,
    /// Where the scan speaks for a class; `None` unless it was asked for.
    pub heat_map: Option<HeatMap>,
    /// The nodules found, most probable first; `None` unless they were asked for.
    pub nodules: Option<Vec<NoduleFinding>>,
    /// What was done differently because the device failed, in order; empty where it did not.
    pub setbacks: Vec<Setback>,
    /// What produced it.
    pub provenance: Provenance,
}
