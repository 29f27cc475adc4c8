//! The encoders that a network can have.

use burn::module::Module;
use burn::tensor::Tensor;

use super::architecture::Family;
use super::convolution::{Maps, Space};
use super::{DenseNet, Encoder, EncoderConfig, ResNet};
use crate::random::Random;

/// The part of a network that turns images or volumes into maps.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a network holds one, and it is never moved about")]
pub enum Backbone {
    /// Our own residual encoder.
    Residual(Encoder),
    /// A ResNet of torchvision.
    ResNet(ResNet),
    /// A DenseNet of torchvision.
    DenseNet(DenseNet),
}

impl Backbone {
    /// An untrained encoder for images or volumes of `channels` channels, on the CPU. torchvision's are
    /// for images alone.
    pub fn new(config: &EncoderConfig, space: Space, channels: usize, random: &mut Random) -> Self {
        let architecture = match config {
            EncoderConfig::Residual(config) => {
                return Self::Residual(Encoder::new(config, space, channels, random));
            }
            EncoderConfig::Torchvision(config) => config.architecture,
        };
        let depths = architecture.depths();
        match architecture.family() {
            Family::ResNet(block) => Self::ResNet(ResNet::new(block, depths, channels, random)),
            Family::DenseNet => Self::DenseNet(DenseNet::new(depths, channels, random)),
        }
    }

    /// Returns the last maps; for `kept` see [`Encoder::forward`].
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height', width']`.
    pub fn forward(&self, maps: Maps, kept: Option<Tensor<2>>) -> Maps {
        match self {
            Self::Residual(encoder) => encoder.forward(maps, kept),
            Self::ResNet(encoder) => Maps::images(encoder.forward(maps.slices)),
            Self::DenseNet(encoder) => Maps::images(encoder.forward(maps.slices)),
        }
    }

    /// Input voxels from one cell of the last maps to the next, and the voxel in the middle of the first
    /// cell's field of view, along rows and columns, and along slices for volumes.
    pub(super) fn cells(&self) -> (f64, f64) {
        match self {
            Self::Residual(encoder) => (encoder.stride() as f64, 0.0),
            Self::ResNet(_) => (32.0, 0.0),
            // Its three poolings of 2 x 2 lie between cells: the first 2 voxels, then 4, then 8 farther on.
            Self::DenseNet(_) => (32.0, 14.0),
        }
    }

    /// Chance that each block is left out for an image while training; empty for torchvision's.
    pub(super) fn drop_chances(&self) -> Vec<f32> {
        match self {
            Self::Residual(encoder) => encoder.drop_chances(),
            Self::ResNet(_) | Self::DenseNet(_) => Vec::new(),
        }
    }

    /// The encoder with normalizations folded into the convolutions before them: for inference only.
    #[must_use]
    pub fn folded(self) -> Self {
        match self {
            Self::Residual(encoder) => Self::Residual(encoder.folded()),
            Self::ResNet(encoder) => Self::ResNet(encoder.folded()),
            Self::DenseNet(encoder) => Self::DenseNet(encoder.folded()),
        }
    }
}
