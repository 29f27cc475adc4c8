//! Networks: forward passes and training steps.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::clock::median_seconds;
use super::{BenchError, BenchEvent, BenchNetwork, BenchReport, BenchSettings, NetworkRow};
use crate::bundle::{Bundle, FORMAT, Manifest, Origin, save_weights};
use crate::files::write_npy;
use crate::gpu::Compute;
use crate::network::{
    Architecture, Bags, EncoderConfig, Network, NetworkConfig, NetworkError, NetworkKind, Pooling,
    TorchvisionConfig, read_tensor,
};
use crate::preprocess::Chain;
use crate::random::Random;
use crate::train::{Batch, OptimizerConfig, Trainer};

/// Images whose logits are kept.
const KEPT: usize = 4;

/// Fills the networks' rows of the report: first all forward passes, then all training steps, which take longer.
pub(super) fn measure(
    (bundle, compute): (&Bundle, &Compute),
    settings: &BenchSettings,
    report: &mut BenchReport,
    watch: &dyn Fn(BenchEvent),
) -> Result<(), BenchError> {
    let device = compute.device();
    let timed = settings.networks.iter().map(|network| Timed::of(*network, bundle));
    let timed = timed.collect::<Result<Vec<_>, _>>()?;
    let cases: Vec<(&Timed, usize)> = timed
        .iter()
        .flat_map(|network| settings.batches.iter().map(move |batch| (network, *batch)))
        .collect();
    for &(network, batch) in &cases {
        watch(BenchEvent::Next(&format!("{}, batch {batch}, forward", network.name)));
        let mut row = network.row(batch, settings.side);
        let seconds = network.forward_seconds(row.shape(), device, settings.runs);
        row.forward_images_per_s = row.rate(seconds);
        report.networks.push(row);
        watch(BenchEvent::SoFar(report));
    }
    if let Some(folder) = &settings.keep {
        let keep = |network: &Timed| network.keep(folder, network.row(KEPT, settings.side).shape(), device);
        timed.iter().try_for_each(keep)?;
    }
    for (index, (network, batch)) in cases.into_iter().enumerate() {
        watch(BenchEvent::Next(&format!("{}, batch {batch}, training", network.name)));
        let row = &mut report.networks[index];
        let seconds = network.step_seconds(row.shape(), device, settings.runs);
        row.training_images_per_s = row.rate(seconds);
        watch(BenchEvent::SoFar(report));
    }
    Ok(())
}

impl NetworkRow {
    fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.image;
        [self.batch, channels, height, width]
    }

    /// Images a second; where there are none the row says why.
    fn rate(&mut self, seconds: Result<f64, BenchError>) -> Option<f64> {
        match seconds {
            Ok(seconds) => Some(self.batch as f64 / seconds),
            Err(error) => {
                self.problem = Some(error.to_string());
                None
            }
        }
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

    fn logits(
        &self,
        shape: [usize; 4],
        device: &Device,
    ) -> Result<impl Fn() -> Result<Vec<f32>, BenchError>, BenchError> {
        let network = self.network.clone().folded().to_device(device);
        let bags = self.bags(shape, device);
        Ok(move || Ok(read_tensor(network.forward(bags.clone()).logits)?))
    }

    fn forward_seconds(&self, shape: [usize; 4], device: &Device, runs: usize) -> Result<f64, BenchError> {
        let logits = self.logits(shape, device)?;
        median_seconds(runs, || logits().map(drop))
    }

    fn step_seconds(&self, shape: [usize; 4], device: &Device, runs: usize) -> Result<f64, BenchError> {
        let optimizer = OptimizerConfig::Sgd { learning_rate: 1e-3, momentum: 0.9, weight_decay: 0.0 };
        let mut trainer = Trainer::new(self.network.clone(), optimizer, self.classes.len(), device);
        let bags = self.bags(shape, trainer.device());
        let labels: Vec<usize> = (0..bags.counts.len()).map(|bag| bag % 2).collect();
        let mut random = Random::new(2);
        median_seconds(runs, || {
            let batch = Batch { bags: bags.clone(), labels: labels.clone(), mix: None };
            trainer.step(batch, 1.0, &mut random)?;
            Ok(())
        })
    }

    /// Writes the network as a bundle with an empty chain, and images with what the device says to them.
    fn keep(&self, folder: &Path, shape: [usize; 4], device: &Device) -> Result<(), BenchError> {
        let folder = folder.join(&self.name);
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
            origin: Origin::default(),
        };
        let weights = save_weights(&self.network)?;
        Bundle::new(manifest, self.config.clone(), weights)?.write(&folder)?;
        let logits = self.logits(shape, device)?()?;
        write_npy(&folder.join("images.npy"), &shape, &noise(shape))?;
        write_npy(
            &folder.join("logits.npy"),
            &[logits.len() / self.classes.len(), self.classes.len()],
            &logits,
        )?;
        Ok(())
    }
}

/// The same noise for every device; that of fewer images is the beginning of that of more.
#[expect(clippy::cast_possible_truncation, reason = "images are f32")]
fn noise(shape: [usize; 4]) -> Vec<f32> {
    let mut random = Random::new(1);
    (0..shape.iter().product()).map(|_| random.normal() as f32).collect()
}
