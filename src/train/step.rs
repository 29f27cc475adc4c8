//! One training step: forward, loss, backward, optimizer.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::TrainError;
use super::batch::Batch;
use super::groups::{ParameterGroup, freeze};
use super::loss::{Loss, Targets};
use super::optimizer::{Optimizer, OptimizerConfig};
use crate::gpu::{GpuError, caught};
use crate::network::{Kept, Network, read_tensor};
use crate::random::Random;

/// What turns batches into better weights.
#[derive(Debug, Clone)]
pub struct Trainer {
    /// The weights, on the training device.
    pub network: Network,
    /// The optimizer and its state.
    pub optimizer: Optimizer,
    /// What is made small.
    pub loss: Loss,
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
            loss: Loss::CrossEntropy,
            class_weights: vec![1.0; classes],
            label_smoothing: 0.0,
            clip_norm: 0.0,
            dropout: 0.0,
            device: training,
        }
    }

    /// Gives groups of parameters learning rates of their own, or none.
    pub fn set_groups(&mut self, groups: &[ParameterGroup]) {
        self.optimizer = self.optimizer.clone().with_groups(groups);
        self.network = freeze(self.network.clone(), groups);
    }

    /// The device to put batches on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Makes one step at `share` of the highest learning rate; `random` draws what is left out. Returns
    /// the loss before the step.
    ///
    /// # Errors
    /// [`TrainError::Device`] where the device fails.
    pub fn step(&mut self, batch: Batch, share: f64, random: &mut Random) -> Result<f64, TrainError> {
        self.step_over(vec![batch], share, random)
    }

    /// Makes one step with the mean gradient of several batches, of which only one is in memory with
    /// its maps. Returns their mean loss; where it is not finite no step is made.
    ///
    /// # Errors
    /// [`TrainError::Device`] where the device fails.
    pub fn step_over(
        &mut self,
        batches: Vec<Batch>,
        share: f64,
        random: &mut Random,
    ) -> Result<f64, TrainError> {
        let count = batches.len().max(1) as f64;
        let mut sum = 0.0;
        let mut gradients = GradientsAccumulator::new();
        for batch in batches {
            let loss = caught(|| self.loss_of(batch, random))?;
            let value = scalar(loss.clone())?;
            if !value.is_finite() {
                return Ok(value);
            }
            sum += value;
            let loss = if count > 1.0 { loss / count } else { loss };
            caught(|| {
                let of_batch = GradientsParams::from_grads(loss.backward(), &self.network);
                gradients.accumulate(&self.network, of_batch);
            })?;
        }
        let network = self.network.clone();
        self.network = caught(|| self.optimizer.step(network, gradients.grads(), share, self.clip_norm))??;
        Ok(sum / count)
    }

    fn loss_of(&self, mut batch: Batch, random: &mut Random) -> Tensor<1> {
        let features = self.dropout_mask(batch.labels.len(), random);
        let kept = Kept { features, blocks: self.network.draw_blocks(&batch.bags, random) };
        if let Some(mix) = &batch.mix {
            batch.bags.images = mix.apply(batch.bags.images);
        }
        let logits = self.network.forward_with(batch.bags, kept).logits;
        let loss = |labels: &[usize]| {
            let class_weights = &self.class_weights;
            let targets = Targets { labels, class_weights, smoothing: self.label_smoothing };
            self.loss.mean(logits.clone(), &targets)
        };
        match &batch.mix {
            None => loss(&batch.labels),
            Some(mix) => {
                loss(&batch.labels) * mix.share + loss(&mix.partner_labels(&batch.labels)) * (1.0 - mix.share)
            }
        }
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

pub(super) fn scalar(tensor: Tensor<1>) -> Result<f64, TrainError> {
    let values = read_tensor(tensor)?;
    values
        .first()
        .map(|value| f64::from(*value))
        .ok_or_else(|| GpuError::Failed { message: "no value came back".to_owned() }.into())
}
