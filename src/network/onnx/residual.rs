//! The residual encoder.

use super::drawing::Drawing;
use crate::network::{Encoder, NetworkError, Pooling, ResidualBlock, SqueezeExcitation};
use crate::onnx::{Edge, Operator};

impl Drawing<'_> {
    /// The last maps of a residual encoder.
    pub(super) fn residual(&mut self, encoder: &Encoder, images: &Edge) -> Result<Edge, NetworkError> {
        let stem = self.convolved("stem", &encoder.stem, encoder.stem_norm.as_ref(), images)?;
        let stem = self.relu(&stem);
        let stem = if encoder.stem_pool { self.halved_by_maximum(&stem) } else { stem };
        encoder.blocks.iter().enumerate().try_fold(stem, |maps, (index, block)| {
            self.within(&format!("blocks.{index}"), |drawing| drawing.residual_block(block, &maps))
        })
    }

    fn residual_block(&mut self, block: &ResidualBlock, maps: &Edge) -> Result<Edge, NetworkError> {
        let around = match &block.shortcut {
            Some(shortcut) => self.convolved("shortcut", shortcut, block.shortcut_norm.as_ref(), maps)?,
            None => maps.clone(),
        };
        let inner = self.convolved("conv1", &block.conv1, block.norm1.as_ref(), maps)?;
        let inner = self.relu(&inner);
        let inner = self.convolved("conv2", &block.conv2, block.norm2.as_ref(), &inner)?;
        let inner = match &block.excitation {
            Some(excitation) => self.within("excitation", |drawing| drawing.excited(excitation, &inner))?,
            None => inner,
        };
        Ok(self.joined(&inner, &around))
    }

    /// Maps, each channel times a factor.
    fn excited(&mut self, excitation: &SqueezeExcitation, maps: &Edge) -> Result<Edge, NetworkError> {
        let squeeze = self.parameter("squeeze", &excitation.squeeze)?;
        let squeeze_bias = self.parameter("squeeze_bias", &excitation.squeeze_bias)?;
        let excite = self.parameter("excite", &excitation.excite)?;
        let excite_bias = self.parameter("excite_bias", &excitation.excite_bias)?;
        let mean = self.pooled(Pooling::Average, maps);
        let hidden = self.linear(&mean, &squeeze, &squeeze_bias);
        let hidden = self.relu(&hidden);
        let factors = self.linear(&hidden, &excite, &excite_bias);
        let factors = self.node(Operator::Sigmoid, &[&factors]);
        let axes = self.axes();
        let axes = self.graph.integers("axes", &axes);
        let factors = self.node(Operator::Unsqueeze, &[&factors, &axes]);
        Ok(self.node(Operator::Mul, &[maps, &factors]))
    }
}
