//! A bundle's network on a device, ready to classify.

use burn::module::Module;
use ndarray::Array3;

use super::decide::{calibrate, decide, softmax};
use crate::bundle::Bundle;
use crate::findings::Prediction;
use crate::gpu::{Compute, GpuError, caught};
use crate::metrics::CalibrationMap;
use crate::network::{Bags, Network, NetworkConfig, NetworkError, read_tensor};
use crate::preprocess::Resident;

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
    Device(#[from] GpuError),
    /// The network gave infinities or no numbers.
    #[error("the network's output is not a finite number")]
    NotFinite,
}

/// A bundle's network on a device.
#[derive(Debug, Clone)]
pub struct Predictor {
    network: Network,
    /// The same weights where no device can lose them.
    on_host: Network,
    config: NetworkConfig,
    classes: Vec<String>,
    threshold: Option<f32>,
    calibration: Option<CalibrationMap>,
    compute: Compute,
}

impl Predictor {
    /// Puts a bundle's network on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        Self {
            network: bundle.network().clone().folded().to_device(compute.device()),
            on_host: bundle.network().clone().folded(),
            config: bundle.network_config().clone(),
            classes: bundle.manifest().classes.clone(),
            threshold: bundle.manifest().threshold,
            calibration: bundle.manifest().calibration.as_ref().map(|calibration| calibration.map.clone()),
            compute: compute.clone(),
        }
    }

    /// Puts a bundle's network on the CPU.
    pub fn on_cpu(bundle: &Bundle) -> Self {
        Self::new(bundle, &Compute::cpu())
    }

    /// The same network on the CPU.
    #[must_use]
    pub fn moved_to_cpu(&self) -> Self {
        let compute = Compute::cpu();
        Self { network: self.on_host.clone().to_device(compute.device()), compute, ..self.clone() }
    }

    /// Returns one prediction for each preprocessed volume, computed in one batch.
    ///
    /// # Shapes
    /// Each volume is `[slices, height, width]` as the bundle's chain gives it.
    ///
    /// # Errors
    /// [`PredictError`] where the shapes do not fit or the device fails.
    pub fn predict(&self, volumes: &[&Array3<f32>]) -> Result<Vec<Prediction>, PredictError> {
        let bags = caught(|| Bags::new(volumes, &self.config, self.compute.device()))??;
        self.classify(bags)
    }

    /// Returns one prediction for each volume that preprocessing has left on the device, computed in one
    /// batch. The voxels never pass through the host.
    ///
    /// # Shapes
    /// As [`Predictor::predict`].
    ///
    /// # Errors
    /// As [`Predictor::predict`]; also where the volumes are not on this predictor's device.
    pub fn predict_resident(&self, volumes: &[&Resident]) -> Result<Vec<Prediction>, PredictError> {
        let arrays: Vec<_> = volumes.iter().map(|volume| (&volume.values, volume.grid.shape_zyx())).collect();
        self.classify(Bags::resident(&arrays, &self.config, &self.compute)?)
    }

    fn classify(&self, bags: Bags) -> Result<Vec<Prediction>, PredictError> {
        self.compute.gpu().map_or(Ok(()), |gpu| gpu.begin_work())?;
        let counts = bags.counts.clone();
        let at_once = if self.compute.gpu().is_none() { CPU_IMAGES } else { GPU_IMAGES };
        let output = caught(|| self.network.forward_in_pieces(bags, at_once))?;
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
