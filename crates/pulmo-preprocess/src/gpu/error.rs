//! What can go wrong with a GPU.

/// Why a GPU cannot be used, or failed while in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The text does not name a choice of device.
    #[error(
        "unknown device {given:?}: allowed are auto, cpu, gpu, gpu:N (N-th real GPU, from 0) and software"
    )]
    Choice {
        /// What was given.
        given: String,
    },
    /// No adapter fits the choice.
    #[error("no adapter fits the device {wanted:?}; found: {found}")]
    NoAdapter {
        /// The choice.
        wanted: String,
        /// The adapters there are, in words.
        found: String,
    },
    /// The adapter gives no device.
    #[error("cannot open the adapter {adapter:?}: {message}")]
    Open {
        /// Name of the adapter.
        adapter: String,
        /// What the driver said.
        message: String,
    },
    /// An array is larger than the device allows.
    #[error("an array of {bytes} bytes is larger than the {limit} the adapter {adapter:?} allows")]
    TooLarge {
        /// Size asked for, in bytes.
        bytes: u64,
        /// The device's limit, in bytes.
        limit: u64,
        /// Name of the adapter.
        adapter: String,
    },
    /// The device has too little memory for what was asked of it now; less may well fit.
    #[error("the device is out of memory: {message}")]
    OutOfMemory {
        /// What the driver said.
        message: String,
    },
    /// The text does not name a failure to make on purpose.
    #[error(
        "unknown injection {given:?}: PULMO_INJECT is for tests and takes oom:N, lost:N or wrong:N, or N.. for all after too"
    )]
    Injection {
        /// What was given.
        given: String,
    },
    /// The device reported an error: a refused command or an internal fault.
    #[error("the device failed: {message}")]
    Failed {
        /// What the driver said.
        message: String,
    },
    /// The device was lost: unplugged, reset or taken away by the driver.
    #[error("the device was lost: {message}")]
    Lost {
        /// What the driver said.
        message: String,
    },
}
