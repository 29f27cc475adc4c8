//! What was measured, as it stands in the JSON.

use serde::Serialize;

use crate::gpu::AdapterReport;
use crate::network::Compute;

/// What it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// Version of pulmo.
    pub pulmo: String,
    /// Operating system and architecture.
    pub system: String,
    /// Threads that the CPU runs at once.
    pub threads: usize,
    /// The processor's name, where the system tells it.
    pub processor: Option<String>,
    /// `cpu`, or the adapter's name.
    pub device: String,
    /// The adapter; `None` on the CPU.
    pub adapter: Option<AdapterReport>,
    /// What networks are compiled to: `cpu`, `wgsl` or `spir-v`.
    pub compiler: &'static str,
}

impl Machine {
    /// This machine with the device of `compute`.
    pub fn of(compute: &Compute) -> Self {
        let names = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = names.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            pulmo: env!("CARGO_PKG_VERSION").to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            threads: rayon::current_num_threads(),
            processor: name.map(|(_, name)| name.trim().to_owned()),
            device: compute.name().to_owned(),
            adapter: compute.gpu().map(|gpu| gpu.report().clone()),
            compiler: match compute.gpu() {
                None => "cpu",
                Some(_) if cfg!(feature = "vulkan") => "spir-v",
                Some(_) => "wgsl",
            },
        }
    }
}

/// How fast voxels were worked on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bandwidth {
    /// Milliseconds for one volume.
    pub ms: f64,
    /// Bytes of input and output in a second, in units of 10^9.
    pub gb_per_s: f64,
    /// That as a share of the copy bandwidth.
    pub share_of_copy: f64,
}

/// One preprocessing step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRow {
    /// What was done.
    pub step: String,
    /// From its input to its output; on a GPU the passes alone, without upload and read-back.
    #[serde(flatten)]
    pub bandwidth: Bandwidth,
    /// The passes that a GPU does it in; none on the CPU.
    pub passes: Vec<PassRow>,
}

/// One pass on a GPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassRow {
    /// The kernel, what it reads and what it writes.
    pub pass: String,
    /// From its own input to its own output.
    #[serde(flatten)]
    pub bandwidth: Bandwidth,
}

/// One network at one batch size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkRow {
    /// The network.
    pub network: String,
    /// Shape of an image, `[channels, height, width]`.
    pub image: [usize; 3],
    /// Images in a batch.
    pub batch: usize,
    /// Images classified in a second; `None` where the device could not, or not yet.
    pub forward_images_per_s: Option<f64>,
    /// Images in a second of training steps: forward, backward, optimizer; `None` as above.
    pub training_images_per_s: Option<f64>,
    /// What the device failed with, for want of memory say.
    pub problem: Option<String>,
}

/// The way from a volume on the host to the network's input on a GPU: upload, window, resize to 224 x 224.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HandoverRow {
    /// Milliseconds where the preprocessed volume stays on the device.
    pub on_device_ms: f64,
    /// Milliseconds where it is read back and uploaded again.
    pub through_host_ms: f64,
}

/// The whole job, from DICOM files to probabilities, on phantom studies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipelineRow {
    /// Studies.
    pub studies: usize,
    /// Slices of all of them.
    pub slices: usize,
    /// Studies in a second, reading ahead as `pulmo predict` does.
    pub studies_per_s: f64,
    /// Share of the time that reading takes where one stage follows the other.
    pub share_read: f64,
    /// Share of preprocessing.
    pub share_preprocess: f64,
    /// Share of the network.
    pub share_predict: f64,
}

/// All figures, or those measured so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// What they were measured on.
    pub machine: Machine,
    /// Whether nothing is left to measure.
    pub is_complete: bool,
    /// Bytes read and written in a second by a plain copy, in units of 10^9.
    pub copy_gb_per_s: f64,
    /// Preprocessing.
    pub steps: Vec<StepRow>,
    /// The way from preprocessing to the network; `None` on the CPU.
    pub handover: Option<HandoverRow>,
    /// The whole job.
    pub pipeline: Option<PipelineRow>,
    /// Networks.
    pub networks: Vec<NetworkRow>,
    /// The most memory that the process has held, in MiB.
    pub peak_memory_mib: Option<u64>,
}
