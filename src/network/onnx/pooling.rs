//! From maps to smaller maps and to one vector.

use super::drawing::Drawing;
use crate::network::Pooling;
use crate::onnx::{Edge, Operator};

impl Drawing<'_> {
    /// The maxima of 3 x 3 windows two apart.
    pub(super) fn halved_by_maximum(&mut self, maps: &Edge) -> Edge {
        self.node(Operator::MaxPool { side: 3, stride: 2 }, &[maps])
    }

    /// One vector for each image or volume, `[images, features]`.
    pub(super) fn pooled(&mut self, pooling: Pooling, maps: &Edge) -> Edge {
        let mean = Operator::ReduceMean { axes: self.axes() };
        let highest = Operator::ReduceMax { axes: self.axes() };
        match pooling {
            Pooling::Average => self.node(mean, &[maps]),
            Pooling::Max => self.node(highest, &[maps]),
            Pooling::AverageMax => {
                let (mean, highest) = (self.node(mean, &[maps]), self.node(highest, &[maps]));
                self.node(Operator::Concat { axis: 1 }, &[&mean, &highest])
            }
        }
    }
}
