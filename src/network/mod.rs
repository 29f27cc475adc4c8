//! The networks: configuration, weights and the forward pass.
//!
//! There is one [`Network`]: an encoder and a linear head. For single images (`slice`) each image's
//! features go straight to the head; for whole studies (`mil`, multiple-instance learning) the
//! features of a study's slices are first pooled by gated attention, which also tells how much
//! each slice counted; or (`volume`) the encoder's convolutions run over all three directions.
//! The encoder is a residual one of any size, or a ResNet or DenseNet of torchvision.

mod architecture;
mod attention;
mod backbone;
mod bags;
mod compute;
mod config;
mod convolution;
mod densenet;
mod encoder;
mod encoder_config;
mod error;
mod evidence;
mod excitation;
#[expect(clippy::module_inception, reason = "the network is this room's main type")]
mod network;
mod normalization;
mod onnx;
mod pooling;
mod read;
mod resnet;

pub use architecture::Architecture;
pub use attention::GatedAttention;
pub use backbone::Backbone;
pub use bags::Bags;
pub use compute::Compute;
pub use config::{NetworkConfig, NetworkKind};
pub use convolution::{Convolution, Maps, Space};
pub use densenet::{DenseLayer, DenseNet, Transition};
pub use encoder::{Encoder, ResidualBlock};
pub use encoder_config::{EncoderConfig, ResidualConfig, TorchvisionConfig};
pub use error::NetworkError;
pub use evidence::{Evidence, Placement};
pub use excitation::SqueezeExcitation;
pub use network::{Kept, Network, Output};
pub use onnx::DrawnOutput;
pub use pooling::Pooling;
pub use read::{read_scalar, read_tensor, softmax};
pub use resnet::{ResNet, ResNetBlock};
