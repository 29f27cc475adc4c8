//! A model: a graph with what is to be known about it, and its bytes.

use crate::graph::{Node, Numbers, Port, Weight};
use crate::protobuf::Message;
use crate::{Dimension, Graph, OnnxError};

/// Version of ONNX's operators that models are written in.
pub const OPSET: i64 = 17;

/// Version of ONNX's file format; the one that came with [`OPSET`].
const IR_VERSION: i64 = 8;

/// Bytes that a protobuf message may have.
const MOST_BYTES: usize = 0x7FFF_FFFF;

/// How many of them are kept for all that is no weight.
const KEPT_BYTES: usize = 1 << 24;

/// ONNX's numbers for types of values.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// A graph with what is to be known about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The graph.
    pub graph: Graph,
    /// The graph's name.
    pub name: String,
    /// What the model is for, for people.
    pub description: String,
    /// The program that writes it, and its version.
    pub producer: String,
    /// The version of that program.
    pub producer_version: String,
    /// Texts by their keys, for programs.
    pub metadata: Vec<Metadatum>,
}

/// A text that goes with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadatum {
    /// What it is about.
    pub key: String,
    /// The text.
    pub text: String,
}

impl Model {
    /// Returns the model as the bytes of a `.onnx` file; the same model gives the same bytes.
    ///
    /// # Errors
    /// [`OnnxError::TooLarge`] where its weights do not fit into one file.
    ///
    /// # References
    /// ONNX IR 8: <https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto>
    pub fn to_bytes(&self) -> Result<Vec<u8>, OnnxError> {
        let bytes: usize =
            self.graph.weights.iter().map(|weight| size_of::<f32>() * weight.values.len()).sum();
        if bytes > MOST_BYTES - KEPT_BYTES {
            return Err(OnnxError::TooLarge { bytes, most: MOST_BYTES });
        }
        let opset = Message::default().bytes(1, "").integer(2, OPSET);
        let metadata = self
            .metadata
            .iter()
            .map(|metadatum| Message::default().bytes(1, &metadatum.key).bytes(2, &metadatum.text));
        let message = Message::default()
            .integer(1, IR_VERSION)
            .bytes(2, &self.producer)
            .bytes(3, &self.producer_version)
            .bytes(6, &self.description)
            .message(7, graph(&self.graph, &self.name))
            .message(8, opset)
            .messages(14, metadata);
        Ok(message.into_bytes())
    }
}

/// As a `GraphProto`.
fn graph(graph: &Graph, name: &str) -> Message {
    Message::default()
        .messages(1, graph.nodes.iter().map(node))
        .bytes(2, name)
        .messages(5, graph.weights.iter().map(tensor))
        .messages(11, graph.inputs.iter().map(value_info))
        .messages(12, graph.outputs.iter().map(value_info))
}

/// As a `NodeProto`.
fn node(node: &Node) -> Message {
    node.inputs
        .iter()
        .fold(Message::default(), |message, input| message.bytes(1, input))
        .bytes(2, &node.name)
        .bytes(3, &node.name)
        .bytes(4, node.operator.name())
        .messages(5, node.operator.attributes())
}

/// As a `TensorProto`.
fn tensor(weight: &Weight) -> Message {
    let shape =
        weight.shape.iter().fold(Message::default(), |message, &length| message.integer(1, long(length)));
    let (kind, bytes): (i64, Vec<u8>) = match &weight.values {
        Numbers::Floats(values) => (FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        Numbers::Integers(values) => (INT64, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    };
    shape.integer(2, kind).bytes(8, &weight.name).bytes(9, bytes)
}

/// As a `ValueInfoProto` of 32-bit floats.
fn value_info(port: &Port) -> Message {
    let dimension = |dimension: &Dimension| match dimension {
        Dimension::Fixed(length) => Message::default().integer(1, long(*length)),
        Dimension::Named(name) => Message::default().bytes(2, name),
    };
    let shape = Message::default().messages(1, port.shape.iter().map(dimension));
    let tensor = Message::default().integer(1, FLOAT).message(2, shape);
    Message::default().bytes(1, &port.name).message(2, Message::default().message(1, tensor))
}

/// A length as ONNX writes it.
fn long(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
