//! What a bench asks of a device.

use std::time::Instant;

use super::{Gpu, GpuError};

impl Gpu {
    /// Waits until the device has done everything it was given.
    ///
    /// # Errors
    /// [`GpuError::Lost`] or [`GpuError::Failed`] where the device fails.
    pub fn wait(&self) -> Result<(), GpuError> {
        let polled = self.device().poll(wgpu::PollType::wait_indefinitely());
        polled.map_err(|error| GpuError::Failed { message: error.to_string() })?;
        self.check()
    }

    /// Returns the median seconds of `runs` copies of `count` 4-byte values from one array of the device to
    /// another.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] beyond the device's limits; where the device fails.
    pub fn copy_seconds(&self, count: usize, runs: usize) -> Result<f64, GpuError> {
        let [from, to] = [self.allocate(count)?, self.allocate(count)?];
        let bytes = self.checked_bytes(count)?;
        let mut seconds = Vec::new();
        // The first copy also clears the arrays and is not counted.
        for run in 0..=runs.max(1) {
            let start = Instant::now();
            let mut encoder = self.device().create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(&from, 0, &to, 0, bytes);
            self.queue().submit([encoder.finish()]);
            self.wait()?;
            if run > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        seconds.sort_unstable_by(f64::total_cmp);
        Ok(seconds[seconds.len() / 2])
    }
}
