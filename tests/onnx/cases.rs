//! Bundles of every kind and family of network, with weights drawn by chance.

use ndarray::Array3;
use pulmo::bundle::{Bundle, Calibration, FORMAT, Manifest, Origin, save_weights};
use pulmo::metrics::CalibrationMap;
use pulmo::network::{
    Architecture, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, ResidualConfig,
    TorchvisionConfig,
};
use pulmo::preprocess::Chain;
use pulmo::random::Random;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

const POOLINGS: [Pooling; 3] = [Pooling::Average, Pooling::Max, Pooling::AverageMax];

/// A bundle, and the shapes of batches that it is asked about.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bundle: Bundle,
    /// `[cases, slices, rows, columns]`.
    pub(crate) batches: Vec<[usize; 4]>,
}

impl Case {
    fn new(name: &str, config: NetworkConfig, classes: usize) -> Self {
        let batches = match (config.kind, &config.encoder) {
            (NetworkKind::Slice, EncoderConfig::Residual(_)) => vec![[1, 1, 20, 27], [3, 1, 33, 16]],
            (NetworkKind::Slice, EncoderConfig::Torchvision(_)) => vec![[1, 1, 48, 65], [3, 1, 33, 40]],
            (NetworkKind::Mil, _) => vec![[1, 5, 33, 32], [3, 1, 40, 33], [3, 4, 32, 47], [1, 2, 64, 64]],
            (NetworkKind::Volume, _) => vec![[1, 7, 20, 13], [3, 4, 15, 16], [1, 1, 9, 9]],
        };
        Self { name: name.to_owned(), bundle: bundle(name, config, classes), batches }
    }

    /// The same networks with calibrated probabilities.
    fn calibrated(self, name: &str, map: CalibrationMap) -> Self {
        let threshold = self.bundle.manifest().threshold;
        let calibration =
            Calibration { cases: 9, data_sha256: String::new(), uncalibrated_threshold: threshold, map };
        let bundle = self.bundle.calibrated(calibration, threshold).unwrap();
        Self { name: name.to_owned(), bundle, ..self }
    }

    /// The volumes of a batch.
    pub(crate) fn volumes(&self, batch: usize) -> Vec<Array3<f32>> {
        let [cases, slices, rows, columns] = self.batches[batch];
        let mut random = Random::keyed(3, &[batch as u64]);
        let mut volume =
            || Array3::from_shape_fn((slices, rows, columns), |_| random.uniform(-1.0, 1.5) as f32);
        (0..cases).map(|_| volume()).collect()
    }
}

/// Every combination that a recipe may name, of small residual networks; torchvision's; ensembles and calibrations.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = residual();
    cases.extend(volumes());
    cases.extend(torchvision());
    cases.extend(answers());
    cases
}

fn config(kind: NetworkKind, encoder: EncoderConfig, neighbours: usize) -> NetworkConfig {
    NetworkConfig { kind, encoder, neighbours, attention_units: 5, dropout: 0.0 }
}

fn small(pooling: Pooling, squeeze_excitation: usize) -> ResidualConfig {
    ResidualConfig {
        widths: vec![4, 6, 6],
        depths: vec![1, 2, 1],
        pooling,
        squeeze_excitation,
        ..ResidualConfig::default()
    }
}

fn residual() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, kind_name) in [(NetworkKind::Slice, "slice"), (NetworkKind::Mil, "mil")] {
        for pooling in POOLINGS {
            for squeeze_excitation in [0, 2] {
                for stem_pool in [false, true] {
                    for neighbours in [0, 1] {
                        let encoder = ResidualConfig { stem_pool, ..small(pooling, squeeze_excitation) };
                        let name = format!(
                            "{kind_name}-{pooling:?}-excitation-{squeeze_excitation}-pool-{stem_pool}-neighbours-{neighbours}"
                        );
                        let config = config(kind, EncoderConfig::Residual(encoder), neighbours);
                        cases.push(Case::new(&name, config, 2));
                    }
                }
            }
        }
        for (stem_kernel, stem_stride) in [(1, 1), (2, 1), (2, 3), (7, 2), (4, 4)] {
            let encoder = ResidualConfig { stem_kernel, stem_stride, ..small(Pooling::Average, 0) };
            let name = format!("{kind_name}-kernel-{stem_kernel}-stride-{stem_stride}");
            cases.push(Case::new(&name, config(kind, EncoderConfig::Residual(encoder), 2), 3));
        }
    }
    cases
}

fn volumes() -> Vec<Case> {
    let mut cases = Vec::new();
    let of = |encoder| config(NetworkKind::Volume, EncoderConfig::Residual(encoder), 0);
    for pooling in POOLINGS {
        for squeeze_excitation in [0, 2] {
            let name = format!("volume-{pooling:?}-excitation-{squeeze_excitation}");
            cases.push(Case::new(&name, of(small(pooling, squeeze_excitation)), 2));
        }
    }
    for (stem_kernel, stem_stride) in [(1, 1), (2, 1), (2, 3), (5, 2), (4, 4)] {
        let encoder = ResidualConfig { stem_kernel, stem_stride, ..small(Pooling::Average, 0) };
        cases.push(Case::new(&format!("volume-kernel-{stem_kernel}-stride-{stem_stride}"), of(encoder), 3));
    }
    cases
}

fn torchvision() -> Vec<Case> {
    use Architecture::{DenseNet121, DenseNet169, ResNet18, ResNet34, ResNet50};
    let of = |architecture, pooling, kind, neighbours| {
        let encoder = EncoderConfig::Torchvision(TorchvisionConfig { architecture, pooling });
        let name = format!("{kind:?}-{architecture:?}-{pooling:?}").to_lowercase();
        Case::new(&name, config(kind, encoder, neighbours), 3)
    };
    vec![
        of(ResNet18, Pooling::Average, NetworkKind::Slice, 1),
        of(ResNet34, Pooling::Max, NetworkKind::Slice, 0),
        of(ResNet50, Pooling::AverageMax, NetworkKind::Slice, 1),
        of(DenseNet121, Pooling::Average, NetworkKind::Slice, 1),
        of(DenseNet169, Pooling::Max, NetworkKind::Slice, 0),
        of(ResNet18, Pooling::Max, NetworkKind::Mil, 0),
        of(DenseNet121, Pooling::AverageMax, NetworkKind::Mil, 1),
    ]
}

/// Ensembles and calibrations.
fn answers() -> Vec<Case> {
    let of = |kind, classes| {
        Case::new("plain", config(kind, EncoderConfig::Residual(small(Pooling::Average, 0)), 0), classes)
    };
    let ensemble = |kind, classes| {
        let first = of(kind, classes);
        let config = || first.bundle.network_config().clone();
        let others = [bundle("other", config(), classes), bundle("third", config(), classes)];
        let bundle = Bundle::ensemble("ensemble", &first.bundle, &others).unwrap();
        Case { bundle, name: format!("{kind:?}-ensemble").to_lowercase(), batches: first.batches }
    };
    let temperature = |temperature| CalibrationMap::Temperature { temperature };
    let isotonic = CalibrationMap::Isotonic {
        scores: vec![0.05, 0.3, 0.4, 0.6, 0.9],
        probabilities: vec![0.01, 0.2, 0.2, 0.7, 0.95],
    };
    let step = isotonic.clone().with_step(f64::from(0.45_f32));
    vec![
        of(NetworkKind::Mil, 3).calibrated("temperature", temperature(2.5)),
        of(NetworkKind::Slice, 2).calibrated("cold-temperature", temperature(0.2)),
        of(NetworkKind::Mil, 2).calibrated("isotonic", isotonic.clone()),
        of(NetworkKind::Volume, 2).calibrated("isotonic-step", step),
        ensemble(NetworkKind::Mil, 3),
        ensemble(NetworkKind::Volume, 2),
        ensemble(NetworkKind::Slice, 2).calibrated("ensemble-temperature", temperature(1.7)),
        ensemble(NetworkKind::Mil, 2).calibrated("ensemble-isotonic", isotonic),
    ]
}

/// A bundle whose weights and statistics are drawn by its name.
pub(crate) fn bundle(name: &str, config: NetworkConfig, classes: usize) -> Bundle {
    let seed = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let network = Network::new(&config, classes, seed).unwrap();
    let weights = drawn(&save_weights(&network).unwrap(), seed);
    let manifest = Manifest {
        format: FORMAT,
        name: name.to_owned(),
        description: "Drawn by chance.".to_owned(),
        classes: (0..classes).map(|class| format!("class-{class}")).collect(),
        threshold: (classes == 2).then_some(0.5),
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: Vec::new(),
        chain: Chain::default(),
        golden: None,
        calibration: None,
        domain: None,
        origin: Origin::default(),
    };
    Bundle::new(manifest, config, weights).unwrap()
}

/// The weights with biases, heads and normalizations that do something: as drawn by `Network::new`, a forgotten one
/// would go unseen.
fn drawn(bytes: &[u8], seed: u64) -> Vec<u8> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let mut random = Random::new(seed);
    let mut names: Vec<&str> = tensors.names();
    names.sort_unstable();
    let values: Vec<Vec<u8>> = names
        .iter()
        .map(|name| {
            let tensor = tensors.tensor(name).unwrap();
            let values = tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let share = 3.0 / (tensor.shape()[0] as f64).sqrt();
            let mut redrawn = |value: f32| match (*name, tensor.shape().len()) {
                ("head", _) => (share * random.normal()) as f32,
                (name, _) if name.ends_with("running_var") => random.uniform(0.6, 1.6) as f32,
                // The last of a block is smaller, or deep networks end at numbers without measure.
                (name, _) if name.ends_with("bn3.gamma") || name.ends_with("bn2.gamma") => {
                    random.uniform(0.1, 0.5) as f32
                }
                (name, _) if name.ends_with("gamma") => random.uniform(0.5, 1.2) as f32,
                (_, 1) => random.uniform(-0.4, 0.4) as f32,
                // Maps side by side sum to more than the drawing of a dense layer reckons with.
                (name, _) if name.contains("denseblocks") => 0.3 * value,
                _ => value,
            };
            values.map(&mut redrawn).flat_map(f32::to_le_bytes).collect()
        })
        .collect();
    let views = names.iter().zip(&values).map(|(name, values)| {
        let tensor = tensors.tensor(name).unwrap();
        (*name, TensorView::new(tensor.dtype(), tensor.shape().to_vec(), values).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
