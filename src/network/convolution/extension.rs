//! The CPU convolution as a burn operation with its own backward pass.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Bytes, DType, Shape, Tensor};

use super::kernels::{ConvolutionSizes, Finish, forward, image_gradient, weight_gradient};
use crate::network::normalization::Then;

/// Returns the convolution of `images` with `weight` on the CPU, zero padding of half the kernel.
///
/// # Shapes
/// `[batch, in, rows, columns]` and `[out, in, side, side]` to `[batch, out, rows', columns']`.
pub(super) fn convolve(images: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let output =
        <Dispatch as ConvolutionBackend>::convolution(images.into_dispatch(), weight.into_dispatch(), stride);
    Tensor::from_dispatch(output)
}

/// What a convolution for inference ends with: [`Finish`], in tensors.
pub(super) struct FinishTensors {
    /// `[out]`, added to each channel.
    pub bias: Tensor<1>,
    /// Added value by value, of the output's shape.
    pub around: Option<Tensor<4>>,
    pub then: Then,
}

/// Returns the convolution of [`convolve`] with what it ends with: one sweep, for inference only.
pub(super) fn convolve_finished(
    images: Tensor<4>,
    weight: Tensor<4>,
    stride: usize,
    finish: FinishTensors,
) -> Tensor<4> {
    let FinishTensors { bias, around, then } = finish;
    // The extension's signature knows no optional tensors: an empty one stands for none.
    let around = around.unwrap_or_else(|| Tensor::empty([0, 0, 0, 0], &images.device()));
    Tensor::from_dispatch(<Dispatch as ConvolutionBackend>::finished_convolution(
        images.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        around.into_dispatch(),
        stride,
        then == Then::Relu,
    ))
}

/// Backends that know our convolution.
#[backend_extension(Flex, Autodiff)]
pub(super) trait ConvolutionBackend: Backend {
    fn convolution(images: FloatTensor<Self>, weight: FloatTensor<Self>, stride: usize) -> FloatTensor<Self>;

    fn finished_convolution(
        images: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        around: FloatTensor<Self>,
        stride: usize,
        relu: bool,
    ) -> FloatTensor<Self>;
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

fn sizes(images: &FlexTensor, weight: &FlexTensor, stride: usize) -> ConvolutionSizes {
    let [batch, channels_in, rows, columns] = images.layout().shape().dims();
    let [channels_out, _, side, _] = weight.layout().shape().dims();
    ConvolutionSizes { batch, channels: [channels_in, channels_out], image: [rows, columns], side, stride }
}

impl ConvolutionBackend for Flex {
    fn convolution(images: FlexTensor, weight: FlexTensor, stride: usize) -> FlexTensor {
        let (images, weight) = (images.to_contiguous(), weight.to_contiguous());
        let sizes = sizes(&images, &weight, stride);
        let [rows, columns] = sizes.output();
        let output = forward(images.storage(), weight.storage(), sizes, None);
        tensor(output, [sizes.batch, sizes.channels[1], rows, columns])
    }

    fn finished_convolution(
        images: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        around: FlexTensor,
        stride: usize,
        relu: bool,
    ) -> FlexTensor {
        let [images, weight, bias, around] =
            [images, weight, bias, around].map(|tensor| tensor.to_contiguous());
        let sizes = sizes(&images, &weight, stride);
        let [rows, columns] = sizes.output();
        let around: &[f32] = around.storage();
        let around = (!around.is_empty()).then_some(around);
        let finish = Finish { bias: Some(bias.storage()), around, relu };
        let output = forward(images.storage(), weight.storage(), sizes, Some(finish));
        tensor(output, [sizes.batch, sizes.channels[1], rows, columns])
    }
}

#[derive(Debug)]
struct ConvolutionBackward;

impl Backward<Flex, 2> for ConvolutionBackward {
    type State = (NodeId, NodeId, usize);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [images_node, weight_node] = ops.parents;
        let (images, weight, stride) = ops.state;
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let images = checkpointer.retrieve_node_output::<FlexTensor>(images).to_contiguous();
        let weight = checkpointer.retrieve_node_output::<FlexTensor>(weight).to_contiguous();
        let sizes = sizes(&images, &weight, stride);
        if let Some(node) = images_node {
            let found = image_gradient(gradient.storage(), weight.storage(), sizes);
            grads.register::<Flex>(node.id, tensor(found, images.layout().shape().dims()));
        }
        if let Some(node) = weight_node {
            let found = weight_gradient(images.storage(), gradient.storage(), sizes);
            grads.register::<Flex>(node.id, tensor(found, weight.layout().shape().dims()));
        }
    }
}

impl<C: CheckpointStrategy> ConvolutionBackend for Autodiff<Flex, C> {
    fn convolution(images: FloatTensor<Self>, weight: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        match ConvolutionBackward.prepare::<C>([images.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&images), prep.checkpoint(&weight), stride);
                prep.finish(
                    state,
                    Flex::convolution(images.into_primitive(), weight.into_primitive(), stride),
                )
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(Flex::convolution(images.into_primitive(), weight.into_primitive(), stride))
            }
        }
    }
    fn finished_convolution(
        images: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        around: FloatTensor<Self>,
        stride: usize,
        relu: bool,
    ) -> FloatTensor<Self> {
        let [images, weight, bias, around] =
            [images, weight, bias, around].map(|tensor| tensor.into_primitive());
        Self::from_inner(Flex::finished_convolution(images, weight, bias, around, stride, relu))
    }
}
