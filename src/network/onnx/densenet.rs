//! torchvision's DenseNets.

use super::drawing::Drawing;
use crate::network::{DenseLayer, DenseNet, NetworkError, Transition};
use crate::onnx::{Edge, Operator};

impl Drawing<'_> {
    /// The last maps of a DenseNet.
    pub(super) fn densenet(&mut self, densenet: &DenseNet, images: &Edge) -> Result<Edge, NetworkError> {
        let stem = self.convolved("conv0", &densenet.conv0, densenet.norm0.as_ref(), images)?;
        let stem = self.relu(&stem);
        let mut maps = self.halved_by_maximum(&stem);
        for (block, layers) in densenet.denseblocks.iter().enumerate() {
            for (index, layer) in layers.iter().enumerate() {
                let part = format!("denseblocks.{block}.{index}");
                maps = self.within(&part, |drawing| drawing.dense_layer(layer, &maps))?;
            }
            if let Some(transition) = densenet.transitions.get(block) {
                let part = format!("transitions.{block}");
                maps = self.within(&part, |drawing| drawing.transition(transition, &maps))?;
            }
        }
        let maps = self.normalized("norm5", &densenet.norm5, &maps)?;
        Ok(self.relu(&maps))
    }

    fn dense_layer(&mut self, layer: &DenseLayer, maps: &Edge) -> Result<Edge, NetworkError> {
        let inner = self.normalized("norm1", &layer.norm1, maps)?;
        let inner = self.relu(&inner);
        let inner = self.convolved("conv1", &layer.conv1, layer.norm2.as_ref(), &inner)?;
        let inner = self.relu(&inner);
        let new = self.convolved("conv2", &layer.conv2, None, &inner)?;
        Ok(self.node(Operator::Concat { axis: 1 }, &[maps, &new]))
    }

    fn transition(&mut self, transition: &Transition, maps: &Edge) -> Result<Edge, NetworkError> {
        let maps = self.normalized("norm", &transition.norm, maps)?;
        let maps = self.relu(&maps);
        let maps = self.convolved("conv", &transition.conv, None, &maps)?;
        Ok(self.node(Operator::AveragePool { side: 2, stride: 2 }, &[&maps]))
    }
}
