//! The residual encoder: an image in, one vector out.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::convolution::Convolution;
use super::normalization::{Then, batch_norm, normalize};
use super::{EncoderConfig, Pooling};
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

/// A stem and stages of residual blocks, pooled to one vector an image.
#[derive(Module, Debug)]
pub struct Encoder {
    stem: Convolution,
    stem_norm: BatchNorm,
    blocks: Vec<ResidualBlock>,
    #[module(skip)]
    stem_pool: bool,
    #[module(skip)]
    pooling: Pooling,
}

impl Encoder {
    /// An untrained encoder for images of `channels` channels, on the CPU.
    pub fn new(config: &EncoderConfig, channels: usize, random: &mut Random) -> Self {
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
        Self { stem, stem_norm, blocks, stem_pool: config.stem_pool, pooling: config.pooling }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stem = normalize(&self.stem_norm, self.stem.forward(images), Then::Relu);
        let stem = if self.stem_pool {
            max_pool2d(stem, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]))
        } else {
            stem
        };
        let maps = self.blocks.iter().fold(stem, |maps, block| block.forward(maps));
        let [batch, channels, height, width] = maps.dims();
        let maps = maps.reshape([batch, channels, height * width]);
        let mean = |maps: Tensor<3>| maps.mean_dim(2).reshape([batch, channels]);
        let highest = |maps: Tensor<3>| maps.max_dim(2).reshape([batch, channels]);
        match self.pooling {
            Pooling::Average => mean(maps),
            Pooling::Max => highest(maps),
            Pooling::AverageMax => Tensor::cat(vec![mean(maps.clone()), highest(maps)], 1),
        }
    }
}
