//! Convolutions over volumes are what they say, and networks of every kind and option learn: the
//! phantoms here are told apart only by what lies in neighbouring slices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::time::Instant;

use burn::module::Module;
use burn::tensor::module::conv3d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array3;
use pulmo::bundle::{load_weights, save_weights, transfer};
use pulmo::network::{
    Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, ResidualConfig, read_tensor,
};
use pulmo::random::Random;
use pulmo::train::{Batch, OptimizerConfig, ParameterGroup, Trainer};

fn config(kind: NetworkKind, encoder: ResidualConfig) -> NetworkConfig {
    let encoder = EncoderConfig::Residual(encoder);
    NetworkConfig { kind, encoder, neighbours: 0, attention_units: 8, dropout: 0.0 }
}

fn small() -> ResidualConfig {
    ResidualConfig {
        widths: vec![8, 16],
        depths: vec![1, 1],
        stem_stride: 1,
        pooling: Pooling::AverageMax,
        ..ResidualConfig::default()
    }
}

/// Noise with two bright discs: in the second class in neighbouring slices, in the first far apart.
fn volume(case: usize, random: &mut Random) -> Array3<f32> {
    let mut volume = Array3::from_shape_fn((8, 16, 16), |_| 0.2 * random.normal() as f32);
    let first = random.below(3);
    let second = if case % 2 == 1 { first + 1 } else { first + 4 };
    for z in [first, second] {
        for (y, x) in (0..9).map(|i| (6 + i / 3, 6 + i % 3)) {
            volume[[z, y, x]] += 1.5;
        }
    }
    volume
}

fn batch(config: &NetworkConfig, cases: usize, seed: u64, device: &Device) -> Batch {
    let mut random = Random::new(seed);
    let volumes: Vec<_> = (0..cases).map(|case| volume(case, &mut random)).collect();
    let bags = Bags::new(&volumes.iter().collect::<Vec<_>>(), config, device).unwrap();
    Batch { bags, labels: (0..cases).map(|case| case % 2).collect(), mix: None }
}

fn adamw() -> OptimizerConfig {
    OptimizerConfig::Adamw { learning_rate: 5e-3, beta_1: 0.9, beta_2: 0.999, weight_decay: 0.0 }
}

fn values(network: &Network) -> Vec<u8> {
    save_weights(&network.valid()).unwrap()
}

/// Losses of `steps` steps over fresh cases, and the share of 40 unseen cases that are right.
fn learn(config: &NetworkConfig, steps: u64) -> (Vec<f64>, f64) {
    let network = Network::new(config, 2, 5).unwrap();
    let mut trainer = Trainer::new(network, adamw(), 2, &Device::flex());
    let losses = (0..steps)
        .map(|step| {
            let batch = batch(config, 8, 100 + step, trainer.device());
            trainer.step(batch, 1.0, &mut Random::keyed(1, &[step])).unwrap()
        })
        .collect();
    let unseen = batch(config, 40, 7, &Device::flex());
    let network = trainer.network.valid();
    let whole = read_tensor(network.forward(unseen.bags.clone()).logits).unwrap();
    let folded = read_tensor(network.folded().forward_in_pieces(unseen.bags, 3).logits).unwrap();
    let worst = whole.iter().zip(&folded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "folded in pieces: {worst}");
    let right = whole.chunks(2).zip(&unseen.labels).filter(|(l, label)| usize::from(l[1] > l[0]) == **label);
    (losses, right.count() as f64 / 40.0)
}

#[test]
fn a_volume_network_tells_what_lies_across_slices() {
    let (losses, right) = learn(&config(NetworkKind::Volume, small()), 40);
    assert!(right >= 0.95, "{right} of the unseen volumes, losses {losses:?}");
}

#[test]
fn squeeze_excitation_and_stochastic_depth_learn_and_are_off_by_default() {
    let options = ResidualConfig { squeeze_excitation: 4, stochastic_depth: 0.2, ..small() };
    for kind in [NetworkKind::Volume, NetworkKind::Mil] {
        let config = config(kind, options.clone());
        let (losses, right) = learn(&config, if kind == NetworkKind::Volume { 40 } else { 5 });
        assert!(losses.iter().all(|loss| loss.is_finite()));
        assert!(kind == NetworkKind::Mil || right >= 0.9, "{right} of the unseen, losses {losses:?}");
    }
    let plain = values(&Network::new(&config(NetworkKind::Mil, small()), 2, 5).unwrap());
    let named = String::from_utf8_lossy(&plain);
    assert!(named.contains("encoder.blocks.0.conv1.weight") && !named.contains("excitation"));
    let with = values(&Network::new(&config(NetworkKind::Mil, options), 2, 5).unwrap());
    assert!(String::from_utf8_lossy(&with).contains("encoder.blocks.1.excitation.squeeze"));
}

/// The first stage against burn's own 3D convolution: `[batch, 1, d, h, w]`, weights of the stem.
#[test]
fn a_volume_convolution_is_a_3d_convolution() {
    for (side, stride, depth) in [(3, 1, 5), (3, 2, 6), (5, 2, 7), (1, 2, 4)] {
        let encoder = ResidualConfig {
            widths: vec![1],
            depths: vec![1],
            stem_kernel: side,
            stem_stride: stride,
            ..ResidualConfig::default()
        };
        let config = config(NetworkKind::Volume, encoder);
        let network = Network::new(&config, 2, 3).unwrap();
        let mut random = Random::new(1);
        let volume = Array3::from_shape_fn((depth, 9, 8), |_| random.normal() as f32);
        let bags = Bags::new(&[&volume, &volume.mapv(|v| 1.0 - v)], &config, &Device::flex()).unwrap();
        let ours = reference(&network, bags.images.clone().reshape([2, 1, depth, 9, 8]), stride);
        let expected = read_tensor(ours).unwrap();
        let found = read_tensor(network.forward(bags).logits).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{side} {stride}: {found} {expected}");
        }
    }
}

/// A parameter by its name in `weights.safetensors`, its channels in torch's order.
fn weight<const D: usize>(network: &Network, name: &str, shape: [usize; D]) -> Tensor<D> {
    let bytes = values(network);
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor(name).unwrap();
    let numbers = view.data().chunks_exact(4).map(|v| f32::from_le_bytes(v.try_into().unwrap()));
    let numbers: Vec<f32> = numbers.collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

/// The untrained network of one channel and one block, computed with burn's `conv3d`; untrained
/// normalizations divide by the root of 1 + 1e-5.
fn reference(network: &Network, volumes: Tensor<5>, stride: usize) -> Tensor<2> {
    let norm = |maps: Tensor<5>| maps.div_scalar((1.0_f64 + 1e-5).sqrt());
    let conv = |maps, name: &str, side: usize, stride: usize| {
        let options = ConvOptions::new([stride; 3], [side / 2; 3], [1; 3], 1);
        norm(conv3d(maps, weight(network, name, [1, 1, side, side, side]), None, options))
    };
    let stem = weight::<1>(network, "encoder.stem.weight", [values_of_stem(network)]);
    let [count] = stem.dims();
    let side = (1..=7).find(|side| side * side * side == count).unwrap();
    let relu = burn::tensor::activation::relu::<5>;
    let stem = relu(conv(volumes, "encoder.stem.weight", side, stride));
    let inner = relu(conv(stem.clone(), "encoder.blocks.0.conv1.weight", 3, 1));
    let maps = relu(conv(inner, "encoder.blocks.0.conv2.weight", 3, 1) + stem);
    let features: Tensor<2> = maps.flatten::<2>(1, 4).mean_dim(1);
    features.matmul(weight(network, "head", [1, 2])) + weight::<1>(network, "head_bias", [2]).unsqueeze()
}

fn values_of_stem(network: &Network) -> usize {
    let bytes = values(network);
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.tensor("encoder.stem.weight").unwrap().shape().iter().product()
}

#[test]
fn volumes_of_other_shapes_and_options_that_do_not_go_are_refused() {
    let config = config(NetworkKind::Volume, small());
    let (deep, flat) = (Array3::zeros((4, 8, 8)), Array3::zeros((3, 8, 8)));
    let error = Bags::new(&[&deep, &flat], &config, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("3 slices where 4"), "{error}");
    let pooled = ResidualConfig { stem_pool: true, ..small() };
    let neighbours = NetworkConfig { neighbours: 1, ..config.clone() };
    let chance = ResidualConfig { stochastic_depth: 1.0, ..small() };
    for (config, told) in [
        (self::config(NetworkKind::Volume, pooled), "stem_pool"),
        (neighbours, "neighbours"),
        (self::config(NetworkKind::Mil, chance), "stochastic_depth"),
    ] {
        let error = Network::new(&config, 2, 0).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn frozen_parameters_stay_to_the_bit_and_slow_ones_move_less() {
    let config = config(NetworkKind::Mil, small());
    let group =
        |prefix: &str, learning_rate_factor| ParameterGroup { prefix: prefix.into(), learning_rate_factor };
    let step = |groups: &[ParameterGroup]| {
        let mut trainer = Trainer::new(Network::new(&config, 2, 5).unwrap(), adamw(), 2, &Device::flex());
        trainer.set_groups(groups);
        for step in 0..2 {
            let batch = batch(&config, 4, 3, trainer.device());
            trainer.step(batch, 1.0, &mut Random::keyed(1, &[step])).unwrap();
        }
        trainer.network.valid()
    };
    let before = Network::new(&config, 2, 5).unwrap();
    let moved = |network: &Network, name: &str, count: usize| {
        let difference = weight(network, name, [count]) - weight(&before, name, [count]);
        read_tensor(difference.abs().max()).unwrap()[0]
    };
    let (stem, mean, head) =
        (("encoder.stem.weight", 72), ("encoder.stem_norm.running_mean", 8), ("head", 128));
    let free = step(&[]);
    let frozen = step(&[group("encoder.stem", 0.0), group("encoder.stem_norm", 0.0), group("head", 0.1)]);
    assert!(moved(&free, stem.0, stem.1) > 1e-3 && moved(&free, mean.0, mean.1) > 1e-3);
    assert_eq!((moved(&frozen, stem.0, stem.1), moved(&frozen, mean.0, mean.1)), (0.0, 0.0));
    assert!(moved(&frozen, "encoder.blocks.0.conv1.weight", 576) > 1e-3);
    let (fast, slow) = (moved(&free, head.0, head.1), moved(&frozen, head.0, head.1));
    assert!((slow / fast - 0.1).abs() < 0.02, "{slow} {fast}");
}

#[test]
fn weights_of_a_bundle_transfer_to_another_head_and_their_names_are_told() {
    let one = Network::new(&config(NetworkKind::Mil, small()), 2, 5).unwrap();
    let bytes = values(&one);
    let same = Network::new(&config(NetworkKind::Mil, small()), 2, 6).unwrap();
    let (same, report) = transfer(same, &bytes).unwrap();
    assert!(report.missing.is_empty() && report.unused.is_empty());
    assert_eq!(values(&same), bytes);
    let three = Network::new(&config(NetworkKind::Slice, small()), 3, 6).unwrap();
    let (three, report) = transfer(three, &bytes).unwrap();
    assert_eq!(report.missing, ["head", "head_bias"]);
    assert!(report.unused.iter().all(|name| name.starts_with("attention.") || name.starts_with("head")));
    assert!(report.to_string().contains("not in the file: head, head_bias"), "{report}");
    assert!(load_weights(three, &bytes).is_err());
    let wider = ResidualConfig { widths: vec![16, 16], ..small() };
    let wider = Network::new(&config(NetworkKind::Mil, wider), 2, 6).unwrap();
    assert!(transfer(wider, &bytes).unwrap_err().to_string().contains("has shape"));
}

/// Not run by default: time and memory of a step on a volume, for the record.
#[test]
#[ignore = "a measurement"]
fn a_step_on_volumes_takes() {
    let encoder =
        ResidualConfig { widths: vec![16, 32, 64], depths: vec![1, 1, 1], ..ResidualConfig::default() };
    let config = config(NetworkKind::Volume, encoder);
    let network = Network::new(&config, 2, 5).unwrap();
    let mut trainer = Trainer::new(network, adamw(), 2, &Device::flex());
    let mut random = Random::new(1);
    let volume = Array3::from_shape_fn((64, 96, 96), |_| random.normal() as f32);
    for _ in 0..3 {
        let bags = Bags::new(&[&volume, &volume], &config, trainer.device()).unwrap();
        let start = Instant::now();
        trainer.step(Batch { bags, labels: vec![0, 1], mix: None }, 1.0, &mut Random::new(0)).unwrap();
        let step = start.elapsed();
        let bags = Bags::new(&[&volume, &volume], &config, &Device::flex()).unwrap();
        let network = trainer.network.valid();
        let start = Instant::now();
        read_tensor(network.forward(bags).logits).unwrap();
        eprintln!("2 volumes of 64 x 96 x 96: step {step:?}, forward {:?}", start.elapsed());
    }
    let device = Device::flex().autodiff();
    let maps = Tensor::<5>::ones([2, 16, 32, 48, 48], &device);
    let kernel = Tensor::<5>::ones([16, 16, 3, 3, 3], &device).require_grad();
    let start = Instant::now();
    let sum = conv3d(maps, kernel, None, ConvOptions::new([1; 3], [1; 3], [1; 3], 1)).sum();
    let forward = start.elapsed();
    sum.backward();
    eprintln!(
        "burn's conv3d, 16 channels, 2 x 32 x 48 x 48: forward {forward:?}, both {:?}",
        start.elapsed()
    );
}
