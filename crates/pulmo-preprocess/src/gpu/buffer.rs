//! Arrays on the device.

use std::sync::mpsc;

use super::{Gpu, GpuError};

/// An array of 4-byte values on the device: `f32`, or stored pixels two to a word.
#[derive(Debug)]
pub struct GpuBuffer {
    raw: wgpu::Buffer,
    len: usize,
}

impl GpuBuffer {
    /// The first `len` values of a buffer that holds at least as many.
    pub(super) fn new(raw: wgpu::Buffer, len: usize) -> Self {
        Self { raw, len }
    }

    /// Values held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no values are held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The device's buffer: `STORAGE | COPY_SRC | COPY_DST`, at least `4 * len` bytes, the values first.
    pub fn raw(&self) -> &wgpu::Buffer {
        &self.raw
    }

    /// The device's buffer, given away.
    pub fn into_raw(self) -> wgpu::Buffer {
        self.raw
    }
}

impl Gpu {
    /// A new buffer for `len` 4-byte values.
    pub(super) fn allocate(&self, len: usize) -> Result<wgpu::Buffer, GpuError> {
        use wgpu::BufferUsages as Usage;
        Ok(self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("pulmo array"),
            size: self.checked_bytes(len)?,
            usage: Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST,
            mapped_at_creation: false,
        }))
    }

    /// Copies values to the device.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] beyond the device's limits, [`GpuError::Failed`] or
    /// [`GpuError::Lost`] where the device fails.
    pub fn upload(&self, values: &[f32]) -> Result<GpuBuffer, GpuError> {
        self.upload_words(bytemuck::cast_slice(values))
    }

    /// Copies 4-byte words to the device.
    pub(super) fn upload_words(&self, words: &[u32]) -> Result<GpuBuffer, GpuError> {
        self.guarded(|| {
            let raw = self.allocate(words.len())?;
            self.queue().write_buffer(&raw, 0, bytemuck::cast_slice(words));
            Ok(GpuBuffer::new(raw, words.len()))
        })
    }

    /// Copies values back from the device, waiting for all work before it.
    ///
    /// # Errors
    /// As [`Gpu::upload`].
    pub fn download(&self, buffer: &GpuBuffer) -> Result<Vec<f32>, GpuError> {
        self.guarded(|| {
            let bytes = self.checked_bytes(buffer.len())?;
            let staging = self.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("pulmo read-back"),
                size: bytes,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let mut encoder = self.device().create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(buffer.raw(), 0, &staging, 0, bytes);
            self.queue().submit([encoder.finish()]);
            self.mapped_values(&staging)
        })
    }

    /// Copies arrays one after another into `target` from byte `offset` on, without leaving the device.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`] or [`GpuError::Failed`], by what the driver says.
    pub fn copy_into(
        &self,
        parts: &[&GpuBuffer],
        target: &wgpu::Buffer,
        mut offset: u64,
    ) -> Result<(), GpuError> {
        self.guarded(|| {
            let mut encoder = self.device().create_command_encoder(&Default::default());
            for part in parts {
                let bytes = part.len() as u64 * 4;
                encoder.copy_buffer_to_buffer(part.raw(), 0, target, offset, bytes);
                offset += bytes;
            }
            self.queue().submit([encoder.finish()]);
            Ok(())
        })
    }

    fn mapped_values(&self, staging: &wgpu::Buffer) -> Result<Vec<f32>, GpuError> {
        let failed = |message: String| GpuError::Failed { message };
        let (sender, receiver) = mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver outlives the poll below; where it is gone nobody waits for the answer.
            let _ = sender.send(result);
        });
        self.device().poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failed(error.to_string()))?;
        let mapped = receiver.recv().map_err(|_| failed("the read-back never ended".to_owned()))?;
        mapped.map_err(|error| failed(error.to_string()))?;
        let view = staging.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }
}
