//! GPUs: finding them, opening one, and running our WGSL kernels on it.
//!
//! Work is recorded as plain data ([`Recording`]): a straight line of passes, each reading what the
//! one before wrote. `executor.rs` alone turns it into commands.

mod adapters;
mod bridge;
mod buffer;
mod choice;
mod context;
mod error;
mod executor;
mod fault;
mod layout;
mod recording;
mod shaders;

pub use adapters::{AdapterFeatures, AdapterLimits, AdapterReport, list};
pub use bridge::Compute;
pub use buffer::GpuBuffer;
pub use choice::{Choice, Chosen, Found, choose};
pub use context::Gpu;
pub use error::GpuError;
pub use fault::{Fault, Injection, caught};
pub use layout::{
    GatherParams, IntensityParams, KernelParams, MedianParams, RotateParams, SeparableParams, WORKGROUP_XYZ,
    vec3_xyz,
};
pub use recording::{Pass, Recording, Table};
pub use shaders::Kernel;
