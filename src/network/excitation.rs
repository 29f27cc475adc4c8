//! Squeeze and excitation: channels weighed by what all of the maps hold.

use burn::module::{Module, Param};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};

use super::Pooling;
use super::convolution::{Maps, normal_weight};
use super::pooling::pool;
use crate::random::Random;

/// Squeeze and excitation (Hu, Shen, Sun 2018, doi:10.1109/CVPR.2018.00745).
#[derive(Module, Debug)]
pub struct SqueezeExcitation {
    pub(super) squeeze: Param<Tensor<2>>,
    pub(super) squeeze_bias: Param<Tensor<1>>,
    pub(super) excite: Param<Tensor<2>>,
    pub(super) excite_bias: Param<Tensor<1>>,
}

impl SqueezeExcitation {
    /// Untrained, on the CPU, with `channels / reduction` hidden units and at least one.
    pub fn new(channels: usize, reduction: usize, random: &mut Random) -> Self {
        let hidden = (channels / reduction.max(1)).max(1);
        let zeros = |units| Param::from_tensor(Tensor::zeros([units], &Device::flex()));
        Self {
            squeeze: normal_weight([channels, hidden], (2.0 / channels as f64).sqrt(), random),
            squeeze_bias: zeros(hidden),
            excite: normal_weight([hidden, channels], (1.0 / hidden as f64).sqrt(), random),
            excite_bias: zeros(channels),
        }
    }

    /// Returns the maps, each channel times a factor between 0 and 1.
    pub fn forward(&self, maps: Maps) -> Maps {
        let mean = pool(maps.clone(), Pooling::Average);
        let hidden = relu(mean.matmul(self.squeeze.val()) + self.squeeze_bias.val().unsqueeze());
        let factors = sigmoid(hidden.matmul(self.excite.val()) + self.excite_bias.val().unsqueeze());
        maps.scaled(factors)
    }
}
