//! How fast this machine does what pulmo is for: `pulmo bench`.
//!
//! Every figure is the median of several runs after one that is not counted. Bandwidth counts bytes
//! read and written. The networks are the bundle's and a ResNet-18 of three channels, both on
//! images of 224 x 224 and with random weights: speed does not depend on them.

mod clock;
mod handover;
mod networks;
mod pipeline;
mod report;
mod steps;

pub use report::{BenchReport, HandoverRow, Machine, NetworkRow, PipelineRow, StepRow};

use crate::bundle::Bundle;
use crate::network::Compute;
use crate::preprocess::{PreprocessError, Processor};
use crate::train::{TrainError, peak_memory_kib};

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

/// How much is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchSettings {
    /// Voxels of the volume that steps are run on, `[z, y, x]`.
    pub volume_zyx: [usize; 3],
    /// Images in a batch of the networks, each measured.
    pub batches: Vec<usize>,
    /// Side of the networks' images.
    pub side: usize,
    /// Phantom studies that go through the whole pipeline.
    pub studies: usize,
    /// Least counted runs of each figure.
    pub runs: usize,
}

impl Default for BenchSettings {
    /// A CT of 128 slices of 512 x 512, batches of 1, 8 and 32, 8 studies, 5 runs.
    fn default() -> Self {
        Self { volume_zyx: [128, 512, 512], batches: vec![1, 8, 32], side: 224, studies: 8, runs: 5 }
    }
}

impl BenchSettings {
    /// Everything once and small: says whether it works, not how fast.
    pub fn quick() -> Self {
        Self { volume_zyx: [8, 64, 64], batches: vec![2], side: 64, studies: 2, runs: 1 }
    }
}

/// Measures `bundle` and the steps on `compute`; `tell` names what is measured next.
///
/// # Errors
/// [`BenchError`] where the device fails.
pub fn bench(
    bundle: &Bundle,
    compute: &Compute,
    settings: &BenchSettings,
    tell: &dyn Fn(&str),
) -> Result<BenchReport, BenchError> {
    let processor = compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    tell("copying");
    let copy = steps::copy_bandwidth(&processor, settings)?;
    let steps = steps::measure(&processor, settings, copy, tell)?;
    let networks = networks::measure(bundle, compute, settings, tell)?;
    tell("from preprocessing to the network");
    let handover = handover::measure(bundle, compute, settings)?;
    tell("whole pipeline");
    let pipeline = pipeline::measure(bundle, compute, settings)?;
    Ok(BenchReport {
        machine: Machine::of(compute),
        copy_gb_per_s: copy,
        steps,
        networks,
        handover,
        pipeline,
        peak_memory_mib: peak_memory_kib().map(|kib| kib / 1024),
    })
}
