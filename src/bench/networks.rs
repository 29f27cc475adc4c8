//! Networks: forward passes and training steps.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::clock::median_seconds;
use super::{BenchError, BenchEvent, BenchNetwork, BenchReport, BenchSettings, NetworkRow};
use crate::bundle::{Bundle, FORMAT, Manifest, Origin, save_weights};
use crate::files::write_npy;
use crate::network::{
    Architecture, Bags, EncoderConfig, Network, NetworkConfig, NetworkError, NetworkKind, Pooling,
    TorchvisionConfig, read_tensor,
};
use crate::preprocess::Chain;
use crate::random::Random;
use crate::train::{Batch, OptimizerConfig, Trainer};

/// What networks are timed on, and how often.
pub(super) struct Bench<'a> {
    pub(super) device: &'a Device,
    pub(super) settings: &'a BenchSettings,
}

/// What of a network is timed.
#[derive(Debug, Clone, Copy)]
enum Work {
    Forward,
    Training,
}

/// Fills the networks' rows of the report: first all forward passes, then all training steps, which take longer; of
/// both the small batches of every network first.
pub(super) fn measure(
    bundle: &Bundle,
    bench: &Bench,
    report: &mut BenchReport,
    watch: &dyn Fn(BenchEvent),
) -> Result<(), BenchError> {
    let BenchSettings { networks, batches, side, .. } = bench.settings;
    let timed = networks.iter().map(|network| Timed::of(*network, bundle)).collect::<Result<Vec<_>, _>>()?;
    timed.iter().try_for_each(|network| bench.keep(network))?;
    let rows = |network: &Timed| batches.iter().map(|batch| network.row(*batch, *side)).collect::<Vec<_>>();
    report.networks = timed.iter().flat_map(rows).collect();
    for work in [Work::Forward, Work::Training] {
        for batch in 0..batches.len() {
            for (place, network) in timed.iter().enumerate() {
                let row = &mut report.networks[place * batches.len() + batch];
                watch(BenchEvent::Next(&format!("{}, batch {}, {work:?}", row.network, row.batch)));
                bench.fill(row, network, work);
                watch(BenchEvent::SoFar(report));
            }
        }
    }
    Ok(())
}

impl NetworkRow {
    fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.image;
        [self.batch, channels, height, width]
    }
}

/// A network to be timed.
struct Timed {
    name: String,
    config: NetworkConfig,
    classes: Vec<String>,
    network: Network,
}

impl Timed {
    fn of(network: BenchNetwork, bundle: &Bundle) -> Result<Self, BenchError> {
        let architecture = match network {
            BenchNetwork::ResNet18 => Architecture::ResNet18,
            BenchNetwork::ResNet50 => Architecture::ResNet50,
            BenchNetwork::Bundle => return Self::of_bundle(bundle),
        };
        let config = NetworkConfig {
            kind: NetworkKind::Slice,
            encoder: EncoderConfig::Torchvision(TorchvisionConfig {
                architecture,
                pooling: Pooling::Average,
            }),
            neighbours: 1,
            attention_units: 1,
            dropout: 0.0,
        };
        let name = if architecture == Architecture::ResNet18 { "resnet18" } else { "resnet50" };
        let classes = vec!["first".to_owned(), "second".to_owned()];
        Ok(Self { name: name.to_owned(), network: Network::new(&config, 2, 1)?, config, classes })
    }

    /// The bundle's network; of an ensemble the first.
    fn of_bundle(bundle: &Bundle) -> Result<Self, BenchError> {
        let (config, manifest) = (bundle.network_config().clone(), bundle.manifest());
        let classes = manifest.classes.clone();
        let drawn = || Network::new(&config, classes.len(), 1);
        let network = bundle.networks().next().cloned().map_or_else(drawn, Ok::<_, NetworkError>)?;
        Ok(Self { name: manifest.name.clone(), network, classes, config })
    }

    fn row(&self, batch: usize, side: usize) -> NetworkRow {
        NetworkRow {
            network: self.name.clone(),
            image: [self.config.channels(), side, side],
            batch,
            forward_images_per_s: None,
            training_images_per_s: None,
            problem: None,
        }
    }

    /// Images of noise; a study-level network sees them as one study.
    fn bags(&self, shape: [usize; 4], device: &Device) -> Bags {
        let images = Tensor::from_data(TensorData::new(noise(shape), shape), device);
        let counts = match self.config.kind {
            NetworkKind::Mil | NetworkKind::Volume => vec![shape[0]],
            NetworkKind::Slice => vec![1; shape[0]],
        };
        Bags { images, counts }
    }

    /// Writes the network as a bundle with an empty chain.
    fn write(&self, folder: &Path) -> Result<(), BenchError> {
        let manifest = Manifest {
            format: FORMAT,
            name: self.name.clone(),
            description: "Timed by pulmo bench; random weights but for the bundle's own.".to_owned(),
            classes: self.classes.clone(),
            threshold: (self.classes.len() == 2).then_some(0.5),
            weights_sha256: String::new(),
            members_sha256: Vec::new(),
            mirrors: Vec::new(),
            chain: Chain::default(),
            golden: None,
            calibration: None,
            domain: None,
            origin: Origin::default(),
        };
        Ok(Bundle::new(manifest, self.config.clone(), save_weights(&self.network)?)?.write(folder)?)
    }
}

impl Bench<'_> {
    /// Puts a figure into a row, or why there is none.
    fn fill(&self, row: &mut NetworkRow, timed: &Timed, work: Work) {
        let seconds = match work {
            Work::Forward => self.forward_seconds(timed, row.shape()),
            Work::Training => self.step_seconds(timed, row.shape()),
        };
        let images_per_s = match seconds {
            Ok(seconds) => Some(row.batch as f64 / seconds),
            Err(error) => {
                row.problem = Some(error.to_string());
                None
            }
        };
        match work {
            Work::Forward => row.forward_images_per_s = images_per_s,
            Work::Training => row.training_images_per_s = images_per_s,
        }
    }

    fn forward_seconds(&self, timed: &Timed, shape: [usize; 4]) -> Result<f64, BenchError> {
        let network = timed.network.clone().folded().to_device(self.device);
        let bags = timed.bags(shape, self.device);
        let mut logits = Vec::new();
        let seconds = median_seconds(self.settings.runs, || {
            logits = read_tensor(network.forward(bags.clone()).logits)?;
            Ok::<_, BenchError>(())
        })?;
        if let Some(folder) = self.settings.keep.as_ref().filter(|_| self.kept() == shape[0]) {
            let classes = timed.classes.len();
            let path = folder.join(&timed.name).join("logits.npy");
            write_npy(&path, &[logits.len() / classes, classes], &logits)?;
        }
        Ok(seconds)
    }

    fn step_seconds(&self, timed: &Timed, shape: [usize; 4]) -> Result<f64, BenchError> {
        let optimizer = OptimizerConfig::Sgd { learning_rate: 1e-3, momentum: 0.9, weight_decay: 0.0 };
        let mut trainer = Trainer::new(timed.network.clone(), optimizer, timed.classes.len(), self.device);
        let bags = timed.bags(shape, trainer.device());
        let labels: Vec<usize> = (0..bags.counts.len()).map(|bag| bag % 2).collect();
        let mut random = Random::new(2);
        median_seconds(self.settings.runs, || {
            let batch = Batch { bags: bags.clone(), labels: labels.clone(), mix: None };
            trainer.step(batch, 1.0, &mut random)?;
            Ok(())
        })
    }

    /// Images whose logits are kept.
    fn kept(&self) -> usize {
        self.settings.batches.get(self.settings.batches.len() / 2).copied().unwrap_or(1)
    }

    /// Writes the network and the images whose logits its forward pass will write beside them.
    fn keep(&self, timed: &Timed) -> Result<(), BenchError> {
        let Some(folder) = &self.settings.keep else { return Ok(()) };
        let folder = folder.join(&timed.name);
        timed.write(&folder)?;
        let shape = timed.row(self.kept(), self.settings.side).shape();
        write_npy(&folder.join("images.npy"), &shape, &noise(shape))?;
        Ok(())
    }
}

/// The same noise for every device; that of fewer images is the beginning of that of more.
#[expect(clippy::cast_possible_truncation, reason = "images are f32")]
fn noise(shape: [usize; 4]) -> Vec<f32> {
    let mut random = Random::new(1);
    (0..shape.iter().product()).map(|_| random.normal() as f32).collect()
}
