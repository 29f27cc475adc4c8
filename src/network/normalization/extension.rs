//! Batch normalization on the CPU as a burn operation with its own backward pass.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Bytes, DType, Shape, Tensor};

use super::kernels::{Channel, MapSizes, Then, backward, channels, forward, moments};

/// Returns mean and variance of each channel; nothing is kept for a backward pass.
///
/// # Shapes
/// `[batch, channels, height, width]` to `[2, channels]`.
pub(super) fn channel_moments(maps: Tensor<4>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as NormalizationBackend>::channel_moments(maps.into_dispatch()))
}

/// Returns the maps normalized by `[2, channels]` moments, which on a training device must be the
/// maps' own: the backward pass takes them to depend on the maps.
pub(super) fn normalized(
    maps: Tensor<4>,
    [gamma, beta]: [Tensor<1>; 2],
    moments: Tensor<2>,
    epsilon: f64,
    then: Then,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as NormalizationBackend>::normalization(
        maps.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        moments.into_dispatch(),
        epsilon,
        then,
    ))
}

/// Backends that know our normalization.
#[backend_extension(Flex, Autodiff)]
pub(super) trait NormalizationBackend: Backend {
    fn channel_moments(maps: FloatTensor<Self>) -> FloatTensor<Self>;

    fn normalization(
        maps: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        then: Then,
    ) -> FloatTensor<Self>;
}

fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

fn sizes(maps: &FlexTensor) -> MapSizes {
    let [batch, channels, height, width] = maps.layout().shape().dims();
    MapSizes { batch, channels, pixels: height * width }
}

/// What each channel is normalized by.
#[derive(Debug, Clone)]
struct Parameters {
    gamma: FlexTensor,
    beta: FlexTensor,
    moments: FlexTensor,
    epsilon: f64,
    then: Then,
}

impl Parameters {
    fn channels(&self) -> Vec<Channel> {
        let [gamma, beta, moments] =
            [&self.gamma, &self.beta, &self.moments].map(|tensor| tensor.to_contiguous());
        #[expect(clippy::cast_possible_truncation, reason = "computed in f32")]
        channels(gamma.storage(), beta.storage(), moments.storage(), self.epsilon as f32)
    }
}

impl NormalizationBackend for Flex {
    fn channel_moments(maps: FlexTensor) -> FlexTensor {
        let maps = maps.to_contiguous();
        let sizes = sizes(&maps);
        tensor(moments(maps.storage(), sizes), Shape::from([2, sizes.channels]))
    }

    fn normalization(
        maps: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        epsilon: f64,
        then: Then,
    ) -> FlexTensor {
        let maps = maps.to_contiguous();
        let channels = Parameters { gamma, beta, moments, epsilon, then }.channels();
        tensor(forward(maps.storage(), sizes(&maps), &channels, then), maps.layout().shape().clone())
    }
}

#[derive(Debug)]
struct NormalizationBackward;

impl Backward<Flex, 3> for NormalizationBackward {
    type State = (NodeId, Parameters);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [maps_node, gamma_node, beta_node] = ops.parents;
        let (maps, parameters) = ops.state;
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let maps = checkpointer.retrieve_node_output::<FlexTensor>(maps).to_contiguous();
        let sizes = sizes(&maps);
        let found =
            backward(maps.storage(), gradient.storage(), sizes, &parameters.channels(), parameters.then);
        let of_channels = Shape::from([sizes.channels]);
        let all = [
            (maps_node, found.maps, maps.layout().shape().clone()),
            (gamma_node, found.gamma, of_channels.clone()),
            (beta_node, found.beta, of_channels),
        ];
        for (node, values, shape) in all {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, shape));
            }
        }
    }
}

impl<C: CheckpointStrategy> NormalizationBackend for Autodiff<Flex, C> {
    fn channel_moments(maps: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(Flex::channel_moments(maps.into_primitive()))
    }

    fn normalization(
        maps: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        then: Then,
    ) -> FloatTensor<Self> {
        let nodes = [maps.node(), gamma.node(), beta.node()];
        let output = |maps: FlexTensor, parameters: &Parameters| {
            let channels = parameters.channels();
            let maps = maps.to_contiguous();
            tensor(forward(maps.storage(), sizes(&maps), &channels, then), maps.layout().shape().clone())
        };
        let prepared = NormalizationBackward.prepare::<C>(nodes).compute_bound().stateful();
        match prepared {
            OpsKind::Tracked(mut prep) => {
                let kept = prep.checkpoint(&maps);
                let parameters = Parameters {
                    gamma: gamma.into_primitive(),
                    beta: beta.into_primitive(),
                    moments: moments.into_primitive(),
                    epsilon,
                    then,
                };
                let output = output(maps.into_primitive(), &parameters);
                prep.finish((kept, parameters), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::normalization(
                maps.into_primitive(),
                gamma.into_primitive(),
                beta.into_primitive(),
                moments.into_primitive(),
                epsilon,
                then,
            )),
        }
    }
}
