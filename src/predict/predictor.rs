//! A bundle's networks on a device, ready to classify.

use burn::module::Module;
use burn::tensor::Tensor;
use ndarray::Array3;

use super::calibrated::calibrate;
use super::view::View;
use crate::bundle::{Axis, Bundle};
use crate::findings::Prediction;
use crate::gpu::{DeviceError, GpuError, caught};
use crate::metrics::{CalibrationMap, decide};
use crate::network::Compute;
use crate::network::{Bags, Network, NetworkConfig, NetworkError, Output, read_tensor, softmax};
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

impl DeviceError for PredictError {
    fn device(&self) -> Option<&GpuError> {
        match self {
            Self::Device(error) | Self::Input(NetworkError::Device(error)) => Some(error),
            Self::Input(_) | Self::NotFinite => None,
        }
    }
}

/// A bundle's networks on a device.
#[derive(Debug, Clone)]
pub struct Predictor {
    pub(super) networks: Vec<Network>,
    /// The same weights where no device can lose them.
    on_host: Vec<Network>,
    pub(super) config: NetworkConfig,
    pub(super) classes: Vec<String>,
    threshold: Option<f32>,
    calibration: Option<CalibrationMap>,
    views: Vec<View>,
    pub(super) compute: Compute,
}

/// What a bundle's networks say of one volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// Their prediction.
    pub prediction: Prediction,
    /// The vector before the head, of each network, for the volume as it is: no mirror image has a part in it.
    pub features: Vec<Vec<f32>>,
}

/// What one network says of one view of one volume.
struct Said {
    probabilities: Vec<f32>,
    features: Vec<f32>,
    attention: Option<Vec<f32>>,
}

impl Predictor {
    /// Puts a bundle's networks on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        let on_host: Vec<Network> = bundle.networks().map(|network| network.clone().folded()).collect();
        Self {
            networks: on_host.iter().map(|network| network.clone().to_device(compute.device())).collect(),
            on_host,
            config: bundle.network_config().clone(),
            classes: bundle.manifest().classes.clone(),
            threshold: bundle.manifest().threshold,
            calibration: bundle.manifest().calibration.as_ref().map(|calibration| calibration.map.clone()),
            views: vec![View::default()],
            compute: compute.clone(),
        }
    }

    /// Puts a bundle's networks on the CPU.
    pub fn on_cpu(bundle: &Bundle) -> Self {
        Self::new(bundle, &Compute::cpu())
    }

    /// The same network on the CPU.
    #[must_use]
    pub fn moved_to_cpu(&self) -> Self {
        let compute = Compute::cpu();
        let networks =
            self.on_host.iter().map(|network| network.clone().to_device(compute.device())).collect();
        Self { networks, compute, ..self.clone() }
    }

    /// The same predictor, which looks at each volume and at its mirror images along every
    /// combination of `axes` and gives the mean (test-time augmentation). The axes to give are those
    /// that training mirrored: the bundle's `mirrors`.
    pub fn with_mirrors(self, axes: &[Axis]) -> Self {
        Self { views: View::combinations(axes), ..self }
    }

    /// What each of its networks looks like.
    pub fn network_config(&self) -> &NetworkConfig {
        &self.config
    }

    /// How many views of a volume are averaged.
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// Returns one prediction for each preprocessed volume, computed in one batch: the mean of the
    /// probabilities, calibrated where the bundle is, and of the attention, over networks and views.
    ///
    /// # Shapes
    /// Each volume is `[slices, height, width]` as the bundle's chain gives it.
    ///
    /// # Errors
    /// [`PredictError`] where the shapes do not fit or the device fails.
    pub fn predict(&self, volumes: &[&Array3<f32>]) -> Result<Vec<Prediction>, PredictError> {
        Ok(predictions(self.answer(volumes)?))
    }

    /// As [`Predictor::predict`], with the features of each volume.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn answer(&self, volumes: &[&Array3<f32>]) -> Result<Vec<Inference>, PredictError> {
        self.by_cause(|| {
            let bags = caught(|| Bags::new(volumes, &self.config, self.compute.device()))??;
            self.answers(&bags)
        })
    }

    /// Returns one prediction for each volume that preprocessing has left on the device, computed in one
    /// batch. The voxels never pass through the host; mirror images are made on the device.
    ///
    /// # Shapes
    /// As [`Predictor::predict`].
    ///
    /// # Errors
    /// As [`Predictor::predict`]; also where the volumes are not on this predictor's device.
    pub fn predict_resident(&self, volumes: &[&Resident]) -> Result<Vec<Prediction>, PredictError> {
        Ok(predictions(self.answer_resident(volumes)?))
    }

    /// As [`Predictor::predict_resident`], with the features of each volume.
    ///
    /// # Errors
    /// As [`Predictor::predict_resident`].
    pub fn answer_resident(&self, volumes: &[&Resident]) -> Result<Vec<Inference>, PredictError> {
        let arrays: Vec<_> = volumes.iter().map(|volume| (&volume.values, volume.grid.shape_zyx())).collect();
        self.by_cause(|| self.answers(&Bags::resident(&arrays, &self.config, &self.compute)?))
    }

    /// What `work` gives; an error of the device is told by its cause, whichever step met it: a batch, a
    /// mirror image or a network.
    pub(super) fn by_cause<T>(
        &self,
        work: impl FnOnce() -> Result<T, PredictError>,
    ) -> Result<T, PredictError> {
        work().map_err(|error| match error {
            PredictError::Device(error) | PredictError::Input(NetworkError::Device(error)) => {
                self.compute.by_cause(error).into()
            }
            error => error,
        })
    }

    /// The answers for a batch, over all views and networks.
    fn answers(&self, bags: &Bags) -> Result<Vec<Inference>, PredictError> {
        let mut all: Vec<Vec<Said>> = bags.counts.iter().map(|_| Vec::new()).collect();
        for view in &self.views {
            let seen = caught(|| bags.mirrored(&view.axes()))?;
            for network in &self.networks {
                for (of_volume, mut said) in all.iter_mut().zip(self.ask(network, seen.clone())?) {
                    if let (true, Some(attention)) = (view.z, said.attention.as_mut()) {
                        attention.reverse();
                    }
                    of_volume.push(said);
                }
            }
        }
        // The view as it is comes first.
        let features = |said: &Vec<Said>| {
            said.iter().take(self.networks.len()).map(|said| said.features.clone()).collect()
        };
        let answer =
            |said: &Vec<Said>| Inference { prediction: self.prediction(said), features: features(said) };
        Ok(all.iter().map(answer).collect())
    }

    /// What one network says of each volume.
    fn ask(&self, network: &Network, bags: Bags) -> Result<Vec<Said>, PredictError> {
        self.compute.begin_work()?;
        let counts = bags.counts.clone();
        let (rows, attention) = caught(|| {
            let Output { logits, features, attention } =
                network.forward_in_pieces(bags, self.images_at_once());
            // One tensor to wait for.
            (Tensor::cat(vec![logits, features], 1), attention)
        })?;
        let [_, width] = rows.dims();
        let rows = read_tensor(rows)?;
        if !rows.iter().all(|value| value.is_finite()) {
            return Err(PredictError::NotFinite);
        }
        let attention = attention
            .into_iter()
            .map(|weights| read_tensor(weights).map(Some))
            .collect::<Result<Vec<_>, _>>()?;
        let attention = attention.into_iter().chain(std::iter::repeat(None)).take(counts.len());
        let said = rows.chunks(width.max(1)).zip(attention).map(|(row, attention)| {
            let (logits, features) = row.split_at(self.classes.len().min(row.len()));
            Said { probabilities: softmax(logits), features: features.to_vec(), attention }
        });
        Ok(said.collect())
    }

    /// Most images in the encoder at a time.
    pub(super) fn images_at_once(&self) -> usize {
        if self.compute.gpu().is_none() { CPU_IMAGES } else { GPU_IMAGES }
    }

    fn prediction(&self, answers: &[Said]) -> Prediction {
        let raw = mean(answers.iter().map(|answer| answer.probabilities.as_slice()));
        let probabilities = self.calibration.as_ref().map_or(raw.clone(), |map| calibrate(map, &raw));
        let attention: Option<Vec<&[f32]>> =
            answers.iter().map(|answer| answer.attention.as_deref()).collect();
        Prediction {
            class: self.classes[decide(&probabilities, self.threshold)].clone(),
            classes: self.classes.clone(),
            probabilities,
            threshold: self.threshold,
            attention: attention.map(|attention| mean(attention.into_iter())),
        }
    }
}

/// The predictions alone.
fn predictions(answers: Vec<Inference>) -> Vec<Prediction> {
    answers.into_iter().map(|answer| answer.prediction).collect()
}

/// The mean of vectors of one length.
fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let (mut sum, mut count) = (Vec::new(), 0.0f32);
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    sum.into_iter().map(|sum| sum / count).collect()
}
