//! Recordings turned into the device's commands.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::PoisonError;

use super::chunks::{Dispatch, Limits, dispatches};
use super::{Gpu, GpuBuffer, GpuError, Manner, Pass, Ramp, Recording, Work};

impl Gpu {
    /// Runs a recording on `input` and returns what its last pass wrote; `input` itself where there
    /// are no passes. Two arrays take turns, so that a long chain needs no more memory than a short one.
    /// Where arrays are larger than the device can bind, passes run in chunks of planes.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] where an array or a single plane is beyond the device's limits,
    /// [`GpuError::OutOfMemory`], [`GpuError::Failed`] or [`GpuError::Lost`] where the device fails.
    pub fn execute(&self, recording: &Recording, input: GpuBuffer) -> Result<GpuBuffer, GpuError> {
        let manner = self.begin_work()?;
        self.guarded(|| {
            let mut encoder = self.device().create_command_encoder(&Default::default());
            let mut current = input;
            let mut spare: Option<wgpu::Buffer> = None;
            for pass in recording.passes() {
                let bytes = self.checked_bytes(pass.out_len())?;
                let output = match spare.take().filter(|buffer| buffer.size() >= bytes) {
                    Some(buffer) => buffer,
                    None => self.allocate(pass.out_len())?,
                };
                self.encode(&mut encoder, &done(pass, manner), [current.raw(), &output])?;
                spare = Some(current.into_raw());
                current = GpuBuffer::new(output, pass.out_len());
            }
            self.queue().submit([encoder.finish()]);
            Ok(current)
        })
    }

    fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        pass: &Pass,
        arrays: [&wgpu::Buffer; 2],
    ) -> Result<(), GpuError> {
        let bound = self.bound(pass, arrays)?;
        let label = Some(pass.work.kernel().name());
        let mut compute =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label, timestamp_writes: None });
        bound.dispatch(&mut compute);
        Ok(())
    }

    /// A pass with its parameters and tables on the device, from the first array to the second.
    pub(super) fn bound(&self, pass: &Pass, [input, output]: [&wgpu::Buffer; 2]) -> Result<Bound, GpuError> {
        let pipeline = self.pipeline(&pass.work);
        let layout = pipeline.get_bind_group_layout(0);
        let tables = pass
            .tables
            .iter()
            .map(|table| self.constant(table.bytes(), wgpu::BufferUsages::STORAGE))
            .collect::<Result<Vec<_>, _>>()?;
        let label = Some(pass.work.kernel().name());
        let bind = |dispatch: Dispatch| {
            let bytes = [bytemuck::bytes_of(&dispatch.chunk), bytemuck::bytes_of(&pass.ramp)].concat();
            let params = [bytes.as_slice(), pass.work.bytes()].concat();
            let params = self.constant(&params, wgpu::BufferUsages::UNIFORM)?;
            let mut bound = vec![params.as_entire_binding(), part(input, &dispatch.input)];
            bound.extend(tables.iter().map(wgpu::Buffer::as_entire_binding));
            bound.push(part(output, &dispatch.output));
            let entries: Vec<_> = (0..)
                .zip(bound)
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            let descriptor = wgpu::BindGroupDescriptor { label, layout: &layout, entries: &entries };
            Ok((self.device().create_bind_group(&descriptor), pass.workgroups_xyz(dispatch.planes)))
        };
        let dispatches = self.checked_dispatches(pass)?.into_iter().map(bind).collect::<Result<_, _>>()?;
        Ok(Bound { pipeline, dispatches })
    }

    /// A buffer that holds `bytes` and never changes.
    fn constant(&self, bytes: &[u8], usage: wgpu::BufferUsages) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("pulmo constant"),
            size: self.checked_bytes(bytes.len().div_ceil(4))?,
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue().write_buffer(&buffer, 0, bytes);
        Ok(buffer)
    }

    fn checked_dispatches(&self, pass: &Pass) -> Result<Vec<Dispatch>, GpuError> {
        let limits = self.device().limits();
        let workgroups = limits.max_compute_workgroups_per_dimension;
        let [x, y, _] = pass.workgroups_xyz(1);
        let limits = Limits {
            binding_bytes: limits.max_storage_buffer_binding_size,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment),
            workgroups,
        };
        dispatches(pass, limits).filter(|_| x.max(y) <= workgroups).ok_or_else(|| GpuError::TooLarge {
            bytes: pass.out_len() as u64 * 4,
            limit: limits.binding_bytes,
            adapter: self.report().name.clone(),
        })
    }

    /// The pipeline of a kernel with its constants, compiled once for each device.
    fn pipeline(&self, work: &Work) -> wgpu::ComputePipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let (kernel, constants) = (work.kernel(), work.constants());
        let values: Vec<(&str, f64)> =
            constants.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
        let compile = || {
            let module = self.device().create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(kernel.name()),
                source: wgpu::ShaderSource::Wgsl(kernel.source().into()),
            });
            // Kernels write what they read of a workgroup's memory.
            let compilation_options = wgpu::PipelineCompilationOptions {
                constants: &values,
                zero_initialize_workgroup_memory: false,
            };
            self.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.name()),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options,
                cache: None,
            })
        };
        pipelines.entry((kernel, constants)).or_insert_with(compile).clone()
    }
}

/// A pass ready to be dispatched, as often as one likes.
pub(super) struct Bound {
    pipeline: wgpu::ComputePipeline,
    /// Bindings and workgroups along x, y and z.
    dispatches: Vec<(wgpu::BindGroup, [u32; 3])>,
}

impl Bound {
    pub(super) fn dispatch(&self, compute: &mut wgpu::ComputePass<'_>) {
        compute.set_pipeline(&self.pipeline);
        for (group, [x, y, z]) in &self.dispatches {
            compute.set_bind_group(0, group, &[]);
            compute.dispatch_workgroups(*x, *y, *z);
        }
    }
}

/// The pass as it is to be done.
fn done(pass: &Pass, manner: Manner) -> Cow<'_, Pass> {
    match manner {
        Manner::Right => Cow::Borrowed(pass),
        Manner::Wrong => {
            let ramp = pass.ramp.then(&Ramp { multiply: 1.01, ..Ramp::IDENTITY });
            Cow::Owned(Pass { ramp, ..pass.clone() })
        }
    }
}

/// A part of an array as a binding.
fn part<'a>(buffer: &'a wgpu::Buffer, bytes: &Range<u64>) -> wgpu::BindingResource<'a> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer,
        offset: bytes.start,
        size: wgpu::BufferSize::new(bytes.end - bytes.start),
    })
}
