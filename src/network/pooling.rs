//! From maps to smaller maps and to one vector.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use serde::{Deserialize, Serialize};

use super::convolution::Maps;

/// How feature maps become one vector an image, and the images' vectors one a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean over the image and the attention-weighted mean over slices: for findings that
    /// change the whole look.
    #[default]
    Average,
    /// The maximum over the image; for a study the attention-weighted mean and the maximum over slices,
    /// side by side: for small findings, wherever they are.
    Max,
    /// Mean and maximum of the image side by side, and of the slices as for `max`.
    AverageMax,
}

/// Returns the maxima of 3 x 3 windows two apart: half the height and width, rounded up.
pub(super) fn halve_by_maximum(maps: Tensor<4>) -> Tensor<4> {
    max_pool2d(maps, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]))
}

/// Returns one vector for each image or volume.
///
/// # Shapes
/// `[batch, features]`.
pub(super) fn pool(maps: Maps, pooling: Pooling) -> Tensor<2> {
    let maps = maps.by_channel();
    let [batch, channels, _] = maps.dims();
    let mean = |maps: Tensor<3>| maps.mean_dim(2).reshape([batch, channels]);
    let highest = |maps: Tensor<3>| maps.max_dim(2).reshape([batch, channels]);
    match pooling {
        Pooling::Average => mean(maps),
        Pooling::Max => highest(maps),
        Pooling::AverageMax => Tensor::cat(vec![mean(maps.clone()), highest(maps)], 1),
    }
}
