//! `capability.json`: what a bundle can do and what it cannot, for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bundle, BundleError};
use crate::domain::{Boundary, FactRange};
use crate::facts::Fact;
use crate::metrics::CalibrationMap;
use crate::network::NetworkKind;
use crate::preprocess::Chain;

/// What every bundle is for.
pub(super) const INTENDED_USE: &str = "Research only. Not a medical device; not for diagnosis or treatment.";

/// What is true of the figures of every bundle.
const OPTIMISTIC: &str = "The ROC AUC comes from the cases that the weights were chosen on, so it is optimistic: measure \
                          the bundle on cases of your own (`pulmo evaluate`) before you rely on it.";

/// The axes of what a bundle's network sees: the preprocessed voxels of several cases.
pub(super) const AXES: [&str; 4] = ["cases", "slices", "rows", "columns"];

/// `capability.json`.
#[derive(Serialize)]
struct Capability<'a> {
    name: &'a str,
    description: &'a str,
    intended_use: &'a str,
    task: &'a str,
    classes: &'a [String],
    positive: Option<&'a String>,
    threshold: Option<f32>,
    input: Input<'a>,
    calibration: Option<&'a str>,
    domain: Option<Within<'a>>,
    evaluation: Evaluation,
    limits: Vec<&'a str>,
    networks: usize,
    parameters: usize,
    weights_sha256: &'a str,
    pulmo: &'a str,
}

/// What the network sees.
#[derive(Serialize)]
struct Input<'a> {
    kind: NetworkKind,
    axes: [&'a str; 4],
    chain: &'a Chain,
}

/// What the bundle was trained on.
#[derive(Serialize)]
struct Within<'a> {
    train_cases: usize,
    validation_cases: usize,
    ranges: &'a BTreeMap<Fact, FactRange>,
}

/// How good it is.
#[derive(Serialize)]
struct Evaluation {
    cases: usize,
    roc_auc: Option<f64>,
}

impl Bundle {
    /// What the bundle can do and what it cannot, as JSON.
    ///
    /// # Errors
    /// [`BundleError::Content`] where a number cannot be written.
    pub fn capability(&self) -> Result<String, BundleError> {
        let manifest = self.manifest();
        let wrong = |error: serde_json::Error| BundleError::Content {
            bundle: manifest.name.clone(),
            file: "capability.json",
            what: error.to_string(),
        };
        let calibration = manifest.calibration.as_ref().map(|calibration| match calibration.map {
            CalibrationMap::Temperature { .. } => "temperature",
            CalibrationMap::Isotonic { .. } => "isotonic",
        });
        let capability = Capability {
            name: &manifest.name,
            description: &manifest.description,
            intended_use: INTENDED_USE,
            task: "classification",
            classes: &manifest.classes,
            positive: manifest.threshold.and(manifest.classes.last()),
            threshold: manifest.threshold,
            input: Input { kind: self.network_config().kind, axes: AXES, chain: &manifest.chain },
            calibration,
            domain: manifest.domain.as_ref().map(within),
            evaluation: Evaluation {
                cases: manifest.origin.validation_cases,
                roc_auc: manifest.origin.validation_roc_auc,
            },
            limits: limits(manifest.domain.as_ref()),
            networks: self.networks().count(),
            parameters: self.parameters(),
            weights_sha256: &manifest.weights_sha256,
            pulmo: &manifest.origin.pulmo,
        };
        Ok(serde_json::to_string_pretty(&capability).map_err(wrong)? + "\n")
    }
}

fn within(domain: &Boundary) -> Within<'_> {
    let Boundary { train_cases, validation_cases, ranges, .. } = domain;
    Within { train_cases: *train_cases, validation_cases: *validation_cases, ranges }
}

/// What to know before relying on a bundle with this domain.
fn limits(domain: Option<&Boundary>) -> Vec<&'static str> {
    let unlike = match domain {
        Some(_) => "Scans unlike its training cases are refused by pulmo; a network alone scores them all.",
        None => "Every scan is scored, however unlike the training cases.",
    };
    vec![OPTIMISTIC, unlike]
}
