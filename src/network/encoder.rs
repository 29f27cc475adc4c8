//! The residual encoder: an image in, one vector out.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::convolution::Convolution;
use super::normalization::{Then, batch_norm};
use super::{EncoderConfig, Pooling};
use crate::random::Random;

/// Two 3 x 3 convolutions and a way around them (He et al. 2016, doi:10.1109/CVPR.2016.90).
#[derive(Module, Debug)]
pub struct ResidualBlock {
    conv1: Convolution,
    norm1: Option<BatchNorm>,
    conv2: Convolution,
    norm2: Option<BatchNorm>,
    shortcut: Option<Convolution>,
    shortcut_norm: Option<BatchNorm>,
}

impl ResidualBlock {
    fn new(channels: [usize; 2], stride: usize, random: &mut Random) -> Self {
        let [_, width] = channels;
        let changes = stride != 1 || channels[0] != width;
        Self {
            conv1: Convolution::new(channels, 3, stride, random),
            norm1: Some(batch_norm(width)),
            conv2: Convolution::new([width, width], 3, 1, random),
            norm2: Some(batch_norm(width)),
            shortcut: changes.then(|| Convolution::new(channels, 1, stride, random)),
            shortcut_norm: changes.then(|| batch_norm(width)),
        }
    }

    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, width, height / stride, width / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let around = match &self.shortcut {
            Some(shortcut) => {
                shortcut.forward(input.clone(), self.shortcut_norm.as_ref(), None, Then::Nothing)
            }
            None => input.clone(),
        };
        let inner = self.conv1.forward(input, self.norm1.as_ref(), None, Then::Relu);
        self.conv2.forward(inner, self.norm2.as_ref(), Some(around), Then::Relu)
    }

    fn folded(self) -> Self {
        let (shortcut, shortcut_norm) = match self.shortcut {
            Some(shortcut) => {
                let (shortcut, norm) = folded(shortcut, self.shortcut_norm);
                (Some(shortcut), norm)
            }
            None => (None, None),
        };
        let (conv1, norm1) = folded(self.conv1, self.norm1);
        let (conv2, norm2) = folded(self.conv2, self.norm2);
        Self { conv1, norm1, conv2, norm2, shortcut, shortcut_norm }
    }
}

/// A convolution with its normalization folded in.
fn folded(conv: Convolution, norm: Option<BatchNorm>) -> (Convolution, Option<BatchNorm>) {
    match norm {
        Some(norm) => (conv.folded(norm), None),
        None => (conv, None),
    }
}

/// A stem and stages of residual blocks, pooled to one vector an image.
#[derive(Module, Debug)]
pub struct Encoder {
    stem: Convolution,
    stem_norm: Option<BatchNorm>,
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
        let stem_norm = Some(batch_norm(first));
        Self { stem, stem_norm, blocks, stem_pool: config.stem_pool, pooling: config.pooling }
    }

    /// The encoder with every normalization folded into its convolution: faster, for inference only.
    pub fn folded(self) -> Self {
        let (stem, stem_norm) = folded(self.stem, self.stem_norm);
        let blocks = self.blocks.into_iter().map(ResidualBlock::folded).collect();
        Self { stem, stem_norm, blocks, ..self }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stem = self.stem.forward(images, self.stem_norm.as_ref(), None, Then::Relu);
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
