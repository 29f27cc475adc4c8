//! Work on a device, which fails or goes wrong where a test wants it to.

use super::{Fault, Gpu, GpuError, Injection, Manner};

impl Gpu {
    /// For tests: makes work fail on purpose from now on. Work is one execution of a recording, one
    /// forward pass of a network, or one batch of a training with its way back. The variable `PULMO_INJECT`
    /// does the same for a whole run of the program.
    pub fn inject(&self, injection: Injection) {
        self.injector.set(injection);
    }

    /// Counts one piece of work, which fails or goes wrong where a test wants it to.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] where that was injected; [`GpuError::Lost`] once the device is lost.
    pub fn begin_work(&self) -> Result<Manner, GpuError> {
        match self.injector.next() {
            Some(Fault::OutOfMemory) => {
                Err(GpuError::OutOfMemory { message: "injected for a test".to_owned() })
            }
            Some(Fault::Lost) => {
                self.device().destroy();
                Ok(Manner::Right)
            }
            Some(Fault::Wrong) => Ok(Manner::Wrong),
            None => Ok(Manner::Right),
        }
    }
}
