//! What a node of a graph does.

use crate::protobuf::Message;

/// An operator of ONNX's opset 17 with its attributes. Inputs are told where they are not plain.
///
/// # References
/// <https://onnx.ai/onnx/operators/>
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// Convolution of maps with a weight and, where given, a bias: a kernel of `side` along each of `axes` axes, zero
    /// padding of half of it (rounded down) at both ends.
    Conv {
        /// Axes that it runs over: 2 for images, 3 for volumes.
        axes: usize,
        /// Side of the kernel.
        side: usize,
        /// Step of the kernel.
        stride: usize,
    },
    /// Normalization of maps by gamma, beta, mean and variance of each channel.
    BatchNormalization {
        /// Added to the variance.
        epsilon: f32,
    },
    /// Maximum of windows of images, padded by half of their side (rounded down).
    MaxPool {
        /// Side of the window.
        side: usize,
        /// Step of the window.
        stride: usize,
    },
    /// Mean of windows of images, not padded.
    AveragePool {
        /// Side of the window.
        side: usize,
        /// Step of the window.
        stride: usize,
    },
    /// Mean over axes, which go.
    ReduceMean {
        /// The axes.
        axes: Vec<i64>,
    },
    /// Maximum over axes, which go.
    ReduceMax {
        /// The axes.
        axes: Vec<i64>,
    },
    /// Sum over the axes that the second input names, which go.
    ReduceSum,
    /// Inputs one after the other along an axis.
    Concat {
        /// The axis.
        axis: i64,
    },
    /// `exp(x) / sum exp(x)` along an axis.
    Softmax {
        /// The axis.
        axis: i64,
    },
    /// The lengths of some axes.
    Shape {
        /// The first axis.
        start: i64,
        /// The axis after the last.
        end: i64,
    },
    /// The first input with its outermost values repeated, as often as the second says: for all axes before, then for
    /// all axes behind.
    EdgePad,
    /// Part of the first input: starts, ends and axes follow.
    Slice,
    /// The first input in the shape that the second gives; 0 is the length as it is, -1 what is left.
    Reshape,
    /// The first input with axes of length 1 where the second says.
    Unsqueeze,
    /// The product of matrices, or of each matrix of a stack with one.
    MatMul,
    /// The first input, not below the second and not above the third where that is given.
    Clip,
    /// The mean of all inputs, value by value.
    Mean,
    /// The sum.
    Add,
    /// The first input less the second.
    Sub,
    /// The product, value by value.
    Mul,
    /// The first input over the second.
    Div,
    /// The natural logarithm.
    Log,
    /// `max(0, x)`.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// The input as it is.
    Identity,
}

/// The value of an attribute.
enum Setting {
    Integer(i64),
    Integers(Vec<i64>),
    Float(f32),
    Text(&'static str),
}

impl Operator {
    /// ONNX's name of the operator.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv { .. } => "Conv",
            Self::BatchNormalization { .. } => "BatchNormalization",
            Self::MaxPool { .. } => "MaxPool",
            Self::AveragePool { .. } => "AveragePool",
            Self::ReduceMean { .. } => "ReduceMean",
            Self::ReduceMax { .. } => "ReduceMax",
            Self::ReduceSum => "ReduceSum",
            Self::Concat { .. } => "Concat",
            Self::Softmax { .. } => "Softmax",
            Self::Shape { .. } => "Shape",
            Self::EdgePad => "Pad",
            Self::Slice => "Slice",
            Self::Reshape => "Reshape",
            Self::Unsqueeze => "Unsqueeze",
            Self::MatMul => "MatMul",
            Self::Clip => "Clip",
            Self::Mean => "Mean",
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Log => "Log",
            Self::Relu => "Relu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Identity => "Identity",
        }
    }

    /// The attributes as `AttributeProto`, in the order of their names.
    pub(crate) fn attributes(&self) -> Vec<Message> {
        self.settings().into_iter().map(|(name, setting)| setting.message(name)).collect()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        use Setting::{Float, Integer, Integers, Text};
        match self {
            Self::Conv { axes, side, stride } => window(*axes, [*side, side / 2, *stride]),
            Self::MaxPool { side, stride } => window(2, [*side, side / 2, *stride]),
            Self::AveragePool { side, stride } => window(2, [*side, 0, *stride]),
            Self::BatchNormalization { epsilon } => vec![("epsilon", Float(*epsilon))],
            Self::ReduceMean { axes } | Self::ReduceMax { axes } => {
                vec![("axes", Integers(axes.clone())), ("keepdims", Integer(0))]
            }
            Self::ReduceSum => vec![("keepdims", Integer(0))],
            Self::Concat { axis } | Self::Softmax { axis } => vec![("axis", Integer(*axis))],
            Self::Shape { start, end } => vec![("end", Integer(*end)), ("start", Integer(*start))],
            Self::EdgePad => vec![("mode", Text("edge"))],
            _ => Vec::new(),
        }
    }
}

/// A window along `axes` axes: its side, its padding at both ends and its step.
fn window(axes: usize, [side, pad, stride]: [usize; 3]) -> Vec<(&'static str, Setting)> {
    let along = |length: usize, axes: usize| Setting::Integers(vec![length.cast_signed() as i64; axes]);
    vec![
        ("kernel_shape", along(side, axes)),
        ("pads", along(pad, 2 * axes)),
        ("strides", along(stride, axes)),
    ]
}

impl Setting {
    /// As an `AttributeProto`.
    fn message(self, name: &str) -> Message {
        let message = Message::default().bytes(1, name);
        let (message, kind) = match self {
            Self::Float(value) => (message.float(2, value), 1),
            Self::Integer(value) => (message.integer(3, value), 2),
            Self::Text(value) => (message.bytes(4, value), 3),
            Self::Integers(values) => {
                (values.into_iter().fold(message, |message, value| message.integer(8, value)), 7)
            }
        };
        message.integer(20, kind)
    }
}
