//! `[domain]` of `bundle.toml`: what of a domain people can read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DomainError, FactRange};
use crate::facts::Fact;

/// What of a domain people can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// SHA-256 of `domain.safetensors`, hexadecimal.
    pub sha256: String,
    /// Training cases that it was fitted on.
    pub train_cases: usize,
    /// Validation cases that the limits come from.
    pub validation_cases: usize,
    /// SHA-256 of their manifest's rows (path, label, patient, split).
    pub data_sha256: String,
    /// The largest distance of features that is within, for each network.
    pub limits: Vec<f64>,
    /// Where each fact of a scan is within; empty for pictures.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<Fact, FactRange>,
}

impl Boundary {
    /// Checks what types cannot, for a bundle of so many networks.
    ///
    /// # Errors
    /// [`DomainError`] says what is wrong.
    pub fn validate(&self, networks: usize) -> Result<(), DomainError> {
        if self.limits.len() != networks {
            let found = self.limits.len();
            return Err(DomainError::Size { what: "the limits", found, expected: networks });
        }
        if !self.limits.iter().all(|limit| limit.is_finite() && *limit > 0.0) {
            return Err(DomainError::Value { what: "the limits" });
        }
        // Not a number is neither below nor above.
        let is_wrong = |range: &FactRange| !(range.least.is_finite() && range.most >= range.least);
        match self.ranges.iter().find(|(_, range)| is_wrong(range)) {
            Some((&fact, _)) => Err(DomainError::Range { fact }),
            None => Ok(()),
        }
    }
}
