//! Several bundles as one: the mean of their probabilities.

use super::{Bundle, BundleError, Manifest, Origin, sha256_hex};
use crate::domain::Domain;

impl Bundle {
    /// Makes one bundle of `first` and `others`, which must have the same classes, preprocessing and
    /// network. Calibrations are left out: the ensemble wants its own. It has a domain where all
    /// have one. Its threshold is the mean of theirs, and so is its validation AUC, each measured on the
    /// member's own validation cases.
    ///
    /// # Errors
    /// [`BundleError::Ensemble`] names the bundle that differs and in what.
    pub fn ensemble(name: &str, first: &Self, others: &[Self]) -> Result<Self, BundleError> {
        for other in others {
            let (a, b) = (first.manifest(), other.manifest());
            let same = [
                ("classes", a.classes == b.classes),
                ("chain", a.chain == b.chain),
                ("network", first.network_config() == other.network_config()),
                ("mirrors", a.mirrors == b.mirrors),
            ];
            if let Some((what, _)) = same.into_iter().find(|(_, is_same)| !is_same) {
                return Err(BundleError::Ensemble { first: a.name.clone(), bundle: b.name.clone(), what });
            }
        }
        let bundles: Vec<&Self> = std::iter::once(first).chain(others).collect();
        let weights: Vec<Vec<u8>> =
            bundles.iter().flat_map(|bundle| bundle.weights()).map(<[u8]>::to_vec).collect();
        let members_sha256: Vec<String> = weights.iter().map(|bytes| sha256_hex(bytes)).collect();
        let threshold_of = |bundle: &&Self| (*bundle).clone().uncalibrated().manifest().threshold;
        let thresholds: Option<Vec<f32>> = bundles.iter().map(threshold_of).collect();
        let threshold = thresholds.map(|values| values.iter().sum::<f32>() / values.len() as f32);
        let manifest = Manifest {
            name: name.to_owned(),
            description: format!("Ensemble of {} networks. {}", weights.len(), first.manifest().description),
            threshold,
            weights_sha256: sha256_hex(members_sha256.concat().as_bytes()),
            members_sha256,
            golden: None,
            calibration: None,
            domain: None,
            origin: origin(&bundles),
            ..first.manifest().clone()
        };
        let ensemble = Self::assemble(manifest, first.network_config().clone(), weights)?;
        let domains: Option<Vec<&Domain>> = bundles.iter().map(|bundle| bundle.domain()).collect();
        ensemble.with_domain(domains.and_then(|domains| Domain::of_all(&domains)))
    }
}

/// What the members have in common; where they differ, what the first says is left out.
fn origin(bundles: &[&Bundle]) -> Origin {
    let origins: Vec<&Origin> = bundles.iter().map(|bundle| &bundle.manifest().origin).collect();
    let common = |of: fn(&Origin) -> &str| {
        let first = origins.first().map_or("", |origin| of(origin));
        if origins.iter().all(|origin| of(origin) == first) { first.to_owned() } else { String::new() }
    };
    let areas: Option<Vec<f64>> = origins.iter().map(|origin| origin.validation_roc_auc).collect();
    Origin {
        pulmo: common(|origin| &origin.pulmo),
        device: common(|origin| &origin.device),
        recipe_sha256: common(|origin| &origin.recipe_sha256),
        data_sha256: common(|origin| &origin.data_sha256),
        train_cases: origins.iter().map(|origin| origin.train_cases).max().unwrap_or(0),
        validation_cases: origins.iter().map(|origin| origin.validation_cases).sum(),
        validation_roc_auc: areas.map(|areas| areas.iter().sum::<f64>() / areas.len() as f64),
        ..Origin::default()
    }
}
