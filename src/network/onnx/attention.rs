//! Gated attention over the slices of each case.

use super::drawing::Drawing;
use super::input::long;
use crate::network::{GatedAttention, NetworkError};
use crate::onnx::{Edge, Operator};

/// The axis of the slices.
const SLICES: i64 = 1;

impl Drawing<'_> {
    /// Features of slices, `[cases * slices, features]`, as `[cases, slices, features]`, given the voxels that they
    /// come from.
    pub(super) fn by_case(&mut self, features: &Edge, count: usize, voxels: &Edge) -> Edge {
        let cases = self.node(Operator::Shape { start: 0, end: 2 }, &[voxels]);
        let count = self.graph.integers("features", &[long(count)]);
        let shape = self.node(Operator::Concat { axis: 0 }, &[&cases, &count]);
        self.node(Operator::Reshape, &[features, &shape])
    }

    /// The weight of each slice, `[cases, slices, 1]`, of features `[cases, slices, features]`.
    pub(super) fn attention(
        &mut self,
        attention: &GatedAttention,
        features: &Edge,
    ) -> Result<Edge, NetworkError> {
        let content = self.parameter("content", &attention.content)?;
        let content_bias = self.parameter("content_bias", &attention.content_bias)?;
        let gate = self.parameter("gate", &attention.gate)?;
        let gate_bias = self.parameter("gate_bias", &attention.gate_bias)?;
        let score = self.parameter("score", &attention.score)?;
        let content = self.linear(features, &content, &content_bias);
        let content = self.node(Operator::Tanh, &[&content]);
        let gate = self.linear(features, &gate, &gate_bias);
        let gate = self.node(Operator::Sigmoid, &[&gate]);
        let gated = self.node(Operator::Mul, &[&content, &gate]);
        let scores = self.node(Operator::MatMul, &[&gated, &score]);
        Ok(self.node(Operator::Softmax { axis: SLICES }, &[&scores]))
    }

    /// The weighted mean over slices, `[cases, features]`.
    pub(super) fn weighted_mean(&mut self, features: &Edge, weights: &Edge) -> Edge {
        let weighted = self.node(Operator::Mul, &[features, weights]);
        let axes = self.graph.integers("axes", &[SLICES]);
        self.node(Operator::ReduceSum, &[&weighted, &axes])
    }

    /// The weighted mean and the maximum over slices side by side, `[cases, 2 * features]`.
    pub(super) fn weighted_mean_and_maximum(&mut self, features: &Edge, weights: &Edge) -> Edge {
        let mean = self.weighted_mean(features, weights);
        let highest = self.node(Operator::ReduceMax { axes: vec![SLICES] }, &[features]);
        self.node(Operator::Concat { axis: 1 }, &[&mean, &highest])
    }

    /// Weights `[cases, slices, 1]` as `[cases, slices]`.
    pub(super) fn flat(&mut self, weights: &Edge) -> Edge {
        let shape = self.graph.integers("shape", &[0, 0]);
        self.node(Operator::Reshape, &[weights, &shape])
    }
}
