//! From a volume to what a network reads: a chain of steps, on the CPU or on a GPU.
//!
//! One step is one file with five parts in the same order: the spec (what the TOML says), `validate`,
//! `output_grid` (the geometry, shared by both paths), `apply_cpu` (the plain reference) and `record`
//! (the same as GPU passes). A [`Chain`] is stored in the bundle: what trained is what infers.
//!
//! Indices name voxel centres. Arrays in specs are `[z, y, x]`. Smoothing repeats the outermost voxels;
//! resampling drops taps beyond the edge and rescales the rest to a sum of 1, which for linear
//! interpolation is the same as repeating; rotating fills what comes from outside.

pub mod augment;
mod chain;
mod clip;
mod crop;
mod crop_or_pad;
mod error;
mod gather;
mod gaussian;
mod interpolation;
mod median;
mod normalize;
mod operation;
mod orient;
mod plan;
mod plane;
mod ramp;
mod resample;
mod resize;
mod rotate;
mod scale;
mod separable;
mod step;
mod sweep;
mod taps;
mod window;

pub use chain::{Chain, Processor, Resident};
pub use clip::Clip;
pub use crop::{Crop, Region};
pub use crop_or_pad::CropOrPad;
pub use error::{PreprocessError, Problem};
pub use gaussian::Gaussian;
pub use interpolation::Interpolation;
pub use median::{Median, Neighbourhood};
pub use normalize::{Normalize, Statistics};
pub use orient::Orient;
pub use plan::{Plan, Planned};
pub use resample::Resample;
pub use resize::{Fit, Resize};
pub use rotate::{Rotate, RotationAxis};
pub use scale::Scale;
pub use step::Step;
pub use window::Window;
