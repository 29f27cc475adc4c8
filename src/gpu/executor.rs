//! Recordings turned into the device's commands.

use std::sync::PoisonError;

use super::{Gpu, GpuBuffer, GpuError, Kernel, Pass, Recording};

impl Gpu {
    /// Runs a recording on `input` and returns what its last pass wrote; `input` itself where there
    /// are no passes. Two arrays take turns, so that a long chain needs no more memory than a short one.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] where an array or a dispatch is beyond the device's limits,
    /// [`GpuError::Failed`] or [`GpuError::Lost`] where the device fails.
    pub fn execute(&self, recording: &Recording, input: GpuBuffer) -> Result<GpuBuffer, GpuError> {
        self.begin_work()?;
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
                self.encode(&mut encoder, pass, [&current, &GpuBuffer::new(output.clone(), pass.out_len())])?;
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
        [input, output]: [&GpuBuffer; 2],
    ) -> Result<(), GpuError> {
        let pipeline = self.pipeline(pass.kernel);
        let params = self.constant(&pass.params, wgpu::BufferUsages::UNIFORM)?;
        let tables = pass
            .tables
            .iter()
            .map(|table| self.constant(table.bytes(), wgpu::BufferUsages::STORAGE))
            .collect::<Result<Vec<_>, _>>()?;
        let mut bound = vec![params.as_entire_binding(), values(input)];
        bound.extend(tables.iter().map(wgpu::Buffer::as_entire_binding));
        bound.push(values(output));
        let entries: Vec<_> =
            (0..).zip(bound).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let group = self.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(pass.kernel.name()),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some(pass.kernel.name()),
            timestamp_writes: None,
        });
        compute.set_pipeline(&pipeline);
        compute.set_bind_group(0, &group, &[]);
        let [x, y, z] = self.checked_workgroups(pass)?;
        compute.dispatch_workgroups(x, y, z);
        Ok(())
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

    fn checked_workgroups(&self, pass: &Pass) -> Result<[u32; 3], GpuError> {
        let groups = pass.workgroups_xyz();
        let limit = self.device().limits().max_compute_workgroups_per_dimension;
        if groups.iter().any(|count| *count > limit) {
            let [bytes, limit] = [pass.out_len() as u64 * 4, u64::from(limit) * 4];
            return Err(GpuError::TooLarge { bytes, limit, adapter: self.report().name.clone() });
        }
        Ok(groups)
    }

    /// The kernel's pipeline, compiled once for each device.
    fn pipeline(&self, kernel: Kernel) -> wgpu::ComputePipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let module = self.device().create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(kernel.name()),
                source: wgpu::ShaderSource::Wgsl(kernel.source().into()),
            });
            self.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.name()),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: Default::default(),
                cache: None,
            })
        };
        pipelines.entry(kernel).or_insert_with(compile).clone()
    }
}

/// The values of an array as a binding: not what a reused buffer holds beyond them.
fn values(buffer: &GpuBuffer) -> wgpu::BindingResource<'_> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: buffer.raw(),
        offset: 0,
        size: wgpu::BufferSize::new(buffer.len() as u64 * 4),
    })
}
