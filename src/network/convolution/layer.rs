//! The convolution as a layer: its weights and where it is computed.

use burn::module::{Module, Param};
use burn::nn::BatchNorm;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use super::Maps;
use super::extension::{FinishTensors, convolve, convolve_finished};
use crate::network::normalization::{Then, normalize};
use crate::random::Random;

/// What a network's convolutions run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Images, one by one.
    Plane,
    /// Whole volumes.
    Volume,
}

/// What a convolution sees at a time, and how far it goes from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) struct SlidingWindow {
    /// Voxels of the kernel along each axis.
    pub side: usize,
    /// Input voxels from one output voxel to the next.
    pub stride: usize,
}

/// A convolution with zero padding of half its kernel.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[channels_out, channels_in, side, side]`; over volumes the channels of the `side` slices that a
    /// kernel sees stand side by side.
    pub weight: Param<Tensor<4>>,
    /// `[channels_out]`: what a batch normalization became when it was folded into the weights.
    pub(in crate::network) bias: Option<Param<Tensor<1>>>,
    stride: usize,
}

impl Convolution {
    /// A convolution with He-normal weights (fan out; He et al. 2015, doi:10.1109/ICCV.2015.123).
    pub fn new(channels: [usize; 2], side: usize, stride: usize, random: &mut Random) -> Self {
        Self::within(Space::Plane, channels, SlidingWindow { side, stride }, random)
    }

    /// A convolution of images, or of volumes: then its weights are `[channels_out, side * channels_in,
    /// side, side]`, those for the lowest slice first.
    pub(in crate::network) fn within(
        space: Space,
        channels: [usize; 2],
        window: SlidingWindow,
        random: &mut Random,
    ) -> Self {
        let SlidingWindow { side, stride } = window;
        let [channels_in, channels_out] = channels;
        let slices = if space == Space::Volume { side } else { 1 };
        let deviation = (2.0 / (channels_out * slices * side * side) as f64).sqrt();
        let shape = [channels_out, slices * channels_in, side, side];
        Self { weight: normal_weight(shape, deviation, random), bias: None, stride }
    }

    /// Input voxels from one output voxel to the next.
    pub(in crate::network) fn stride(&self) -> usize {
        self.stride
    }

    /// [`Self::forward`] over images or volumes.
    pub(in crate::network) fn over(
        &self,
        maps: Maps,
        norm: Option<&BatchNorm>,
        around: Option<Tensor<4>>,
        then: Then,
    ) -> Maps {
        let [_, _, side, _] = self.weight.dims();
        let maps = maps.with_neighbours(side, self.stride);
        Maps { slices: self.forward(maps.slices, norm, around, then), ..maps }
    }

    /// Returns the convolution, normalized by `norm` (or with its bias where the normalization is folded
    /// in), plus `around`, followed by `then`.
    ///
    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, channels_out, height', width']` with
    /// `height' = ceil(height / stride)` for odd kernels; `around` has the shape of the result.
    pub(in crate::network) fn forward(
        &self,
        input: Tensor<4>,
        norm: Option<&BatchNorm>,
        around: Option<Tensor<4>>,
        then: Then,
    ) -> Tensor<4> {
        let bias = self.bias.as_ref().map(|bias| bias.val());
        let maps = match (norm, bias) {
            (None, Some(bias)) if input.device() == Device::flex() => {
                let finish = FinishTensors { bias, around, then };
                return convolve_finished(input, self.weight.val(), self.stride, finish);
            }
            (Some(norm), _) if around.is_none() => return normalize(norm, self.convolved(input, None), then),
            (Some(norm), _) => normalize(norm, self.convolved(input, None), Then::Nothing),
            (None, bias) => self.convolved(input, bias),
        };
        let maps = match around {
            Some(around) => maps + around,
            None => maps,
        };
        if then == Then::Relu { relu(maps) } else { maps }
    }

    fn convolved(&self, input: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
        let weight = self.weight.val();
        if input.device() == Device::flex() {
            return convolve(input, weight, self.stride);
        }
        let [_, _, side, _] = weight.dims();
        let options = ConvOptions::new([self.stride; 2], [side / 2; 2], [1, 1], 1);
        conv2d(input, weight, bias, options)
    }

    /// Takes the normalization into weights and bias, with its running statistics: for inference.
    pub(in crate::network) fn folded(self, norm: BatchNorm) -> Self {
        let variance = norm.running_var.value() + norm.epsilon;
        let scale = norm.gamma.val() / variance.sqrt();
        let bias = norm.beta.val() - norm.running_mean.value() * scale.clone();
        let [channels] = scale.dims();
        let weight = self.weight.val() * scale.reshape([channels, 1, 1, 1]);
        Self { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)), ..self }
    }
}

/// A parameter on the CPU, drawn from a normal distribution; the same for every device.
pub(in crate::network) fn normal_weight<const D: usize>(
    shape: [usize; D],
    deviation: f64,
    random: &mut Random,
) -> Param<Tensor<D>> {
    let count = shape.iter().product();
    #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
    let values: Vec<f32> = (0..count).map(|_| (deviation * random.normal()) as f32).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &Device::flex()))
}
