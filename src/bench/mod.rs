//! How fast this machine does what pulmo is for: `pulmo bench`.
//!
//! Every figure is the median of several runs, each after a wait for the device, after some that are not
//! counted. Bandwidth counts bytes read and written. The networks are the bundle's and ResNets of three channels
//! with random weights, all on images of 224 x 224.

mod clock;
mod handover;
mod networks;
mod pipeline;
mod report;
mod steps;

use std::path::PathBuf;
use std::str::FromStr;

pub use report::{Bandwidth, BenchReport, HandoverRow, Machine, NetworkRow, PassRow, PipelineRow, StepRow};

use crate::bundle::Bundle;
use crate::network::Compute;
use crate::preprocess::{PreprocessError, Processor};
use crate::train::TrainError;

/// Why a bench could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A preprocessing step failed.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// A step is not written as a recipe would write it.
    #[error(transparent)]
    Step(#[from] toml::de::Error),
    /// A network failed on the device.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The network cannot be built or does not fit its input.
    #[error(transparent)]
    Network(#[from] crate::network::NetworkError),
    /// A network cannot be kept.
    #[error(transparent)]
    Keep(#[from] crate::bundle::BundleError),
    /// The weights of a network cannot be kept.
    #[error(transparent)]
    Weights(#[from] crate::bundle::WeightsError),
    /// Images or logits cannot be kept.
    #[error(transparent)]
    Array(#[from] crate::files::VolumeFileError),
    /// The device failed.
    #[error(transparent)]
    Gpu(#[from] crate::gpu::GpuError),
    /// The phantoms of the pipeline could not be made.
    #[error(transparent)]
    Phantom(#[from] crate::phantom::PhantomError),
    /// The phantoms of the pipeline could not be kept.
    #[error("cannot keep the phantoms: {0}")]
    File(#[from] std::io::Error),
}

/// A network that can be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchNetwork {
    /// The bundle's own.
    Bundle,
    /// ResNet-18 (He et al. 2016, doi:10.1109/CVPR.2016.90).
    ResNet18,
    /// ResNet-50, of the same paper.
    ResNet50,
}

/// A network that is not timed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no network of the bench: it times bundle, resnet18 and resnet50")]
pub struct UnknownBenchNetwork {
    given: String,
}

impl FromStr for BenchNetwork {
    type Err = UnknownBenchNetwork;

    fn from_str(text: &str) -> Result<Self, UnknownBenchNetwork> {
        match text {
            "bundle" => Ok(Self::Bundle),
            "resnet18" => Ok(Self::ResNet18),
            "resnet50" => Ok(Self::ResNet50),
            _ => Err(UnknownBenchNetwork { given: text.to_owned() }),
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchSettings {
    /// Voxels of the volume that steps are run on, `[z, y, x]`.
    pub volume_zyx: [usize; 3],
    /// The networks.
    pub networks: Vec<BenchNetwork>,
    /// Images in a batch of the networks, each measured.
    pub batches: Vec<usize>,
    /// Side of the networks' images.
    pub side: usize,
    /// Where the networks are kept as bundles, each with a few `images.npy` and its `logits.npy`, for a comparison
    /// with other tools.
    pub keep: Option<PathBuf>,
    /// Phantom studies that go through the whole pipeline.
    pub studies: usize,
    /// Counted runs of a figure that takes neither long nor little.
    pub runs: usize,
}

impl Default for BenchSettings {
    /// A CT of 128 slices of 512 x 512, all networks, batches of 1, 8 and 32, 8 studies, 5 runs.
    fn default() -> Self {
        Self {
            volume_zyx: [128, 512, 512],
            networks: vec![BenchNetwork::Bundle, BenchNetwork::ResNet18, BenchNetwork::ResNet50],
            batches: vec![1, 8, 32],
            side: 224,
            keep: None,
            studies: 8,
            runs: 5,
        }
    }
}

impl BenchSettings {
    /// Everything once and small: says whether it works, not how fast.
    pub fn quick() -> Self {
        Self { volume_zyx: [8, 64, 64], batches: vec![2], side: 64, studies: 2, runs: 1, ..Self::default() }
    }
}

/// What a bench tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum BenchEvent<'a> {
    /// What is measured next.
    Next(&'a str),
    /// All figures so far: a bench that is ended has these.
    SoFar(&'a BenchReport),
}

/// Measures `bundle` and the steps on `compute`; `watch` hears of everything. A network that the device fails at
/// is told in its row.
///
/// # Errors
/// [`BenchError`] where the device fails at anything else, or what is kept cannot be written.
pub fn bench(
    bundle: &Bundle,
    compute: &Compute,
    settings: &BenchSettings,
    watch: &dyn Fn(BenchEvent),
) -> Result<BenchReport, BenchError> {
    let processor = compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    watch(BenchEvent::Next("copying"));
    let copy_gb_per_s = steps::copy_bandwidth(&processor, settings)?;
    let mut report = BenchReport {
        machine: Machine::of(compute),
        is_complete: false,
        copy_gb_per_s,
        steps: steps::measure(&processor, settings, copy_gb_per_s, watch)?,
        handover: None,
        pipeline: None,
        networks: Vec::new(),
        peak_memory_mib: None,
    };
    watch(BenchEvent::SoFar(&report));
    watch(BenchEvent::Next("from preprocessing to the network"));
    report.handover = handover::measure(bundle, compute, settings)?;
    watch(BenchEvent::Next("whole pipeline"));
    report.pipeline = Some(pipeline::measure(bundle, compute, settings)?);
    watch(BenchEvent::SoFar(&report));
    let networks = networks::Bench { device: compute.device(), settings };
    networks::measure(bundle, &networks, &mut report, watch)?;
    report.peak_memory_mib = pulmo_system::peak_bytes().map(|bytes| bytes >> 20);
    report.is_complete = true;
    Ok(report)
}
