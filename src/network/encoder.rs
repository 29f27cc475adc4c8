//! The residual encoder: an image in, maps out.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::convolution::Convolution;
use super::normalization::{Then, batch_norm, normalize};
use super::pooling::halve_by_maximum;
use super::ResidualConfig;
use crate::random::Random;

/// Two 3 x 3 convolutions and a way around them (He et al. 2016, doi:10.1109/CVPR.2016.90).
#[derive(Module, Debug)]
pub struct ResidualBlock {
    conv1: Convolution,
    norm1: BatchNorm,
    conv2: Convolution,
    norm2: BatchNorm,
    shortcut: Option<Convolution>,
    shortcut_norm: Option<BatchNorm>,
}

impl ResidualBlock {
    fn new(channels: [usize; 2], stride: usize, random: &mut Random) -> Self {
        let [_, width] = channels;
        let changes = stride != 1 || channels[0] != width;
        Self {
            conv1: Convolution::new(channels, 3, stride, random),
            norm1: batch_norm(width),
            conv2: Convolution::new([width, width], 3, 1, random),
            norm2: batch_norm(width),
            shortcut: changes.then(|| Convolution::new(channels, 1, stride, random)),
            shortcut_norm: changes.then(|| batch_norm(width)),
        }
    }

    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, width, height / stride, width / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let around = match (&self.shortcut, &self.shortcut_norm) {
            (Some(conv), Some(norm)) => normalize(norm, conv.forward(input.clone()), Then::Nothing),
            _ => input.clone(),
        };
        let inner = normalize(&self.norm1, self.conv1.forward(input), Then::Relu);
        relu(normalize(&self.norm2, self.conv2.forward(inner), Then::Nothing) + around)
    }
}

/// A stem and stages of residual blocks.
#[derive(Module, Debug)]
pub struct Encoder {
    stem: Convolution,
    stem_norm: BatchNorm,
    blocks: Vec<ResidualBlock>,
    #[module(skip)]
    stem_pool: bool,
}

impl Encoder {
    /// An untrained encoder for images of `channels` channels, on the CPU.
    pub fn new(config: &ResidualConfig, channels: usize, random: &mut Random) -> Self {
        let first = config.widths.first().copied().unwrap_or(1);
        let stem = Convolution::new([channels, first], config.stem_kernel, config.stem_stride, random);
        let mut blocks = Vec::new();
        let mut previous = first;
        for (stage, (&width, &depth)) in config.widths.iter().zip(&config.depths).enumerate() {
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(ResidualBlock::new([previous, width], stride, random));
                previous = width;
            }
        }
        let stem_norm = batch_norm(first);
        Self { stem, stem_norm, blocks, stem_pool: config.stem_pool }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height', width']`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let stem = normalize(&self.stem_norm, self.stem.forward(images), Then::Relu);
        let stem = if self.stem_pool { halve_by_maximum(stem) } else { stem };
        self.blocks.iter().fold(stem, |maps, block| block.forward(maps))
    }
}
