//! Batch normalization as a layer: its statistics and where it is computed.

use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::extension::{channel_moments, normalized};
use super::kernels::Then;

/// Untrained parameters for `channels` channels, on the CPU.
pub(in crate::network) fn batch_norm(channels: usize) -> BatchNorm {
    BatchNormConfig::new(channels).init(&Device::flex())
}

/// Returns the maps with mean 0 and variance 1 in each channel, scaled and shifted (Ioffe and Szegedy
/// 2015, arXiv:1502.03167). On a training device the batch's own statistics are used and the
/// running ones updated; else, or where the normalization is frozen, the running ones are used.
///
/// # Shapes
/// `[batch, channels, height, width]` to the same.
pub(in crate::network) fn normalize(norm: &BatchNorm, maps: Tensor<4>, then: Then) -> Tensor<4> {
    let is_frozen = maps.device().is_autodiff() && !norm.training.is_enabled();
    if maps.device() != Device::flex() || is_frozen {
        let maps = norm.forward(maps);
        return if then == Then::Relu { relu(maps) } else { maps };
    }
    let moments = if maps.device().is_autodiff() {
        let moments = channel_moments(maps.clone().inner());
        let [_, channels] = moments.dims();
        for (row, running) in [&norm.running_mean, &norm.running_var].into_iter().enumerate() {
            let batch: Tensor<1> = moments.clone().slice([row..row + 1, 0..channels]).reshape([channels]);
            let older = running.value_sync().inner().mul_scalar(1.0 - norm.momentum);
            running.update(Tensor::from_inner(older + batch.mul_scalar(norm.momentum)));
        }
        Tensor::from_inner(moments)
    } else {
        Tensor::stack(vec![norm.running_mean.value(), norm.running_var.value()], 0)
    };
    normalized(maps, [norm.gamma.val(), norm.beta.val()], moments, norm.epsilon, then)
}
