//! Why a graph cannot be written.

/// Why a graph cannot be written as an ONNX model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A weight has not as many values as its shape says.
    #[error("weight `{name}` of shape {shape:?} has {values} values")]
    Weight {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its values.
        values: usize,
    },
    /// The model is larger than protobuf allows.
    #[error("the model would have {bytes} bytes, and an ONNX file holds less than {most}")]
    TooLarge {
        /// Bytes of its weights.
        bytes: usize,
        /// Bytes that a protobuf message may have.
        most: usize,
    },
}
