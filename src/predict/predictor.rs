//! A bundle's network on a device, ready to classify.

use burn::module::Module;
use burn::tensor::Device;
use ndarray::Array3;

use super::decide::{calibrate, decide, softmax};
use crate::bundle::Bundle;
use crate::findings::Prediction;
use crate::metrics::CalibrationMap;
use crate::network::{Bags, DeviceError, Network, NetworkConfig, NetworkError, read_tensor};

/// Images in the encoder at a time on the CPU: their maps should stay in the cache.
const CPU_IMAGES: usize = 16;

/// Images in the encoder at a time on a GPU: enough to fill it, few enough for its memory.
const GPU_IMAGES: usize = 128;

/// Why volumes cannot be classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// The volumes do not fit the network.
    #[error(transparent)]
    Input(#[from] NetworkError),
    /// The device failed to compute or to give the result.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The network gave infinities or no numbers.
    #[error("the network's output is not a finite number")]
    NotFinite,
}

/// A bundle's network on a device.
#[derive(Debug, Clone)]
pub struct Predictor {
    network: Network,
    config: NetworkConfig,
    classes: Vec<String>,
    threshold: Option<f32>,
    calibration: Option<CalibrationMap>,
    device: Device,
}

impl Predictor {
    /// Puts a bundle's network on `device`.
    pub fn new(bundle: &Bundle, device: &Device) -> Self {
        Self {
            network: bundle.network().clone().folded().to_device(device),
            config: bundle.network_config().clone(),
            classes: bundle.manifest().classes.clone(),
            threshold: bundle.manifest().threshold,
            calibration: bundle.manifest().calibration.as_ref().map(|calibration| calibration.map.clone()),
            device: device.clone(),
        }
    }

    /// Puts a bundle's network on the CPU.
    pub fn on_cpu(bundle: &Bundle) -> Self {
        Self::new(bundle, &Device::flex())
    }

    /// Returns one prediction for each preprocessed volume, computed in one batch.
    ///
    /// # Shapes
    /// Each volume is `[slices, height, width]` as the bundle's chain gives it.
    ///
    /// # Errors
    /// [`PredictError`] where the shapes do not fit or the device fails.
    pub fn predict(&self, volumes: &[&Array3<f32>]) -> Result<Vec<Prediction>, PredictError> {
        let bags = Bags::new(volumes, &self.config, &self.device)?;
        let counts = bags.counts.clone();
        let at_once = if self.device == Device::flex() { CPU_IMAGES } else { GPU_IMAGES };
        let output = self.network.forward_in_pieces(bags, at_once);
        let logits = read_tensor(output.logits)?;
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(PredictError::NotFinite);
        }
        let attention = output
            .attention
            .into_iter()
            .map(|weights| read_tensor(weights).map(Some))
            .collect::<Result<Vec<_>, _>>()?;
        let attention = attention.into_iter().chain(std::iter::repeat(None)).take(counts.len());
        let predictions = logits.chunks(self.classes.len()).zip(attention);
        Ok(predictions.map(|(logits, attention)| self.prediction(logits, attention)).collect())
    }

    fn prediction(&self, logits: &[f32], attention: Option<Vec<f32>>) -> Prediction {
        let raw = softmax(logits);
        let probabilities = self.calibration.as_ref().map_or(raw.clone(), |map| calibrate(map, &raw));
        Prediction {
            class: self.classes[decide(&probabilities, self.threshold)].clone(),
            classes: self.classes.clone(),
            probabilities,
            threshold: self.threshold,
            attention,
        }
    }
}
