//! The networks of torchvision that we know by name.

use serde::{Deserialize, Serialize};

/// A network of torchvision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// ResNet-18 (He et al. 2016, doi:10.1109/CVPR.2016.90).
    ResNet18,
    /// ResNet-34.
    ResNet34,
    /// ResNet-50, its strides in the 3 x 3 convolutions as in torchvision ("v1.5").
    ResNet50,
    /// DenseNet-121 (Huang et al. 2017, doi:10.1109/CVPR.2017.243).
    DenseNet121,
    /// DenseNet-169.
    DenseNet169,
}

/// How a residual block of a ResNet is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Two 3 x 3 convolutions.
    Basic,
    /// A 3 x 3 convolution between two 1 x 1, the last of which widens fourfold.
    Bottleneck,
}

impl Block {
    /// Channels that a block gives for each of its inner ones.
    pub(super) fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// What an architecture is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A ResNet of one kind of block.
    ResNet(Block),
    /// A DenseNet.
    DenseNet,
}

impl Architecture {
    pub(super) fn family(self) -> Family {
        match self {
            Self::ResNet18 | Self::ResNet34 => Family::ResNet(Block::Basic),
            Self::ResNet50 => Family::ResNet(Block::Bottleneck),
            Self::DenseNet121 | Self::DenseNet169 => Family::DenseNet,
        }
    }

    /// Blocks (ResNet) or layers (DenseNet) of the four stages.
    pub(super) fn depths(self) -> [usize; 4] {
        match self {
            Self::ResNet18 => [2, 2, 2, 2],
            Self::ResNet34 | Self::ResNet50 => [3, 4, 6, 3],
            Self::DenseNet121 => [6, 12, 24, 16],
            Self::DenseNet169 => [6, 12, 32, 32],
        }
    }

    /// Channels of the last maps.
    pub fn features(self) -> usize {
        match self {
            Self::ResNet18 | Self::ResNet34 => 512,
            Self::ResNet50 => 2048,
            Self::DenseNet121 => 1024,
            Self::DenseNet169 => 1664,
        }
    }
}
