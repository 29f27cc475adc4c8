//! A network trains on the adapter as it does on the CPU.

use burn::tensor::{Device, Tensor, TensorData};
use pulmo::gpu::Compute;
use pulmo::network::{Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling};
use pulmo::random::Random;
use pulmo::train::{Batch, OptimizerConfig, Trainer};

use super::opened;

const SIDE: usize = 16;
const BAGS: usize = 6;
const SLICES: usize = 2;

fn config() -> NetworkConfig {
    NetworkConfig {
        kind: NetworkKind::Mil,
        encoder: EncoderConfig {
            widths: vec![4, 8],
            depths: vec![1, 1],
            stem_kernel: 3,
            stem_stride: 1,
            stem_pool: true,
            pooling: Pooling::AverageMax,
        },
        neighbours: 0,
        attention_units: 8,
        dropout: 0.0,
    }
}

/// Studies of two noisy slices; those of the second class have a bright corner on one slice.
fn batch(device: &Device) -> Batch {
    let mut random = Random::new(3);
    let labels: Vec<usize> = (0..BAGS).map(|bag| bag % 2).collect();
    let mut values = Vec::new();
    for label in &labels {
        for slice in 0..SLICES {
            for pixel in 0..SIDE * SIDE {
                let corner = pixel / SIDE < 5 && pixel % SIDE < 5 && slice == 1 && *label == 1;
                values.push((0.3 * random.normal() + if corner { 1.5 } else { 0.0 }) as f32);
            }
        }
    }
    let data = TensorData::new(values, [BAGS * SLICES, 1, SIDE, SIDE]);
    let bags = Bags { images: Tensor::from_data(data, device), counts: vec![SLICES; BAGS] };
    Batch { bags, labels, mix: None }
}

fn losses(device: &Device, steps: usize) -> Vec<f64> {
    let optimizer =
        OptimizerConfig::Adamw { learning_rate: 3e-3, beta_1: 0.9, beta_2: 0.999, weight_decay: 0.01 };
    let network = Network::new(&config(), 2, 11).unwrap();
    let mut trainer = Trainer::new(network, optimizer, 2, device);
    let batch = batch(trainer.device());
    let mut random = Random::new(0);
    (0..steps).map(|_| trainer.step(batch.clone(), 1.0, &mut random).unwrap()).collect()
}

#[test]
fn three_steps_agree_with_the_cpu_and_the_loss_falls() {
    let Some(compute) = opened() else { return };
    let on_cpu = losses(Compute::cpu().device(), 3);
    let on_gpu = losses(compute.device(), 12);
    eprintln!("training loss on the CPU {on_cpu:?}, on {} {on_gpu:?}", compute.name());
    for (cpu, gpu) in on_cpu.iter().zip(&on_gpu) {
        // f32 sums in another order: a few 1e-6 in the first loss, growing through Adam's division.
        assert!((cpu - gpu).abs() < 2e-3, "CPU {on_cpu:?}, adapter {on_gpu:?}");
    }
    assert!(on_gpu.last().unwrap() < &(0.8 * on_gpu[0]), "{on_gpu:?}");
}
