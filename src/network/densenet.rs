//! DenseNet-121 and -169 with the parts of torchvision.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;

use super::convolution::Convolution;
use super::encoder::folded;
use super::normalization::{Then, batch_norm, normalize};
use super::pooling::halve_by_maximum;
use crate::random::Random;

/// Channels of the first convolution.
const STEM: usize = 64;
/// Channels that each layer adds.
const GROWTH: usize = 32;
/// Channels between the two convolutions of a layer.
const BOTTLENECK: usize = 4 * GROWTH;

/// A layer: its 32 channels are added to those it sees.
#[derive(Module, Debug)]
pub struct DenseLayer {
    pub(super) norm1: BatchNorm,
    pub(super) conv1: Convolution,
    pub(super) norm2: Option<BatchNorm>,
    pub(super) conv2: Convolution,
}

impl DenseLayer {
    fn new(channels: usize, random: &mut Random) -> Self {
        Self {
            norm1: batch_norm(channels),
            conv1: Convolution::new([channels, BOTTLENECK], 1, 1, random),
            norm2: Some(batch_norm(BOTTLENECK)),
            conv2: Convolution::new([BOTTLENECK, GROWTH], 3, 1, random),
        }
    }

    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let inner = normalize(&self.norm1, maps.clone(), Then::Relu);
        let inner = self.conv1.forward(inner, self.norm2.as_ref(), None, Then::Relu);
        let new = self.conv2.forward(inner, None, None, Then::Nothing);
        Tensor::cat(vec![maps, new], 1)
    }

    fn folded(self) -> Self {
        let (conv1, norm2) = folded(self.conv1, self.norm2);
        Self { conv1, norm2, ..self }
    }
}

/// Half the channels, half the height and width.
#[derive(Module, Debug)]
pub struct Transition {
    pub(super) norm: BatchNorm,
    pub(super) conv: Convolution,
}

impl Transition {
    fn new(channels: usize, random: &mut Random) -> Self {
        Self { norm: batch_norm(channels), conv: Convolution::new([channels, channels / 2], 1, 1, random) }
    }

    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = normalize(&self.norm, maps, Then::Relu);
        let maps = self.conv.forward(maps, None, None, Then::Nothing);
        avg_pool2d(maps, AvgPoolOptions::new([2, 2]).with_stride([2, 2]))
    }
}

/// A DenseNet without its head.
#[derive(Module, Debug)]
pub struct DenseNet {
    pub(super) conv0: Convolution,
    pub(super) norm0: Option<BatchNorm>,
    /// `denseblock1` to `denseblock4`.
    pub(super) denseblocks: Vec<Vec<DenseLayer>>,
    /// `transition1` to `transition3`.
    pub(super) transitions: Vec<Transition>,
    pub(super) norm5: BatchNorm,
}

impl DenseNet {
    /// An untrained network for images of `channels` channels, on the CPU, with `depths` layers in
    /// its four blocks.
    pub(super) fn new(depths: [usize; 4], channels: usize, random: &mut Random) -> Self {
        let conv0 = Convolution::new([channels, STEM], 7, 2, random);
        let (mut denseblocks, mut transitions, mut width) = (Vec::new(), Vec::new(), STEM);
        for (block, depth) in depths.into_iter().enumerate() {
            if block > 0 {
                transitions.push(Transition::new(width, random));
                width /= 2;
            }
            denseblocks
                .push((0..depth).map(|layer| DenseLayer::new(width + layer * GROWTH, random)).collect());
            width += depth * GROWTH;
        }
        Self { conv0, norm0: Some(batch_norm(STEM)), denseblocks, transitions, norm5: batch_norm(width) }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height / 32, width / 32]`, rounded
    /// as torchvision does: up by the stem, then down.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let stem = self.conv0.forward(images, self.norm0.as_ref(), None, Then::Relu);
        let mut maps = halve_by_maximum(stem);
        for (block, layers) in self.denseblocks.iter().enumerate() {
            maps = layers.iter().fold(maps, |maps, layer| layer.forward(maps));
            if let Some(transition) = self.transitions.get(block) {
                maps = transition.forward(maps);
            }
        }
        normalize(&self.norm5, maps, Then::Relu)
    }

    /// With the normalizations that follow a convolution folded into it; those before one stay.
    pub(super) fn folded(self) -> Self {
        let (conv0, norm0) = folded(self.conv0, self.norm0);
        let block = |layers: Vec<DenseLayer>| layers.into_iter().map(DenseLayer::folded).collect();
        let denseblocks = self.denseblocks.into_iter().map(block).collect();
        Self { conv0, norm0, denseblocks, ..self }
    }
}
