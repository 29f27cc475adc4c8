//! Opening, checking and writing bundles.

use std::path::Path;

use super::card::model_card;
use super::domain_file::{self, load_domain, save_domain};
use super::transfer::no_weights;
use super::weights::{load_weights, sha256_hex};
use super::{Asked, BundleError, Calibration, Golden, Manifest, SelfTestError, WeightsError};
use crate::domain::Domain;
use crate::network::Compute;
use crate::network::{Network, NetworkConfig};
use burn::module::Module;

/// A checked bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    network_config: NetworkConfig,
    members: Vec<Member>,
    domain: Option<Domain>,
}

/// The files of a bundle as bytes.
#[derive(Debug, Clone, Default)]
pub struct BundleFiles {
    /// `bundle.toml`.
    pub toml: Vec<u8>,
    /// `network.json`.
    pub json: Vec<u8>,
    /// `weights.safetensors`, or the files of an ensemble's networks.
    pub weights: Vec<Vec<u8>>,
    /// `domain.safetensors`, where `bundle.toml` has a `[domain]`.
    pub domain: Option<Vec<u8>>,
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
        let toml = read("bundle.toml")?;
        let manifest = read_manifest(&toml)?;
        let weights =
            manifest.weights_files().iter().map(|(file, _)| read(file)).collect::<Result<Vec<_>, _>>()?;
        let domain = manifest.domain.as_ref().map(|_| read(domain_file::FILE)).transpose()?;
        Self::checked(manifest, BundleFiles { toml, json: read("network.json")?, weights, domain })
    }

    /// Checks a bundle given as the bytes of its files.
    ///
    /// # Errors
    /// [`BundleError`] where the parts do not fit together.
    pub fn from_files(files: BundleFiles) -> Result<Self, BundleError> {
        Self::checked(read_manifest(&files.toml)?, files)
    }

    fn checked(manifest: Manifest, files: BundleFiles) -> Result<Self, BundleError> {
        let BundleFiles { json, weights, domain, .. } = files;
        let bundle = || manifest.name.clone();
        let network_config: NetworkConfig = serde_json::from_slice(&json).map_err(|error| {
            BundleError::Content { bundle: bundle(), file: "network.json", what: error.to_string() }
        })?;
        let files = manifest.weights_files();
        if files.len() != weights.len() {
            let what = format!("names {} files of weights where {} were given", files.len(), weights.len());
            return Err(BundleError::Content { bundle: bundle(), file: "bundle.toml", what });
        }
        for ((file, expected), weights) in files.into_iter().zip(&weights) {
            if let (false, Some(what)) = (sha256_hex(weights) == expected, no_weights(weights)) {
                let source = WeightsError::Format(what.into());
                return Err(BundleError::Weights { bundle: bundle(), source });
            }
            check_hash(bundle(), file, expected, weights)?;
        }
        let domain = checked_domain(&manifest, domain, network_config.features())?;
        Ok(Self { domain, ..Self::assemble(manifest, network_config, weights)? })
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
        Ok(Self { manifest, network_config, members, domain: None })
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

    /// The bundle with a domain, in place of one that it had, or without.
    ///
    /// # Errors
    /// [`BundleError::Domain`] where it is of other networks.
    pub fn with_domain(mut self, domain: Option<Domain>) -> Result<Self, BundleError> {
        let bundle = self.manifest.name.clone();
        let failed = |source| BundleError::Domain { bundle: bundle.clone(), source };
        self.domain = match domain {
            None => None,
            Some(domain) => {
                let bytes = save_domain(domain.spaces()).map_err(failed)?;
                let spaces = load_domain(&bytes, self.members.len(), self.network_config.features());
                let boundary = domain.with_sha256(sha256_hex(&bytes)).boundary().clone();
                let checked = spaces.and_then(|spaces| Ok(Domain::new(boundary, spaces)?));
                Some(checked.map_err(failed)?)
            }
        };
        self.manifest.domain = self.domain.as_ref().map(|domain| domain.boundary().clone());
        Ok(self)
    }

    /// What the bundle was trained on, where that was measured.
    pub fn domain(&self) -> Option<&Domain> {
        self.domain.as_ref()
    }

    /// The model card, as Markdown: what a reader must know before using the bundle.
    pub fn model_card(&self) -> String {
        model_card(&self.manifest, self.network_config.kind, self.parameters())
    }

    /// Parameters of all networks.
    pub(super) fn parameters(&self) -> usize {
        self.networks().map(Module::num_params).sum()
    }

    /// Writes `bundle.toml`, `network.json`, the weights, the domain where there is one, `capability.json` and `CARD.md`
    /// into `folder`.
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
        let failed = |source| BundleError::Domain { bundle: name.clone(), source };
        let domain = self.domain.as_ref().map(|domain| save_domain(domain.spaces())).transpose();
        let domain = domain.map_err(failed)?;
        let domain = domain.iter().map(|bytes| (domain_file::FILE, bytes.as_slice()));
        let (capability, card) = (self.capability()?, self.model_card());
        let texts = [
            ("network.json", json.as_bytes()),
            ("bundle.toml", toml.as_bytes()),
            ("capability.json", capability.as_bytes()),
            ("CARD.md", card.as_bytes()),
        ];
        for (file, bytes) in weights.chain(domain).chain(texts) {
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

/// Refuses bytes that have another hash than `bundle.toml` says.
fn check_hash(bundle: String, file: String, expected: &str, bytes: &[u8]) -> Result<(), BundleError> {
    let found = sha256_hex(bytes);
    if found == expected {
        return Ok(());
    }
    Err(BundleError::Hash { bundle, file, expected: expected.to_owned(), found })
}

/// The domain that the manifest and its file say.
fn checked_domain(
    manifest: &Manifest,
    bytes: Option<Vec<u8>>,
    features: usize,
) -> Result<Option<Domain>, BundleError> {
    let Some((boundary, bytes)) = manifest.domain.as_ref().zip(bytes) else { return Ok(None) };
    check_hash(manifest.name.clone(), domain_file::FILE.to_owned(), &boundary.sha256, &bytes)?;
    let spaces = load_domain(&bytes, manifest.weights_files().len(), features);
    let domain = spaces.and_then(|spaces| Ok(Domain::new(boundary.clone(), spaces)?));
    let failed = |source| BundleError::Domain { bundle: manifest.name.clone(), source };
    domain.map(Some).map_err(failed)
}

fn read_manifest(toml: &[u8]) -> Result<Manifest, BundleError> {
    let wrong = |what| BundleError::Content { bundle: "?".into(), file: "bundle.toml", what };
    let text = std::str::from_utf8(toml).map_err(|error| wrong(error.to_string()))?;
    let manifest: Manifest = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    check(&manifest)?;
    Ok(manifest)
}
