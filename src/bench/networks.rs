//! Networks: forward passes and training steps.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::clock::median_seconds;
use super::{BenchError, BenchSettings, NetworkRow};
use crate::bundle::Bundle;
use crate::network::Compute;
use crate::network::{
    Architecture, Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, TorchvisionConfig,
    read_tensor,
};
use crate::random::Random;
use crate::train::{Batch, OptimizerConfig, Trainer};

pub(super) fn measure(
    bundle: &Bundle,
    compute: &Compute,
    settings: &BenchSettings,
    tell: &dyn Fn(&str),
) -> Result<Vec<NetworkRow>, BenchError> {
    let shipped = (bundle.manifest().name.clone(), bundle.network_config().clone());
    let resnet = ("resnet18".to_owned(), resnet18());
    let mut rows = Vec::new();
    let [height, width] = [settings.side; 2];
    for (name, config) in [shipped, resnet] {
        for &batch in &settings.batches {
            tell(&format!("{name}, batch {batch}"));
            let case = Case {
                config: &config,
                shape: [batch, config.channels(), height, width],
                device: compute.device(),
            };
            rows.push(NetworkRow {
                network: name.clone(),
                image: [config.channels(), height, width],
                batch,
                forward_images_per_s: batch as f64 / case.forward_seconds(settings.runs)?,
                training_images_per_s: batch as f64 / case.step_seconds(settings.runs)?,
            });
        }
    }
    Ok(rows)
}

/// ResNet-18 (He et al. 2016, doi:10.1109/CVPR.2016.90).
fn resnet18() -> NetworkConfig {
    NetworkConfig {
        kind: NetworkKind::Slice,
        encoder: EncoderConfig::Torchvision(TorchvisionConfig {
            architecture: Architecture::ResNet18,
            pooling: Pooling::Average,
        }),
        neighbours: 1,
        attention_units: 1,
        dropout: 0.0,
    }
}

struct Case<'a> {
    config: &'a NetworkConfig,
    shape: [usize; 4],
    device: &'a Device,
}

impl Case<'_> {
    /// Images of noise; a study-level network sees them as one study.
    #[expect(clippy::cast_possible_truncation, reason = "images are f32")]
    fn bags(&self, device: &Device) -> Bags {
        let mut random = Random::new(1);
        let values: Vec<f32> = (0..self.shape.iter().product()).map(|_| random.normal() as f32).collect();
        let images = Tensor::from_data(TensorData::new(values, self.shape), device);
        let counts = match self.config.kind {
            NetworkKind::Mil | NetworkKind::Volume => vec![self.shape[0]],
            _ => vec![1; self.shape[0]],
        };
        Bags { images, counts }
    }

    fn forward_seconds(&self, runs: usize) -> Result<f64, BenchError> {
        let network = Network::new(self.config, 2, 1)?.folded().to_device(self.device);
        let bags = self.bags(self.device);
        median_seconds(runs, || {
            read_tensor(network.forward(bags.clone()).logits)?;
            Ok(())
        })
    }

    fn step_seconds(&self, runs: usize) -> Result<f64, BenchError> {
        let network = Network::new(self.config, 2, 1)?;
        let optimizer = OptimizerConfig::Sgd { learning_rate: 1e-3, momentum: 0.9, weight_decay: 0.0 };
        let mut trainer = Trainer::new(network, optimizer, 2, self.device);
        let bags = self.bags(trainer.device());
        let labels: Vec<usize> = (0..bags.counts.len()).map(|bag| bag % 2).collect();
        let mut random = Random::new(2);
        median_seconds(runs, || {
            trainer.step(
                Batch { bags: bags.clone(), labels: labels.clone(), mix: None },
                1.0,
                &mut random,
            )?;
            Ok(())
        })
    }
}
