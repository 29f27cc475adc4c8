//! The convolution as a layer: its weights and where it is computed.

use burn::module::{Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use super::extension::convolve;
use crate::random::Random;

/// A 2D convolution with zero padding of half its kernel.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[channels_out, channels_in, side, side]`.
    pub weight: Param<Tensor<4>>,
    stride: usize,
}

impl Convolution {
    /// A convolution with He-normal weights (fan out; He et al. 2015, doi:10.1109/ICCV.2015.123).
    pub fn new(channels: [usize; 2], side: usize, stride: usize, random: &mut Random) -> Self {
        let [channels_in, channels_out] = channels;
        let deviation = (2.0 / (channels_out * side * side) as f64).sqrt();
        let shape = [channels_out, channels_in, side, side];
        Self { weight: normal_weight(shape, deviation, random), stride }
    }

    /// # Shapes
    /// `[batch, channels_in, height, width]` to `[batch, channels_out, height', width']` with
    /// `height' = ceil(height / stride)` for odd kernels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        if input.device() == Device::flex() {
            return convolve(input, weight, self.stride);
        }
        let [_, _, side, _] = weight.dims();
        let options = ConvOptions::new([self.stride; 2], [side / 2; 2], [1, 1], 1);
        conv2d(input, weight, None, options)
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
