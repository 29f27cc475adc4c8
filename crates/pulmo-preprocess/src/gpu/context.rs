//! An opened GPU.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::fault::Injector;
use super::{AdapterReport, Found, GpuError, Kernel, caught};

/// An opened GPU: the one device and queue that our passes and the network's kernels share.
#[derive(Debug)]
pub struct Gpu {
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    report: AdapterReport,
    faults: Arc<Mutex<Faults>>,
    pub(super) injector: Injector,
    pub(super) pipelines: Mutex<HashMap<(Kernel, Constants), wgpu::ComputePipeline>>,
}

/// What is fixed when a kernel's pipeline is made.
type Constants = Vec<(&'static str, u32)>;

/// What the driver reported outside our own error scopes.
#[derive(Debug, Default)]
struct Faults {
    lost: Option<String>,
    uncaptured: Option<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// Opens an adapter with all its limits and all its features that are not experimental.
    ///
    /// # Errors
    /// [`GpuError::Open`] where the driver gives no device, [`GpuError::Injection`] where the variable
    /// `PULMO_INJECT` cannot be read.
    pub fn open(found: Found) -> Result<Arc<Self>, GpuError> {
        let limits = found.adapter.limits();
        Self::open_within(found, limits)
    }

    /// Opens an adapter with less than all its limits, which the driver then enforces: tests see how work
    /// is cut into pieces without arrays of gigabytes.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_within(found: Found, required_limits: wgpu::Limits) -> Result<Arc<Self>, GpuError> {
        let injector = Injector::from_environment()?;
        let Found { report, instance, adapter } = found;
        let unwanted = wgpu::Features::all_experimental_mask() | wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("pulmo"),
            required_features: adapter.features().difference(unwanted),
            required_limits,
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| GpuError::Open { adapter: report.name.clone(), message: error.to_string() })?;
        let faults = Arc::new(Mutex::new(Faults::default()));
        let (on_lost, on_error) = (faults.clone(), faults.clone());
        device.set_device_lost_callback(move |reason, message| {
            locked(&on_lost).lost = Some(format!("{reason:?}: {message}"));
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            locked(&on_error).uncaptured.get_or_insert(error.to_string());
        }));
        let pipelines = Mutex::default();
        Ok(Arc::new(Self { instance, adapter, device, queue, report, faults, injector, pipelines }))
    }

    /// The instance the device belongs to.
    pub fn instance(&self) -> &wgpu::Instance {
        &self.instance
    }

    /// The adapter the device was opened on.
    pub fn adapter(&self) -> &wgpu::Adapter {
        &self.adapter
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The device's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// What is known about the adapter.
    pub fn report(&self) -> &AdapterReport {
        &self.report
    }

    /// Says whether the device still works.
    ///
    /// # Errors
    /// [`GpuError::Lost`] for good once the device is lost; another error once for one
    /// that nobody caught.
    pub fn check(&self) -> Result<(), GpuError> {
        let mut faults = locked(&self.faults);
        if let Some(message) = faults.lost.clone() {
            return Err(GpuError::Lost { message });
        }
        faults.uncaptured.take().map_or(Ok(()), |message| Err(GpuError::told(&message)))
    }

    /// Size in bytes of an array of `len` 4-byte values.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] where the device cannot hold it, or `u32` cannot index it. An array larger
    /// than a binding may be is no error: passes run on it in chunks.
    pub fn checked_bytes(&self, len: usize) -> Result<u64, GpuError> {
        let limits = self.device.limits();
        let limit = limits.max_buffer_size.min(u64::from(u32::MAX) * 4);
        let bytes = (len as u64).saturating_mul(4);
        if bytes > limit {
            return Err(GpuError::TooLarge { bytes, limit, adapter: self.report.name.clone() });
        }
        Ok(bytes)
    }

    /// Runs `work` and returns what it gives, or the error the driver reported meanwhile on this thread.
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
        self.check()?;
        let scopes =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation]
                .map(|filter| self.device.push_error_scope(filter));
        let result = work();
        // Scopes are popped in the reverse of the order in which they were pushed.
        let error = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).last();
        self.check()?;
        let failure = match (error, result) {
            (None, Ok(result)) => return Ok(result),
            (Some(wgpu::Error::OutOfMemory { source }), _) => {
                GpuError::OutOfMemory { message: source.to_string() }
            }
            (Some(error), _) => GpuError::told(&error.to_string()),
            (None, Err(failure)) => failure,
        };
        match failure {
            GpuError::Failed { message } if self.is_lost() => Err(GpuError::Lost { message }),
            failure => Err(failure),
        }
    }

    /// The error by its cause: what fails on a lost device fails because it is lost, whatever it says.
    pub fn by_cause(&self, error: GpuError) -> GpuError {
        match error {
            GpuError::Failed { message } if caught(|| self.is_lost()).unwrap_or(true) => {
                GpuError::Lost { message }
            }
            error => error,
        }
    }

    /// Whether the device is lost, seen by what it can still do: once burn works on the device it is burn
    /// that the driver tells of the loss, and no other error scope does.
    fn is_lost(&self) -> bool {
        let probe = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("pulmo probe"),
            size: 4,
            usage: wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: true,
        });
        probe.get_mapped_range(..).is_err()
    }
}
