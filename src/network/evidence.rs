//! Where in its input a network finds what speaks for a class.
//!
//! The head is linear in the pooled features, pooling takes means and maxima of the encoder's maps, and
//! attention gives each slice a weight. So the evidence for a class is a sum over the cells of the maps:
//! a mean gives every cell its share, a maximum all to the cell that holds it. For means this is the class
//! activation map, in general HiResCAM at the encoder's last maps with the attention held fixed; neither
//! a gradient nor a choice is needed, and the parts sum to the whole.

use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};
use ndarray::Array3;

use super::convolution::{Maps, Space};
use super::pooling::pool;
use super::{Bags, Network, NetworkError, Pooling, read_tensor};
use crate::gpu::{GpuError, caught};

/// What speaks for a class in one image or study, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Evidence of each cell of the encoder's last maps, `[depth', height', width']`; for single images
    /// and `mil` one cell deep for each slice.
    pub cells: Array3<f32>,
    /// Evidence that no place has: what the biases of the head say.
    pub bias: f32,
    /// Where the cells lie.
    pub placement: Placement,
}

/// Where the cells of an encoder's last maps lie in its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Voxels from one cell's middle to the next, `[z, y, x]`.
    pub stride_zyx: [f64; 3],
    /// The voxel in the middle of the first cell's field of view, `[z, y, x]`.
    pub first_zyx: [f64; 3],
}

impl Network {
    /// Returns what speaks for `class` in one image or study: the logit of the class less the mean of the
    /// other classes' logits (for two classes the log-odds), as parts that sum to it.
    ///
    /// # Shapes
    /// `bag` holds one image, or all slices of one study; at most `at_once` of its slices are in the
    /// encoder together, where that is no volume.
    ///
    /// # Errors
    /// [`NetworkError::TooSmall`] where `bag` is none or several, or there is no such class;
    /// [`NetworkError::Device`] where the device fails.
    ///
    /// # References
    /// Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", arXiv:1512.04150;
    /// Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM", arXiv:2011.08891.
    pub fn evidence(&self, bag: Bags, class: usize, at_once: usize) -> Result<Evidence, NetworkError> {
        let [_, classes] = self.head.dims();
        if bag.counts.len() != 1 {
            return Err(NetworkError::TooSmall { field: "studies", value: bag.counts.len(), least: 1 });
        }
        if class >= classes {
            return Err(NetworkError::TooSmall { field: "classes", value: classes, least: class + 1 });
        }
        let (parts, shape, bias) = caught(|| self.parts(bag, class, at_once))?;
        let bias = read_tensor(bias)?.first().copied().unwrap_or_default();
        let cells = Array3::from_shape_vec(shape, read_tensor(parts)?);
        let cells = cells.map_err(|error| GpuError::Failed { message: error.to_string() })?;
        Ok(Evidence { cells, bias, placement: self.placement() })
    }

    /// The evidence of each cell, `[slices or 1, cells]`, their shape in space, and the evidence of the biases.
    fn parts(&self, bag: Bags, class: usize, at_once: usize) -> (Tensor<2>, [usize; 3], Tensor<2>) {
        let maps = self.last_maps(bag, at_once);
        let [slices, _, height, width] = maps.slices.dims();
        let contrast = self.contrast(class);
        let bias = self.head_bias.val().unsqueeze::<2>().matmul(contrast.clone());
        let weights = self.head.val().matmul(contrast).transpose();
        let factors = self.factors(pool(maps.clone(), self.pooling), weights);
        (spread(maps.by_channel(), factors, self.pooling), [slices, height, width], bias)
    }

    /// The encoder's last maps of all slices of one study.
    fn last_maps(&self, bag: Bags, at_once: usize) -> Maps {
        let depth = self.depth(&bag.counts);
        let pieces = bag.images.split(depth.unwrap_or(at_once).max(1), 0);
        let maps: Vec<Maps> =
            pieces.into_iter().map(|slices| self.encoder.forward(Maps { slices, depth }, None)).collect();
        let depth = maps.first().and_then(|maps| maps.depth);
        Maps { slices: Tensor::cat(maps.into_iter().map(|maps| maps.slices).collect(), 0), depth }
    }

    /// What logits are multiplied by for the evidence for `class`, `[classes, 1]`.
    fn contrast(&self, class: usize) -> Tensor<2> {
        let [_, classes] = self.head.dims();
        let others = -1.0 / (classes as f32 - 1.0);
        let factors = (0..classes).map(|index| if index == class { 1.0 } else { others }).collect();
        Tensor::from_data(TensorData::new(factors, [classes, 1]), &self.device())
    }

    /// What each feature of each slice, `[slices or 1, features]`, is multiplied by on its way to the evidence.
    fn factors(&self, features: Tensor<2>, weights: Tensor<2>) -> Tensor<2> {
        let Some(attention) = &self.attention else { return weights };
        let [_, inner] = features.dims();
        let shares = softmax(attention.scores(features.clone()), 0);
        let of_mean = shares * weights.clone().narrow(1, 0, inner);
        if self.features() == inner {
            return of_mean;
        }
        of_mean + shares_of_highest(features, 0) * weights.narrow(1, inner, inner)
    }

    /// Where the cells of the encoder's last maps lie.
    pub fn placement(&self) -> Placement {
        let (stride, first) = self.encoder.cells();
        let across = if self.space == Space::Volume { (stride, first) } else { (1.0, 0.0) };
        Placement { stride_zyx: [across.0, stride, stride], first_zyx: [across.1, first, first] }
    }
}

/// The evidence of each cell, `[batch, cells]`, of maps `[batch, channels, cells]` whose pooled features are
/// multiplied by `factors`, `[batch, features]`.
fn spread(maps: Tensor<3>, factors: Tensor<2>, pooling: Pooling) -> Tensor<2> {
    let [batch, channels, cells] = maps.dims();
    let of_channels = |first: usize| factors.clone().narrow(1, first, channels).reshape([batch, channels, 1]);
    let by_mean = |maps: Tensor<3>, first| maps * of_channels(first) / cells as f64;
    let by_maximum = |maps: Tensor<3>, first| maps.clone() * shares_of_highest(maps, 2) * of_channels(first);
    let parts = match pooling {
        Pooling::Average => by_mean(maps, 0),
        Pooling::Max => by_maximum(maps, 0),
        Pooling::AverageMax => by_mean(maps.clone(), 0) + by_maximum(maps, channels),
    };
    parts.sum_dim(1).reshape([batch, cells])
}

/// One for the highest value along `axis`, zero for the others; shared evenly where several are highest.
fn shares_of_highest<const D: usize>(values: Tensor<D>, axis: usize) -> Tensor<D> {
    let highest = values.clone().max_dim(axis);
    let is_highest = (values - highest).equal_elem(0.0).float();
    is_highest.clone() / is_highest.sum_dim(axis)
}
