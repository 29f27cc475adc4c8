//! `bundle.toml`: what the classifier is and what surrounds its network.

use serde::{Deserialize, Serialize};

use super::{Golden, ManifestError, sha256_hex};
use crate::domain::Boundary;
use crate::metrics::CalibrationMap;
use crate::preprocess::Chain;

/// Version of the layout of bundles.
pub const FORMAT: u32 = 1;

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// Version of pulmo that trained them.
    pub pulmo: String,
    /// Device that trained them.
    pub device: String,
    /// Seed of the training.
    pub seed: u64,
    /// SHA-256 of the recipe as trained.
    pub recipe_sha256: String,
    /// SHA-256 of the weights that training started from; absent where the seed drew them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_sha256: Option<String>,
    /// SHA-256 of the manifest's rows (path, label, patient, split).
    pub data_sha256: String,
    /// Cases trained on.
    pub train_cases: usize,
    /// Cases validated on.
    pub validation_cases: usize,
    /// Epoch whose weights were kept, from 1.
    pub epoch: usize,
    /// ROC AUC on the validation cases; absent where it is undefined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_roc_auc: Option<f64>,
}

/// How the network's probabilities are made to mean what they say; fitted after training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Cases that the map was fitted on.
    pub cases: usize,
    /// SHA-256 of their manifest's rows (path, label, patient, split).
    pub data_sha256: String,
    /// The bundle's threshold without calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncalibrated_threshold: Option<f32>,
    /// The map.
    pub map: CalibrationMap,
}

/// `bundle.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the layout: [`FORMAT`].
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Class names in the order of the network's outputs; for two the second is positive.
    pub classes: Vec<String>,
    /// For two classes: the probability of the second from which it is predicted; a calibrated
    /// probability where there is a calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// SHA-256 of `weights.safetensors`, hexadecimal; for an ensemble that of the members' hashes, one
    /// after the other.
    pub weights_sha256: String,
    /// For an ensemble: SHA-256 of `weights-0.safetensors`, `weights-1.safetensors`, ... of one network
    /// each, whose probabilities are averaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members_sha256: Vec<String>,
    /// Axes along which training cases were mirrored, so that mirror images may be averaged too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Axis>,
    /// Preprocessing, the same as in training.
    pub chain: Chain,
    /// What the network answers to made inputs on the CPU; absent in bundles of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<Golden>,
    /// What makes probabilities of the network's softmax; absent where it is taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What the bundle was trained on, so that it refuses what is unlike; absent where that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Boundary>,
    /// Where the weights come from.
    #[serde(default)]
    pub origin: Origin,
}

/// An axis of a preprocessed volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Along the columns: left and right.
    X,
    /// Along the rows: front and back.
    Y,
    /// Along the slices: head and feet.
    Z,
}

impl Manifest {
    /// The file and the hash of each network's weights.
    pub fn weights_files(&self) -> Vec<(String, &str)> {
        if self.members_sha256.is_empty() {
            return vec![("weights.safetensors".to_owned(), &self.weights_sha256)];
        }
        let members = self.members_sha256.iter().enumerate();
        members.map(|(index, hash)| (format!("weights-{index}.safetensors"), hash.as_str())).collect()
    }

    /// SHA-256 of what decides which scans are within the bundle's domain; `None` where all are.
    pub fn domain_sha256(&self) -> Option<String> {
        // Numbers and texts under texts: this cannot fail.
        let text = serde_json::to_string(self.domain.as_ref()?).unwrap_or_default();
        Some(sha256_hex(text.as_bytes()))
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ManifestError`] names the field.
    pub fn validate(&self) -> Result<(), ManifestError> {
        let count = self.classes.len();
        if self.format != FORMAT {
            return Err(ManifestError::Format { found: self.format, known: FORMAT });
        }
        if count < 2 {
            return Err(ManifestError::FewClasses { count });
        }
        match self.threshold {
            None if count == 2 => return Err(ManifestError::NoThreshold),
            Some(_) if count > 2 => return Err(ManifestError::ThresholdOfMany { count }),
            Some(found) if !(0.0..=1.0).contains(&found) => return Err(ManifestError::Threshold { found }),
            _ => {}
        }
        if let Some(calibration) = &self.calibration {
            calibration.map.validate(count)?;
        }
        Ok(self.chain.validate()?)
    }
}
