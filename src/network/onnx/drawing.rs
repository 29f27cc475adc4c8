//! A graph that a network is drawn into.

use burn::module::Param;
use burn::tensor::Tensor;

use crate::network::{NetworkError, Space, read_tensor};
use crate::onnx::{Edge, Graph, Operator};

/// A graph, and what the network that is drawn into it sees.
pub(super) struct Drawing<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) space: Space,
}

impl Drawing<'_> {
    /// Draws a part of the network under its name.
    pub(super) fn within<T>(&mut self, part: &str, draw: impl FnOnce(&mut Drawing) -> T) -> T {
        let space = self.space;
        self.graph.within(part, |graph| draw(&mut Drawing { graph, space }))
    }

    /// What `operator` makes of `inputs`.
    pub(super) fn node(&mut self, operator: Operator, inputs: &[&Edge]) -> Edge {
        self.graph.node(operator, inputs)
    }

    /// A parameter under its name.
    pub(super) fn parameter<const D: usize>(
        &mut self,
        name: &str,
        parameter: &Param<Tensor<D>>,
    ) -> Result<Edge, NetworkError> {
        self.tensor(name, parameter.val())
    }

    /// The values of a tensor under a name.
    pub(super) fn tensor<const D: usize>(
        &mut self,
        name: &str,
        tensor: Tensor<D>,
    ) -> Result<Edge, NetworkError> {
        let shape = tensor.dims();
        Ok(self.graph.weight(name, &shape, read_tensor(tensor)?)?)
    }

    /// `rows x weight + bias`.
    pub(super) fn linear(&mut self, rows: &Edge, weight: &Edge, bias: &Edge) -> Edge {
        let product = self.node(Operator::MatMul, &[rows, weight]);
        self.node(Operator::Add, &[&product, bias])
    }

    /// `max(0, maps)`.
    pub(super) fn relu(&mut self, maps: &Edge) -> Edge {
        self.node(Operator::Relu, &[maps])
    }

    /// The sum of a block's inner path and the way around it, and what follows.
    pub(super) fn joined(&mut self, inner: &Edge, around: &Edge) -> Edge {
        let sum = self.node(Operator::Add, &[inner, around]);
        self.relu(&sum)
    }

    /// The axes of maps that lie in space: all but images and channels.
    pub(super) fn axes(&self) -> Vec<i64> {
        match self.space {
            Space::Plane => vec![2, 3],
            Space::Volume => vec![2, 3, 4],
        }
    }
}
