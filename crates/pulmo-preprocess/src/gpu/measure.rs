//! What a bench asks of a device.

use std::time::Instant;

use super::{Gpu, GpuBuffer, GpuError, Pass};

/// Seconds of device time that one timed submission should take, so that handing it over counts for little.
const SUBMISSION_SECONDS: f64 = 0.02;

/// Most repetitions within one submission.
const MOST_REPETITIONS: f64 = 200.0;

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

    /// Returns the seconds of one copy of `count` 4-byte values from one array of the device to another: the
    /// median of `runs` submissions of several copies.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] beyond the device's limits; where the device fails.
    pub fn copy_seconds(&self, count: usize, runs: usize) -> Result<f64, GpuError> {
        let [from, to] = [self.allocate(count)?, self.allocate(count)?];
        let bytes = self.checked_bytes(count)?;
        self.seconds_of_one(runs, |encoder, times| {
            (0..times).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, bytes));
        })
    }

    /// Returns the seconds that one `pass` over `input` takes on the device, as [`Gpu::copy_seconds`] those of
    /// a copy.
    ///
    /// # Errors
    /// As [`Gpu::execute`].
    pub fn pass_seconds(&self, pass: &Pass, input: &GpuBuffer, runs: usize) -> Result<f64, GpuError> {
        let bound = self.guarded(|| self.bound(pass, [input.raw(), &self.allocate(pass.out_len())?]))?;
        self.seconds_of_one(runs, |encoder, times| {
            let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            (0..times).for_each(|_| bound.dispatch(&mut compute));
        })
    }

    /// Seconds of one of the repetitions that `record` puts into a submission.
    fn seconds_of_one(
        &self,
        runs: usize,
        record: impl Fn(&mut wgpu::CommandEncoder, usize),
    ) -> Result<f64, GpuError> {
        let seconds = |times: usize| -> Result<f64, GpuError> {
            let mut encoder =
                self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            record(&mut encoder, times);
            let commands = encoder.finish();
            // What was written to the device before gets there before the clock runs.
            self.queue().submit([]);
            self.wait()?;
            let start = Instant::now();
            self.queue().submit([commands]);
            self.wait()?;
            Ok(start.elapsed().as_secs_f64() / times as f64)
        };
        // The first submission also clears the arrays.
        seconds(1)?;
        let times = (SUBMISSION_SECONDS / seconds(1)?).clamp(1.0, MOST_REPETITIONS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 200")]
        let times = times as usize;
        let mut all = (0..runs.max(1)).map(|_| seconds(times)).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable_by(f64::total_cmp);
        Ok(all[all.len() / 2])
    }
}
