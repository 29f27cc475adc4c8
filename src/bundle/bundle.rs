//! Opening, checking and writing bundles.

use std::path::Path;

use super::card::model_card;
use super::weights::{load_weights, sha256_hex};
use super::{BundleError, Calibration, Golden, Manifest, SelfTestError};
use crate::network::{Network, NetworkConfig};
use burn::module::Module;
use burn::tensor::Device;

/// A checked bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    network_config: NetworkConfig,
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
        Self::from_parts(&read("bundle.toml")?, &read("network.json")?, read("weights.safetensors")?)
    }

    /// Checks a bundle given as the bytes of its files.
    ///
    /// # Errors
    /// [`BundleError`] where the parts do not fit together.
    pub fn from_parts(toml: &[u8], json: &[u8], weights: Vec<u8>) -> Result<Self, BundleError> {
        let content =
            |bundle: &str, file, what: String| BundleError::Content { bundle: bundle.into(), file, what };
        let text =
            std::str::from_utf8(toml).map_err(|error| content("?", "bundle.toml", error.to_string()))?;
        let manifest: Manifest =
            toml::from_str(text).map_err(|error| content("?", "bundle.toml", error.to_string()))?;
        let name = manifest.name.clone();
        manifest.validate().map_err(|what| content(&name, "bundle.toml", what))?;
        let network_config: NetworkConfig = serde_json::from_slice(json)
            .map_err(|error| content(&name, "network.json", error.to_string()))?;
        let found = sha256_hex(&weights);
        if found != manifest.weights_sha256 {
            return Err(BundleError::Hash { bundle: name, expected: manifest.weights_sha256, found });
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
        manifest.validate().map_err(|what| BundleError::Content {
            bundle: manifest.name.clone(),
            file: "bundle.toml",
            what,
        })?;
        let mut bundle = Self::assemble(manifest, network_config, weights)?;
        let golden = Golden::of(&bundle.network, &bundle.network_config);
        let name = bundle.manifest.name.clone();
        bundle.manifest.golden =
            Some(golden.map_err(|source| BundleError::SelfTest { bundle: name, source })?);
        Ok(bundle)
    }

    fn assemble(
        manifest: Manifest,
        network_config: NetworkConfig,
        weights: Vec<u8>,
    ) -> Result<Self, BundleError> {
        let bundle = manifest.name.clone();
        let network = Network::new(&network_config, manifest.classes.len(), 0)
            .map_err(|source| BundleError::Network { bundle: bundle.clone(), source })?;
        let network =
            load_weights(network, &weights).map_err(|source| BundleError::Weights { bundle, source })?;
        Ok(Self { manifest, network_config, network, weights })
    }

    /// The bundle with its probabilities calibrated, deciding from `threshold` on.
    ///
    /// # Errors
    /// [`BundleError::Content`] where the calibration or the threshold does not fit the classes.
    pub fn calibrated(
        mut self,
        calibration: Calibration,
        threshold: Option<f32>,
    ) -> Result<Self, BundleError> {
        self.manifest = Manifest { calibration: Some(calibration), threshold, ..self.manifest };
        let bundle = self.manifest.name.clone();
        let content = |what| BundleError::Content { bundle, file: "bundle.toml", what };
        self.manifest.validate().map_err(content)?;
        Ok(self)
    }

    /// The bundle as it was before it was calibrated.
    #[must_use]
    pub fn uncalibrated(mut self) -> Self {
        if let Some(calibration) = self.manifest.calibration.take() {
            self.manifest.threshold = calibration.uncalibrated_threshold;
        }
        self
    }

    /// Writes `bundle.toml`, `network.json`, `weights.safetensors` and `CARD.md` into `folder`.
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
        let files = [
            ("weights.safetensors", self.weights.as_slice()),
            ("network.json", json.as_bytes()),
            ("bundle.toml", toml.as_bytes()),
            ("CARD.md", &model_card(self).into_bytes()),
        ];
        for (file, bytes) in files {
            let path = folder.join(file);
            std::fs::write(&path, bytes).map_err(|source| BundleError::File { path, source })?;
        }
        Ok(())
    }

    /// Says whether `device` computes this bundle's network as the CPU does; to be asked before a GPU is
    /// used for it.
    ///
    /// # Errors
    /// [`SelfTestError`] where the device computes something else or fails.
    pub fn self_test(&self, device: &Device) -> Result<(), SelfTestError> {
        let golden = match &self.manifest.golden {
            Some(golden) => golden.clone(),
            None => Golden::of(&self.network, &self.network_config)?,
        };
        golden.check(&self.network.clone().folded().to_device(device), &self.network_config, device)
    }

    /// What surrounds the network.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the network looks like.
    pub fn network_config(&self) -> &NetworkConfig {
        &self.network_config
    }

    /// The network with its weights, on the CPU.
    pub fn network(&self) -> &Network {
        &self.network
    }
}
