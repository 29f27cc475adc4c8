//! The encoders that a network can have.

use burn::module::Module;
use burn::tensor::Tensor;

use super::architecture::Family;
use super::{DenseNet, Encoder, EncoderConfig, ResNet};
use crate::random::Random;

/// The part of a network that turns images into maps.
#[derive(Module, Debug)]
pub enum Backbone {
    /// Our own residual encoder.
    Residual(Encoder),
    /// A ResNet of torchvision.
    ResNet(ResNet),
    /// A DenseNet of torchvision.
    DenseNet(DenseNet),
}

impl Backbone {
    /// An untrained encoder for images of `channels` channels, on the CPU.
    pub fn new(config: &EncoderConfig, channels: usize, random: &mut Random) -> Self {
        let named = match config {
            EncoderConfig::Residual(config) => return Self::Residual(Encoder::new(config, channels, random)),
            EncoderConfig::Torchvision(named) => named.architecture,
        };
        match named.family() {
            Family::ResNet(block) => {
                Self::ResNet(ResNet::new(block, named.depths(), channels, random))
            }
            Family::DenseNet => Self::DenseNet(DenseNet::new(named.depths(), channels, random)),
        }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height', width']`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Residual(encoder) => encoder.forward(images),
            Self::ResNet(encoder) => encoder.forward(images),
            Self::DenseNet(encoder) => encoder.forward(images),
        }
    }
}
