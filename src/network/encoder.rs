//! The residual encoder: images or volumes in, maps out.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::convolution::{Convolution, Maps, SlidingWindow, Space};
use super::normalization::{Then, batch_norm};
use super::pooling::halve_by_maximum;
use super::{ResidualConfig, SqueezeExcitation};
use crate::random::Random;

/// Two convolutions of 3 x 3 (or 3 x 3 x 3) and a way around them (He et al. 2016, doi:10.1109/CVPR.2016.90).
#[derive(Module, Debug)]
pub struct ResidualBlock {
    pub(super) conv1: Convolution,
    pub(super) norm1: Option<BatchNorm>,
    pub(super) conv2: Convolution,
    pub(super) norm2: Option<BatchNorm>,
    pub(super) shortcut: Option<Convolution>,
    pub(super) shortcut_norm: Option<BatchNorm>,
    pub(super) excitation: Option<SqueezeExcitation>,
}

impl ResidualBlock {
    fn new(space: Space, channels: [usize; 2], stride: usize, random: &mut Random) -> Self {
        let [_, width] = channels;
        let changes = stride != 1 || channels[0] != width;
        let mut convolution = |channels, side, stride| {
            Convolution::within(space, channels, SlidingWindow { side, stride }, random)
        };
        Self {
            conv1: convolution(channels, 3, stride),
            norm1: Some(batch_norm(width)),
            conv2: convolution([width, width], 3, 1),
            norm2: Some(batch_norm(width)),
            shortcut: changes.then(|| convolution(channels, 1, stride)),
            shortcut_norm: changes.then(|| batch_norm(width)),
            excitation: None,
        }
    }

    /// Returns the maps after the block, its inner path times `kept`, `[batch, 1]`, where it is given.
    ///
    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, width, height / stride, width / stride]`, and
    /// the depth of volumes likewise.
    pub fn forward(&self, input: Maps, kept: Option<Tensor<2>>) -> Maps {
        let around = match &self.shortcut {
            Some(shortcut) => {
                shortcut.over(input.clone(), self.shortcut_norm.as_ref(), None, Then::Nothing).slices
            }
            None => input.slices.clone(),
        };
        let inner = self.conv1.over(input, self.norm1.as_ref(), None, Then::Relu);
        if self.excitation.is_none() && kept.is_none() {
            return self.conv2.over(inner, self.norm2.as_ref(), Some(around), Then::Relu);
        }
        let inner = self.conv2.over(inner, self.norm2.as_ref(), None, Then::Nothing);
        let inner = match &self.excitation {
            Some(excitation) => excitation.forward(inner),
            None => inner,
        };
        let inner = match kept {
            Some(kept) => inner.scaled(kept),
            None => inner,
        };
        Maps { slices: relu(inner.slices + around), ..inner }
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
        Self { conv1, norm1, conv2, norm2, shortcut, shortcut_norm, ..self }
    }
}

/// A convolution with its normalization folded in.
pub(super) fn folded(conv: Convolution, norm: Option<BatchNorm>) -> (Convolution, Option<BatchNorm>) {
    match norm {
        Some(norm) => (conv.folded(norm), None),
        None => (conv, None),
    }
}

/// A stem and stages of residual blocks.
#[derive(Module, Debug)]
pub struct Encoder {
    pub(super) stem: Convolution,
    pub(super) stem_norm: Option<BatchNorm>,
    pub(super) blocks: Vec<ResidualBlock>,
    #[module(skip)]
    pub(super) stem_pool: bool,
    #[module(skip)]
    stochastic_depth: f32,
}

impl Encoder {
    /// An untrained encoder for images or volumes of `channels` channels, on the CPU.
    pub fn new(config: &ResidualConfig, space: Space, channels: usize, random: &mut Random) -> Self {
        let first = config.widths.first().copied().unwrap_or(1);
        let stem = SlidingWindow { side: config.stem_kernel, stride: config.stem_stride };
        let stem = Convolution::within(space, [channels, first], stem, random);
        let mut blocks = Vec::new();
        let mut previous = first;
        for (stage, (&width, &depth)) in config.widths.iter().zip(&config.depths).enumerate() {
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let mut block = ResidualBlock::new(space, [previous, width], stride, random);
                block.excitation = (config.squeeze_excitation > 0)
                    .then(|| SqueezeExcitation::new(width, config.squeeze_excitation, random));
                blocks.push(block);
                previous = width;
            }
        }
        let stem_norm = Some(batch_norm(first));
        let (stem_pool, stochastic_depth) = (config.stem_pool, config.stochastic_depth);
        Self { stem, stem_norm, blocks, stem_pool, stochastic_depth }
    }

    /// Chance that each block's inner path is left out for an image while training: none for a block
    /// before the first, that of the recipe for the last, evenly rising (Huang et al. 2016,
    /// doi:10.1007/978-3-319-46493-0_39).
    pub(super) fn drop_chances(&self) -> Vec<f32> {
        let count = u16::try_from(self.blocks.len()).map_or(f32::INFINITY, f32::from);
        let share = |block: usize| u16::try_from(block + 1).map_or(1.0, f32::from) / count;
        (0..self.blocks.len()).map(|block| self.stochastic_depth * share(block)).collect()
    }

    /// Input voxels from one cell of the last maps to the next.
    pub(super) fn stride(&self) -> usize {
        let pool = if self.stem_pool { 2 } else { 1 };
        self.blocks.iter().fold(self.stem.stride() * pool, |stride, block| stride * block.conv1.stride())
    }

    /// The encoder with every normalization folded into its convolution: faster, for inference only.
    pub fn folded(self) -> Self {
        let (stem, stem_norm) = folded(self.stem, self.stem_norm);
        let blocks = self.blocks.into_iter().map(ResidualBlock::folded).collect();
        Self { stem, stem_norm, blocks, ..self }
    }

    /// Returns the last maps; `kept` has a factor for each block and each image or volume.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height', width']`; `kept` is
    /// `[blocks, batch]`.
    pub fn forward(&self, maps: Maps, kept: Option<Tensor<2>>) -> Maps {
        let stem = self.stem.over(maps, self.stem_norm.as_ref(), None, Then::Relu);
        let stem = if self.stem_pool { Maps { slices: halve_by_maximum(stem.slices), ..stem } } else { stem };
        self.blocks.iter().enumerate().fold(stem, |maps, (index, block)| {
            let batch = maps.bags();
            let kept = kept.clone().map(|kept| kept.narrow(0, index, 1).reshape([batch, 1]));
            block.forward(maps, kept)
        })
    }
}
