//! GPUs: finding them, opening one, and running our WGSL kernels on it.
//!
//! Work is recorded as plain data ([`Recording`]): a straight line of passes, each reading what the
//! one before wrote. `executor.rs` alone turns it into commands.

mod adapters;
mod buffer;
mod choice;
mod chunks;
mod context;
mod describe;
mod error;
mod executor;
mod fault;
mod fusion;
mod ladder;
mod layout;
mod measure;
mod pass;
mod ramp;
mod recording;
mod shaders;
mod stored;
mod work;

pub use adapters::{AdapterFeatures, AdapterLimits, AdapterReport, list};
pub use buffer::GpuBuffer;
pub use choice::{Choice, Chosen, Found, choose, gpus};
pub use context::Gpu;
pub use error::GpuError;
pub use fault::{Fault, Injection, Manner, caught};
pub use ladder::{DeviceError, Ladder, Rescued, rescued};
pub use layout::{
    AffineParams, Chunk, GatherParams, HounsfieldParams, IntensityParams, KernelParams, Layout, MedianParams,
    SHARED_VALUES, SeparableParams, ToneParams, WORKGROUP_XYZ, WarpParams, vec3_xyz,
};
pub use pass::{ConstantTable, Pass, Reads, Work};
pub use ramp::Ramp;
pub use recording::Recording;
pub use shaders::Kernel;
pub use stored::Int16Pixels;
