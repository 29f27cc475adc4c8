//! The networks: configuration, weights and the forward pass.
//!
//! There is one [`Network`]: a 2D residual encoder and a linear head. For single images (`slice`)
//! each image's features go straight to the head; for whole studies (`mil`, multiple-instance
//! learning) the features of a study's slices are first pooled by gated attention, which also
//! tells how much each slice counted.

mod attention;
mod bags;
mod config;
mod convolution;
mod encoder;
#[expect(clippy::module_inception, reason = "the network is this room's main type")]
mod network;
mod normalization;
mod read;

pub use attention::GatedAttention;
pub use bags::Bags;
pub use config::{EncoderConfig, NetworkConfig, NetworkError, NetworkKind, Pooling};
pub use convolution::Convolution;
pub use encoder::{Encoder, ResidualBlock};
pub use network::{Network, Output};
pub use read::read_tensor;
