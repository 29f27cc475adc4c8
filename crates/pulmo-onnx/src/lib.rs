#![doc = include_str!("../README.md")]

mod error;
mod graph;
mod model;
mod operator;
mod protobuf;

pub use error::OnnxError;
pub use graph::{Dimension, Edge, Graph};
pub use model::{Metadatum, Model, OPSET};
pub use operator::Operator;
