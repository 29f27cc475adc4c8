//! A graph of operators, drawn node by node.

use std::collections::BTreeMap;

use crate::{OnnxError, Operator};

/// A value that flows along a graph: an input, a weight, or what a node gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub(crate) name: String,
}

/// The length of an input or output along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Always so many.
    Fixed(usize),
    /// As many as there are; what has one name has one length.
    Named(&'static str),
}

/// An input or output with its shape; its values are 32-bit floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) shape: Vec<Dimension>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) operator: Operator,
    pub(crate) inputs: Vec<String>,
    /// Its name, and that of what it gives.
    pub(crate) name: String,
}

/// The numbers that a weight holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

impl Numbers {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
        }
    }
}

/// A weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Numbers,
}

/// A graph of operators and weights.
///
/// A node may only be given edges that are there, so nodes stand in an order in which they can be computed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) weights: Vec<Weight>,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    /// The parts of the network that are being drawn, the outermost first.
    path: Vec<String>,
    /// How often each name was given.
    names: BTreeMap<String, usize>,
}

impl Graph {
    /// Returns an input of 32-bit floats.
    pub fn input(&mut self, name: &str, shape: &[Dimension]) -> Edge {
        let name = self.unique(name.to_owned());
        self.inputs.push(Port { name: name.clone(), shape: shape.to_vec() });
        Edge { name }
    }

    /// Makes an output of 32-bit floats of an edge.
    pub fn output(&mut self, name: &str, shape: &[Dimension], edge: &Edge) {
        let name = self.unique(name.to_owned());
        self.nodes.push(Node {
            operator: Operator::Identity,
            inputs: vec![edge.name.clone()],
            name: name.clone(),
        });
        self.outputs.push(Port { name, shape: shape.to_vec() });
    }

    /// Returns what `operator` makes of `inputs`.
    pub fn node(&mut self, operator: Operator, inputs: &[&Edge]) -> Edge {
        let name = self.here(operator.name());
        let inputs = inputs.iter().map(|edge| edge.name.clone()).collect();
        self.nodes.push(Node { operator, inputs, name: name.clone() });
        Edge { name }
    }

    /// Returns a weight of 32-bit floats, in row-major order.
    ///
    /// # Errors
    /// [`OnnxError::Weight`] where it has not as many values as its shape says.
    pub fn weight(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Result<Edge, OnnxError> {
        let name = self.here(name);
        if shape.iter().product::<usize>() != values.len() {
            return Err(OnnxError::Weight { name, shape: shape.to_vec(), values: values.len() });
        }
        let values = Numbers::Floats(values);
        self.weights.push(Weight { name: name.clone(), shape: shape.to_vec(), values });
        Ok(Edge { name })
    }

    /// Returns a number.
    pub fn number(&mut self, name: &str, value: f32) -> Edge {
        let name = self.here(name);
        self.weights.push(Weight { name: name.clone(), shape: vec![], values: Numbers::Floats(vec![value]) });
        Edge { name }
    }

    /// Returns a row of integers: axes, lengths, places.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Edge {
        let name = self.here(name);
        let (shape, values) = (vec![values.len()], Numbers::Integers(values.to_vec()));
        self.weights.push(Weight { name: name.clone(), shape, values });
        Edge { name }
    }

    /// Draws a part of the network: all that `draw` adds has the part's name before its own.
    pub fn within<T>(&mut self, part: &str, draw: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.to_owned());
        let drawn = draw(self);
        self.path.pop();
        drawn
    }

    /// A name of its own for something in the part that is being drawn.
    fn here(&mut self, name: &str) -> String {
        let parts = self.path.iter().map(String::as_str).chain([name]);
        let name = parts.collect::<Vec<_>>().join(".");
        self.unique(name)
    }

    fn unique(&mut self, name: String) -> String {
        let times = self.names.entry(name.clone()).or_default();
        *times += 1;
        match *times {
            1 => name,
            times => self.unique(format!("{name}_{times}")),
        }
    }
}
