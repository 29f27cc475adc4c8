//! How a domain is fitted: `[domain]` of a recipe.

use serde::{Deserialize, Serialize};

/// How a bundle's domain is fitted after training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DomainConfig {
    /// Whether there is one.
    pub fit: bool,
    /// Share of cases that define it: facts range from its complement to it, and it is the quantile of the validation
    /// cases' distances. The few cases beyond may be outliers themselves.
    pub quantile: f64,
    /// By which share of its width each fact's range is widened on either side.
    pub range_margin: f64,
    /// By which factor the limit of the distance lies above the quantile.
    pub distance_margin: f64,
}

impl Default for DomainConfig {
    fn default() -> Self {
        Self { fit: true, quantile: 0.99, range_margin: 0.25, distance_margin: 2.0 }
    }
}

impl DomainConfig {
    /// Whether nothing differs from the defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
