//! One training step: forward, loss, backward, optimizer.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::TrainError;
use super::optimizer::{Optimizer, OptimizerConfig};
use crate::gpu::{GpuError, caught};
use crate::network::{Bags, Network, read_tensor};
use crate::random::Random;

/// The labelled bags of one step.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The images.
    pub bags: Bags,
    /// Class of each bag.
    pub labels: Vec<usize>,
}

/// What turns batches into better weights.
#[derive(Debug, Clone)]
pub struct Trainer {
    /// The weights, on the training device.
    pub network: Network,
    /// The optimizer and its state.
    pub optimizer: Optimizer,
    /// Weight of each class in the loss.
    pub class_weights: Vec<f32>,
    /// Share of the label given to all classes alike.
    pub label_smoothing: f32,
    /// Largest norm of all gradients; 0 means no limit.
    pub clip_norm: f64,
    /// Share of features dropped before the head.
    pub dropout: f32,
    device: Device,
}

impl Trainer {
    /// A trainer with no smoothing, clipping or dropout and equal class weights, whose network is
    /// moved to `device` for training.
    pub fn new(network: Network, optimizer: OptimizerConfig, classes: usize, device: &Device) -> Self {
        let training = device.clone().autodiff();
        Self {
            network: network.to_device(&training).train(),
            optimizer: Optimizer::new(optimizer),
            class_weights: vec![1.0; classes],
            label_smoothing: 0.0,
            clip_norm: 0.0,
            dropout: 0.0,
            device: training,
        }
    }

    /// The device to put batches on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Makes one step at `share` of the highest learning rate; `random` draws the dropout. Returns
    /// the loss before the step.
    ///
    /// # Errors
    /// [`TrainError::Device`] where the device fails.
    pub fn step(&mut self, batch: Batch, share: f64, random: &mut Random) -> Result<f64, TrainError> {
        let loss = caught(|| {
            let keep = self.dropout_mask(batch.labels.len(), random);
            let output = self.network.forward_with(batch.bags, keep);
            cross_entropy(output.logits, &batch.labels, &self.class_weights, self.label_smoothing)
        })?;
        let value = scalar(loss.clone())?;
        if !value.is_finite() {
            return Ok(value);
        }
        let gradients = caught(|| GradientsParams::from_grads(loss.backward(), &self.network))?;
        let network = self.network.clone();
        self.network = caught(|| self.optimizer.step(network, gradients, share, self.clip_norm))??;
        Ok(value)
    }

    /// Zero or `1 / (1 - dropout)` for each feature of each bag; `None` without dropout.
    fn dropout_mask(&self, bags: usize, random: &mut Random) -> Option<Tensor<2>> {
        if self.dropout <= 0.0 {
            return None;
        }
        let features = self.network.features();
        let kept = 1.0 / (1.0 - self.dropout);
        let mut draw = || if random.chance(f64::from(self.dropout)) { 0.0 } else { kept };
        let mask: Vec<f32> = (0..bags * features).map(|_| draw()).collect();
        Some(Tensor::from_data(TensorData::new(mask, [bags, features]), &self.device))
    }
}

/// Returns the mean cross entropy of `[bags, classes]` logits, weighted by class.
pub(super) fn cross_entropy(
    logits: Tensor<2>,
    labels: &[usize],
    class_weights: &[f32],
    smoothing: f32,
) -> Tensor<1> {
    let [bags, classes] = logits.dims();
    let total: f32 = labels.iter().map(|label| class_weights[*label]).sum();
    let floor = smoothing / u16::try_from(classes).map_or(f32::INFINITY, f32::from);
    let targets: Vec<f32> = labels
        .iter()
        .flat_map(|&label| {
            (0..classes).map(move |class| {
                let share = if class == label { 1.0 - smoothing + floor } else { floor };
                share * class_weights[label] / total
            })
        })
        .collect();
    let targets = Tensor::from_data(TensorData::new(targets, [bags, classes]), &logits.device());
    (log_softmax(logits, 1) * targets).sum().neg()
}

pub(super) fn scalar(tensor: Tensor<1>) -> Result<f64, TrainError> {
    let values = read_tensor(tensor)?;
    values
        .first()
        .map(|value| f64::from(*value))
        .ok_or_else(|| GpuError::Failed { message: "no value came back".to_owned() }.into())
}
