//! One training step: forward, loss, backward, optimizer.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::TrainError;
use super::batch::Batch;
use super::groups::{ParameterGroup, freeze};
use super::loss::{Loss, Targets};
use super::optimizer::{Optimizer, OptimizerConfig};
use crate::gpu::caught;
use crate::network::Compute;
use crate::network::{Kept, Network, read_scalar};
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
    /// Where work is counted, so that a test can make it fail.
    counter: Option<Compute>,
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
            counter: None,
        }
    }

    /// The trainer, each of whose batches is a piece of work for the device of `compute`, which tests can make fail.
    #[must_use]
    pub fn counted_by(self, compute: &Compute) -> Self {
        Self { counter: Some(compute.clone()), ..self }
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

    /// Makes one step with the gradient of the mean loss over the cases of several batches, of which only one is in
    /// memory with its maps: but for what a batch shares (the statistics of batch normalization, mixing), it is the
    /// gradient of one batch of all of them. Returns that mean loss; where it is not finite, or no case has any weight,
    /// no step is made.
    ///
    /// # Errors
    /// [`TrainError::Device`] where the device fails.
    pub fn step_over(
        &mut self,
        batches: Vec<Batch>,
        share: f64,
        random: &mut Random,
    ) -> Result<f64, TrainError> {
        let weight = |batch: &Batch| self.loss.weight(&batch.labels, &self.class_weights);
        let weights: Vec<f64> = batches.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let weighed = batches.into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0);
        let mut sum = 0.0;
        let mut gradients = GradientsAccumulator::new();
        for (batch, weight) in weighed {
            let share = weight / total;
            self.counter.as_ref().map_or(Ok(()), Compute::begin_work)?;
            let loss = caught(|| self.loss_of(batch, random))?;
            let value = read_scalar(loss.clone())?;
            if !value.is_finite() {
                return Ok(value);
            }
            sum += value * share;
            let loss = if share < 1.0 { loss * share } else { loss };
            caught(|| {
                let of_batch = GradientsParams::from_grads(loss.backward(), &self.network);
                gradients.accumulate(&self.network, of_batch);
            })?;
        }
        if total <= 0.0 {
            return Ok(0.0);
        }
        let network = self.network.clone();
        self.network = caught(|| self.optimizer.step(network, gradients.grads(), share, self.clip_norm))??;
        Ok(sum)
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

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small values drawn for a test")]
mod tests {
    use safetensors::SafeTensors;

    use super::*;
    use crate::bundle::save_weights;
    use crate::network::{Bags, EncoderConfig, NetworkConfig, NetworkKind, Pooling, ResidualConfig};

    const SIDE: usize = 8;

    fn config() -> NetworkConfig {
        NetworkConfig {
            kind: NetworkKind::Mil,
            encoder: EncoderConfig::Residual(ResidualConfig {
                widths: vec![4, 8],
                depths: vec![1, 1],
                pooling: Pooling::AverageMax,
                ..ResidualConfig::default()
            }),
            neighbours: 0,
            attention_units: 4,
            dropout: 0.0,
        }
    }

    /// A plain descent of rate 1: the weights change by the gradient. The encoder is frozen, for its batch
    /// normalization sees what else is in a batch.
    fn trainer(loss: Loss, class_weights: &[f32]) -> Trainer {
        let sgd = OptimizerConfig::Sgd { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0 };
        let mut trainer = Trainer::new(Network::new(&config(), 2, 3).unwrap(), sgd, 2, &Device::flex());
        trainer.set_groups(&[ParameterGroup { prefix: "encoder".into(), learning_rate_factor: 0.0 }]);
        trainer.loss = loss;
        trainer.label_smoothing = 0.1;
        trainer.class_weights = class_weights.to_vec();
        trainer
    }

    /// The bags from `first` on, of two slices each.
    fn batch(first: usize, labels: &[usize], device: &Device) -> Batch {
        let bag = |bag: usize| {
            let mut random = Random::keyed(8, &[bag as u64]);
            (0..2 * SIDE * SIDE).map(move |_| random.normal() as f32)
        };
        let values: Vec<f32> = (first..first + labels.len()).flat_map(bag).collect();
        let data = TensorData::new(values, [2 * labels.len(), 1, SIDE, SIDE]);
        let bags = Bags { images: Tensor::from_data(data, device), counts: vec![2; labels.len()] };
        Batch { bags, labels: labels.to_vec(), mix: None }
    }

    /// Loss and weights after a step over `labels`, so many of them in each batch.
    fn stepped(mut trainer: Trainer, labels: &[usize], sizes: &[usize]) -> (f64, Vec<f32>) {
        let mut first = 0;
        let mut batches = Vec::new();
        for size in sizes {
            batches.push(batch(first, &labels[first..first + size], trainer.device()));
            first += size;
        }
        assert_eq!(first, labels.len());
        let loss = trainer.step_over(batches, 1.0, &mut Random::new(0)).unwrap();
        let bytes = save_weights(&trainer.network.valid()).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut named: Vec<_> = tensors.iter().collect();
        named.sort_by_key(|(name, _)| *name);
        let values = named.iter().flat_map(|(_, tensor)| tensor.data().chunks_exact(4));
        (loss, values.map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect())
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    }

    /// Tolerance: f32 sums in another order, a few 1e-7 of the gradient; a mean of the batches' means is off by some
    /// per cent.
    #[test]
    fn any_split_of_a_batch_gives_the_gradient_of_the_whole() {
        let labels = [1, 0, 0, 1, 0, 0, 0];
        for loss in [Loss::CrossEntropy, Loss::Focal { gamma: 2.0 }] {
            for class_weights in [[1.0, 1.0], [0.7, 1.75], [0.0, 2.0]] {
                let trainer = || trainer(loss, &class_weights);
                let (_, untrained) = stepped(trainer(), &[], &[]);
                let (whole_loss, whole) = stepped(trainer(), &labels, &[7]);
                let gradient = distance(&whole, &untrained);
                assert!(gradient > 1e-3, "{gradient}");
                for sizes in [&[4, 3][..], &[6, 1], &[1, 6], &[3, 3, 1], &[2, 2, 2, 1], &[1; 7]] {
                    let (loss, weights) = stepped(trainer(), &labels, sizes);
                    assert!((loss - whole_loss).abs() < 1e-5 * whole_loss, "{sizes:?}: {loss} {whole_loss}");
                    let off = distance(&weights, &whole) / gradient;
                    assert!(off < 1e-5, "{sizes:?} {class_weights:?}: {off}");
                }
            }
        }
    }

    #[test]
    fn cases_without_weight_make_no_step() {
        let before = stepped(trainer(Loss::CrossEntropy, &[0.0, 1.0]), &[], &[]).1;
        let (loss, after) = stepped(trainer(Loss::CrossEntropy, &[0.0, 1.0]), &[0, 0, 0], &[2, 1]);
        assert_eq!((loss, after), (0.0, before));
    }
}
