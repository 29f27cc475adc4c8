//! A network trains on the adapter as it does on the CPU.

use burn::tensor::{Device, Tensor, TensorData};
use pulmo::cohort::Case;
use pulmo::dicom::Partial;
use pulmo::files::write_npy;
use pulmo::network::Compute;
use pulmo::network::{Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, ResidualConfig};
use pulmo::random::Random;
use pulmo::train::{Batch, Job, LeakPolicy, OptimizerConfig, Recipe, Trainer, train};

use super::opened;

const SIDE: usize = 16;
const BAGS: usize = 6;
const SLICES: usize = 2;

pub(super) fn config() -> NetworkConfig {
    NetworkConfig {
        kind: NetworkKind::Mil,
        encoder: EncoderConfig::Residual(ResidualConfig {
            widths: vec![4, 8],
            depths: vec![1, 1],
            stem_kernel: 3,
            stem_stride: 1,
            stem_pool: true,
            pooling: Pooling::AverageMax,
            ..ResidualConfig::default()
        }),
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

const RECIPE: &str = r#"
name = "corners"
[network]
kind = "slice"
encoder = { widths = [4, 8], depths = [1, 1], stem_kernel = 3, stem_stride = 1, stem_pool = true, pooling = "average_max" }
[chain]
step = [{ kind = "clip", low = -1.0, high = 3.0 }]
[augment]
flip_x = 0.5
rotate_degrees = 15.0
scale = 0.1
contrast = 0.1
noise = 0.05
[optimizer]
kind = "adamw"
learning_rate = 0.003
[course]
epochs = 1
batch_size = 4
mix = { mixup = 0.2, cutmix = 0.5 }
"#;

/// Pictures of two classes, twelve to train on and four to judge by.
fn pictures(folder: &std::path::Path) -> Vec<Case> {
    let mut random = Random::new(9);
    let mut rows = "path,label,patient_id,split\n".to_owned();
    for index in 0..16 {
        let bright = if index % 2 == 1 { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..SIDE * SIDE).map(|_| (bright + 0.3 * random.normal()) as f32).collect();
        write_npy(&folder.join(format!("{index}.npy")), &[SIDE, SIDE], &values).unwrap();
        let split = if index < 12 { "train" } else { "val" };
        rows += &format!("{index}.npy,{},p{index},{split}\n", ["dark", "bright"][index % 2]);
    }
    let path = folder.join("manifest.csv");
    std::fs::write(&path, rows).unwrap();
    pulmo::cohort::read_manifest(&path).unwrap()
}

/// A training of so many epochs in `folder`, whose pictures are made where they are not.
pub(super) fn job(folder: &std::path::Path, out: &str, compute: &Compute, epochs: usize) -> Job {
    let path = folder.join("recipe.toml");
    std::fs::write(&path, RECIPE.replace("epochs = 1", &format!("epochs = {epochs}"))).unwrap();
    Job {
        recipe: Recipe::read(&path).unwrap(),
        cases: pictures(folder),
        init: None,
        out: folder.join(out),
        compute: compute.clone(),
        leaks: LeakPolicy::default(),
        partial: Partial::Refuse,
    }
}

#[test]
fn a_whole_training_with_augmentation_agrees_with_the_cpu() {
    let Some(compute) = opened() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [cpu, gpu] = [("cpu", Compute::cpu()), ("gpu", compute)].map(|(name, compute)| {
        train(&job(folder.path(), name, &compute, 1), &|_| {}).unwrap().history.remove(0)
    });
    // Three steps, as above: the same draws of order, changes and mixing, and f32 sums in another order.
    for (cpu, gpu) in [(cpu.loss, gpu.loss), (cpu.validation_loss, gpu.validation_loss)] {
        assert!((cpu - gpu).abs() < 2e-3, "CPU {cpu}, adapter {gpu}");
    }
}
