//! Opening, checking and writing bundles.

use std::path::Path;

use super::card::model_card;
use super::transfer::no_weights;
use super::weights::{load_weights, sha256_hex};
use super::{Asked, BundleError, Calibration, Golden, Manifest, SelfTestError, WeightsError};
use crate::network::Compute;
use crate::network::{Network, NetworkConfig};
use burn::module::Module;

/// A checked bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    network_config: NetworkConfig,
    members: Vec<Member>,
}

/// One network and its weights as they lie on disk.
#[derive(Debug, Clone)]
struct Member {
    network: Network,
    weights: Vec<u8>,
}

impl Bundle {
    /// Opens and checks the bundle in `folder`.
    ///
    /// # Errors
    /// [`BundleError`] where a file is missing or the parts do not fit together.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| BundleError::File { path, source })
        };
        let manifest = read_manifest(&read("bundle.toml")?)?;
        let weights =
            manifest.weights_files().iter().map(|(file, _)| read(file)).collect::<Result<Vec<_>, _>>()?;
        Self::checked(manifest, &read("network.json")?, weights)
    }

    /// Checks a bundle of one network given as the bytes of its files.
    ///
    /// # Errors
    /// [`BundleError`] where the parts do not fit together.
    pub fn from_parts(toml: &[u8], json: &[u8], weights: Vec<u8>) -> Result<Self, BundleError> {
        Self::checked(read_manifest(toml)?, json, vec![weights])
    }

    fn checked(manifest: Manifest, json: &[u8], weights: Vec<Vec<u8>>) -> Result<Self, BundleError> {
        let bundle = || manifest.name.clone();
        let network_config: NetworkConfig = serde_json::from_slice(json).map_err(|error| {
            BundleError::Content { bundle: bundle(), file: "network.json", what: error.to_string() }
        })?;
        let files = manifest.weights_files();
        if files.len() != weights.len() {
            let what = format!("names {} files of weights where {} were given", files.len(), weights.len());
            return Err(BundleError::Content { bundle: bundle(), file: "bundle.toml", what });
        }
        for ((file, expected), weights) in files.into_iter().zip(&weights) {
            let (expected, found) = (expected.to_owned(), sha256_hex(weights));
            if found != expected {
                if let Some(what) = no_weights(weights) {
                    return Err(BundleError::Weights {
                        bundle: bundle(),
                        source: WeightsError::Format(what.into()),
                    });
                }
                return Err(BundleError::Hash { bundle: bundle(), file, expected, found });
            }
        }
        Self::assemble(manifest, network_config, weights)
    }

    /// Puts a new bundle together; the hash in `manifest` is set to that of `weights`, and the golden
    /// answer to what the network says on the CPU.
    ///
    /// # Errors
    /// [`BundleError`] where the parts do not fit together.
    pub fn new(
        manifest: Manifest,
        network_config: NetworkConfig,
        weights: Vec<u8>,
    ) -> Result<Self, BundleError> {
        let manifest = Manifest { weights_sha256: sha256_hex(&weights), ..manifest };
        check(&manifest)?;
        let mut bundle = Self::assemble(manifest, network_config, vec![weights])?;
        let answer = bundle.asked().next().map(Golden::of);
        let failed = |source| BundleError::SelfTest { bundle: bundle.manifest.name.clone(), source };
        bundle.manifest.golden = answer.transpose().map_err(failed)?;
        Ok(bundle)
    }

    pub(super) fn assemble(
        manifest: Manifest,
        network_config: NetworkConfig,
        weights: Vec<Vec<u8>>,
    ) -> Result<Self, BundleError> {
        let member = |weights: Vec<u8>| {
            let bundle = manifest.name.clone();
            let network = Network::new(&network_config, manifest.classes.len(), 0)
                .map_err(|source| BundleError::Network { bundle: bundle.clone(), source })?;
            let network =
                load_weights(network, &weights).map_err(|source| BundleError::Weights { bundle, source })?;
            Ok(Member { network, weights })
        };
        let members = weights.into_iter().map(member).collect::<Result<Vec<_>, BundleError>>()?;
        Ok(Self { manifest, network_config, members })
    }

    /// The bundle with what its validation cases chose and say: the threshold that it decides from, and the
    /// ROC AUC where it is defined.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] where the threshold does not fit the classes.
    pub fn validated(mut self, threshold: Option<f32>, roc_auc: Option<f64>) -> Result<Self, BundleError> {
        self.manifest.threshold = threshold;
        self.manifest.origin.validation_roc_auc = roc_auc;
        self.checked_manifest()
    }

    fn checked_manifest(self) -> Result<Self, BundleError> {
        check(&self.manifest)?;
        Ok(self)
    }

    /// The bundle with its probabilities calibrated, deciding from `threshold` on.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] where the calibration or the threshold does not fit the classes.
    pub fn calibrated(
        mut self,
        calibration: Calibration,
        threshold: Option<f32>,
    ) -> Result<Self, BundleError> {
        self.manifest = Manifest { calibration: Some(calibration), threshold, ..self.manifest };
        self.checked_manifest()
    }

    /// The bundle as it was before it was calibrated.
    #[must_use]
    pub fn uncalibrated(mut self) -> Self {
        if let Some(calibration) = self.manifest.calibration.take() {
            self.manifest.threshold = calibration.uncalibrated_threshold;
        }
        self
    }

    /// The model card, as Markdown: what a reader must know before using the bundle.
    pub fn model_card(&self) -> String {
        let parameters = self.networks().map(Module::num_params).sum();
        model_card(&self.manifest, self.network_config.kind, parameters)
    }

    /// Writes `bundle.toml`, `network.json`, the weights and `CARD.md` into `folder`.
    ///
    /// # Errors
    /// [`BundleError::File`] where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), BundleError> {
        let name = &self.manifest.name;
        let content = |file, what: String| BundleError::Content { bundle: name.clone(), file, what };
        let toml =
            toml::to_string_pretty(&self.manifest).map_err(|e| content("bundle.toml", e.to_string()))?;
        let mut json = serde_json::to_string_pretty(&self.network_config)
            .map_err(|error| content("network.json", error.to_string()))?;
        json.push('\n');
        std::fs::create_dir_all(folder)
            .map_err(|source| BundleError::File { path: folder.into(), source })?;
        let names = self.manifest.weights_files();
        let weights = names.iter().zip(self.weights()).map(|((file, _), bytes)| (file.as_str(), bytes));
        let texts = [
            ("network.json", json.as_bytes()),
            ("bundle.toml", toml.as_bytes()),
            ("CARD.md", &self.model_card().into_bytes()),
        ];
        for (file, bytes) in weights.chain(texts) {
            let path = folder.join(file);
            std::fs::write(&path, bytes).map_err(|source| BundleError::File { path, source })?;
        }
        Ok(())
    }

    /// Says whether the device of `compute` preprocesses and computes for this bundle as the CPU does; to be
    /// asked before a GPU is used for it.
    ///
    /// # Errors
    /// [`SelfTestError`] where the device computes something else or fails.
    pub fn self_test(&self, compute: &Compute) -> Result<(), SelfTestError> {
        for asked in self.asked() {
            let golden = match self.manifest.golden.clone() {
                Some(golden) if compute.gpu().is_none() => golden,
                Some(golden) => golden.completed(asked),
                None => Golden::of(asked)?,
            };
            let on_device = asked.network.clone().folded().to_device(compute.device());
            golden.check(asked, &on_device, compute)?;
        }
        Ok(())
    }

    /// Each network, on the CPU, with what surrounds it.
    fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        let (config, chain) = (&self.network_config, &self.manifest.chain);
        self.networks().map(move |network| Asked { network, config, chain })
    }

    /// What surrounds the network.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the network looks like.
    pub fn network_config(&self) -> &NetworkConfig {
        &self.network_config
    }

    /// The networks with their weights, on the CPU: one, or the members of an ensemble.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        self.members.iter().map(|member| &member.network)
    }

    /// The weights of each network as they lie on disk.
    pub(super) fn weights(&self) -> impl Iterator<Item = &[u8]> {
        self.members.iter().map(|member| member.weights.as_slice())
    }
}

fn check(manifest: &Manifest) -> Result<(), BundleError> {
    let refused = |source| BundleError::Manifest { bundle: manifest.name.clone(), source };
    manifest.validate().map_err(refused)
}

fn read_manifest(toml: &[u8]) -> Result<Manifest, BundleError> {
    let wrong = |what| BundleError::Content { bundle: "?".into(), file: "bundle.toml", what };
    let text = std::str::from_utf8(toml).map_err(|error| wrong(error.to_string()))?;
    let manifest: Manifest = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    check(&manifest)?;
    Ok(manifest)
}
