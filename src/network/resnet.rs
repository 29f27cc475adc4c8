//! ResNet-18, -34 and -50 with the parts and names of torchvision.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;

use super::architecture::Block;
use super::convolution::Convolution;
use super::encoder::folded;
use super::normalization::{Then, batch_norm};
use super::pooling::halve_by_maximum;
use crate::random::Random;

/// A residual block: two convolutions, or three for a bottleneck, and a way around them.
#[derive(Module, Debug)]
pub struct ResNetBlock {
    pub(super) conv1: Convolution,
    pub(super) bn1: Option<BatchNorm>,
    pub(super) conv2: Convolution,
    pub(super) bn2: Option<BatchNorm>,
    pub(super) conv3: Option<Convolution>,
    pub(super) bn3: Option<BatchNorm>,
    pub(super) downsample: Option<(Convolution, Option<BatchNorm>)>,
}

impl ResNetBlock {
    /// `channels` in and inside; a bottleneck gives four times those inside.
    fn new(block: Block, channels: [usize; 2], stride: usize, random: &mut Random) -> Self {
        let [channels_in, width] = channels;
        let channels_out = width * block.expansion();
        let widens = block == Block::Bottleneck;
        let [first, second] = if widens { [(1, 1), (3, stride)] } else { [(3, stride), (3, 1)] };
        let changes = stride != 1 || channels_in != channels_out;
        Self {
            conv1: Convolution::new([channels_in, width], first.0, first.1, random),
            bn1: Some(batch_norm(width)),
            conv2: Convolution::new([width, width], second.0, second.1, random),
            bn2: Some(batch_norm(width)),
            conv3: widens.then(|| Convolution::new([width, channels_out], 1, 1, random)),
            bn3: widens.then(|| batch_norm(channels_out)),
            downsample: changes.then(|| {
                let conv = Convolution::new([channels_in, channels_out], 1, stride, random);
                (conv, Some(batch_norm(channels_out)))
            }),
        }
    }

    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, channels_out, height / stride, width / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let around = match &self.downsample {
            Some((conv, norm)) => conv.forward(input.clone(), norm.as_ref(), None, Then::Nothing),
            None => input.clone(),
        };
        let inner = self.conv1.forward(input, self.bn1.as_ref(), None, Then::Relu);
        match &self.conv3 {
            Some(conv3) => {
                let inner = self.conv2.forward(inner, self.bn2.as_ref(), None, Then::Relu);
                conv3.forward(inner, self.bn3.as_ref(), Some(around), Then::Relu)
            }
            None => self.conv2.forward(inner, self.bn2.as_ref(), Some(around), Then::Relu),
        }
    }

    fn folded(self) -> Self {
        let (conv1, bn1) = folded(self.conv1, self.bn1);
        let (conv2, bn2) = folded(self.conv2, self.bn2);
        let (conv3, bn3) = self.conv3.map(|conv| folded(conv, self.bn3)).unzip();
        let downsample = self.downsample.map(|(conv, norm)| folded(conv, norm));
        Self { conv1, bn1, conv2, bn2, conv3, bn3: bn3.flatten(), downsample }
    }
}

/// A ResNet without its head.
#[derive(Module, Debug)]
pub struct ResNet {
    pub(super) conv1: Convolution,
    pub(super) bn1: Option<BatchNorm>,
    pub(super) layer1: Vec<ResNetBlock>,
    pub(super) layer2: Vec<ResNetBlock>,
    pub(super) layer3: Vec<ResNetBlock>,
    pub(super) layer4: Vec<ResNetBlock>,
}

impl ResNet {
    /// An untrained network for images of `channels` channels, on the CPU, with `depths` blocks in
    /// its four stages.
    pub(super) fn new(block: Block, depths: [usize; 4], channels: usize, random: &mut Random) -> Self {
        let conv1 = Convolution::new([channels, 64], 7, 2, random);
        let mut previous = 64;
        let mut stage = |stage: usize| -> Vec<ResNetBlock> {
            let width = 64 << stage;
            let mut next = |index| {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let made = ResNetBlock::new(block, [previous, width], stride, random);
                previous = width * block.expansion();
                made
            };
            (0..depths[stage]).map(&mut next).collect()
        };
        let [layer1, layer2, layer3, layer4] = [0, 1, 2, 3].map(&mut stage);
        Self { conv1, bn1: Some(batch_norm(64)), layer1, layer2, layer3, layer4 }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height / 32, width / 32]`, rounded up.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let stem = self.conv1.forward(images, self.bn1.as_ref(), None, Then::Relu);
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let blocks = stages.into_iter().flatten();
        blocks.fold(halve_by_maximum(stem), |maps, block| block.forward(maps))
    }

    pub(super) fn folded(self) -> Self {
        let (conv1, bn1) = folded(self.conv1, self.bn1);
        let stages = [self.layer1, self.layer2, self.layer3, self.layer4];
        let [layer1, layer2, layer3, layer4] =
            stages.map(|blocks| blocks.into_iter().map(ResNetBlock::folded).collect());
        Self { conv1, bn1, layer1, layer2, layer3, layer4 }
    }
}
