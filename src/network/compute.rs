//! From a choice of device to the burn device that networks run on.
//!
//! burn is registered on the very device and queue that our passes use, so that a tensor and a
//! pass's output can share memory. Only this file knows burn's and cubecl's internals.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{Device, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use burn_wgpu::Wgpu;
use cubecl::config::autotune::AutotuneLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use cubecl::wgpu::{AutoCompiler, WgpuServer};

use crate::gpu::{Choice, Chosen, Gpu, GpuBuffer, GpuError, caught, choose};

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

    /// Counts one piece of work where there is a GPU.
    ///
    /// # Errors
    /// As [`Gpu::begin_work`].
    pub fn begin_work(&self) -> Result<(), GpuError> {
        self.gpu().map_or(Ok(()), |gpu| gpu.begin_work().map(drop))
    }

    /// The error by its cause, as [`Gpu::by_cause`].
    pub fn by_cause(&self, error: GpuError) -> GpuError {
        match self.gpu() {
            Some(gpu) => gpu.by_cause(error),
            None => error,
        }
    }

    /// Returns a tensor of the values of `parts` one after another. They are copied on the device, once,
    /// and never pass through the host.
    ///
    /// # Shapes
    /// The product of `shape` is the number of values in all `parts`.
    ///
    /// # Errors
    /// [`GpuError::Failed`] where the shape does not fit or nothing can be on a device because this is the
    /// CPU; [`GpuError::OutOfMemory`] or [`GpuError::Lost`] where the device fails.
    pub fn tensor_of<const D: usize>(
        &self,
        parts: &[&GpuBuffer],
        shape: [usize; D],
    ) -> Result<Tensor<D>, GpuError> {
        let failed = |message: String| GpuError::Failed { message };
        let gpu =
            self.gpu.as_ref().ok_or_else(|| failed("the CPU holds no arrays of a device".to_owned()))?;
        let values: usize = parts.iter().map(|part| part.len()).sum();
        if values != shape.iter().product::<usize>() || values == 0 {
            return Err(failed(format!("{values} values do not make a tensor of shape {shape:?}")));
        }
        let tensor = caught(|| Tensor::<D>::empty(shape, &self.device))?;
        let cube = caught(|| resolved(tensor.clone()))??;
        // What burn has recorded may still write to memory it has given to this tensor since: it goes to
        // the queue before our copy does. No waiting is needed, the queue keeps the order.
        caught(|| cube.client.flush())?.map_err(|error| GpuError::told(&error.to_string()))?;
        let memory = caught(|| cube.client.get_resource::<WgpuServer<AutoCompiler>>(cube.handle.clone()))?
            .map_err(|error| GpuError::told(&error.to_string()))?;
        let place = memory.resource();
        gpu.copy_into(parts, &place.buffer, place.offset)?;
        Ok(tensor)
    }
}

/// burn's own memory of a tensor, after all that was recorded for it.
fn resolved<const D: usize>(tensor: Tensor<D>) -> Result<CubeTensor, GpuError> {
    let lazy = tensor
        .try_into_primitive::<Wgpu>()
        .map_err(|error| GpuError::Failed { message: format!("not a tensor of this device: {error:?}") })?;
    Ok(lazy.client.clone().resolve_tensor_float::<CubeBackend>(lazy))
}
