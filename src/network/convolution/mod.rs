//! The convolution of all our networks: square kernel, no bias (a BatchNorm follows). Over volumes it is
//! a convolution of slices that see their neighbours as further channels (`volume.rs`).
//!
//! On GPUs it is burn's. On the CPU it is ours: burn's flex computes the gradient of the weights as a
//! convolution with kernels as large as the image, and its layout changes run on one core.
//! `kernels.rs` does forward and both gradients by patches and matrix products on all cores, and
//! `extension.rs` hands it to burn's autodiff.

mod extension;
mod kernels;
mod layer;
mod volume;

pub use layer::{Convolution, Space};
pub(super) use layer::{SlidingWindow, normal_weight};
pub use volume::Maps;
