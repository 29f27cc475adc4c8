//! Batch normalization, on the CPU in two passes over the maps and with the ReLU that follows it.
//!
//! Parameters and statistics are burn's [`BatchNorm`](burn::nn::BatchNorm), which also computes it
//! on a GPU.

mod extension;
mod kernels;
mod layer;

pub(super) use kernels::{Then, at_least};
pub(super) use layer::{batch_norm, normalize};
