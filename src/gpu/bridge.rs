//! From a choice of device to the burn device that networks run on.
//!
//! burn is registered on the very device and queue that our passes use, so that a tensor and a
//! pass's output can share memory. Only this file knows burn's and cubecl's internals.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use cubecl::config::autotune::AutotuneLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

use super::{Choice, Chosen, Gpu, GpuError, choose};

/// What the numbers are computed on: the CPU, or one GPU for preprocessing and network alike.
#[derive(Debug, Clone)]
pub struct Compute {
    device: Device,
    gpu: Option<Arc<Gpu>>,
    reason: String,
}

/// burn keeps a registered device for the life of the process, so each is opened once.
static OPENED: Mutex<Vec<(Choice, Compute)>> = Mutex::new(Vec::new());

impl Compute {
    /// The CPU.
    pub fn cpu() -> Self {
        Self { device: Device::flex(), gpu: None, reason: "the CPU was asked for".to_owned() }
    }

    /// Opens what `choice` means on this machine; the same choice gives the same device again.
    ///
    /// # Errors
    /// [`GpuError`] where there is no such device or it cannot be opened.
    pub fn open(choice: Choice) -> Result<Self, GpuError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, compute)) = opened.iter().find(|(known, _)| *known == choice) {
            return Ok(compute.clone());
        }
        let compute = match choose(choice)? {
            Chosen::Cpu { reason } => Self { reason, ..Self::cpu() },
            Chosen::Adapter(found) => Self::on(Gpu::open(*found)?, choice)?,
        };
        opened.push((choice, compute.clone()));
        Ok(compute)
    }

    fn on(gpu: Arc<Gpu>, choice: Choice) -> Result<Self, GpuError> {
        let report = gpu.report();
        if report.is_software() {
            if cfg!(feature = "vulkan") {
                return Err(GpuError::Open {
                    adapter: report.name.clone(),
                    message: "software adapters compute wrongly in a build with the `vulkan` feature"
                        .to_owned(),
                });
            }
            // Trying kernels out takes minutes on a software adapter and gains nothing.
            let mut config = CubeClRuntimeConfig::default();
            config.autotune.level = AutotuneLevel::Minimal;
            CubeClRuntimeConfig::try_set(config);
        }
        let setup = WgpuSetup {
            instance: gpu.instance().clone(),
            adapter: gpu.adapter().clone(),
            device: gpu.device().clone(),
            queue: gpu.queue().clone(),
            backend: gpu.adapter().get_info().backend,
        };
        let device = Device::wgpu_options()
            .setup(setup)
            .init()
            .map_err(|error| GpuError::Open { adapter: report.name.clone(), message: error.to_string() })?;
        let reason = format!("{} fits `--device {choice}`", report.label());
        Ok(Self { device, gpu: Some(gpu), reason })
    }

    /// The burn device that networks run on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The GPU; `None` on the CPU.
    pub fn gpu(&self) -> Option<&Arc<Gpu>> {
        self.gpu.as_ref()
    }

    /// `cpu`, or the adapter's name.
    pub fn name(&self) -> &str {
        self.gpu.as_ref().map_or("cpu", |gpu| &gpu.report().name)
    }

    /// Why this device, in one sentence.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
