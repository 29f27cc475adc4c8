//! The network: encoder, pooling over a study where there is one, and head.

use super::drawing::Drawing;
use crate::network::{Backbone, GatedAttention, Network, NetworkConfig, NetworkError};
use crate::onnx::{Edge, Graph};

/// What a network's graph gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnOutput {
    /// `[cases, classes]`, before the softmax.
    pub logits: Edge,
    /// `[cases, slices]`, the weight of each slice; of a study-level network.
    pub attention: Option<Edge>,
}

impl Network {
    /// Draws the forward pass for `voxels` into `graph`. All cases of a batch have as many slices.
    ///
    /// # Shapes
    /// `voxels` are `[cases, slices, rows, columns]`, one case being one preprocessed volume; for single images there is
    /// one slice.
    ///
    /// # Errors
    /// [`NetworkError::Device`] where the weights cannot be read.
    pub fn draw(
        &self,
        config: &NetworkConfig,
        graph: &mut Graph,
        voxels: &Edge,
    ) -> Result<DrawnOutput, NetworkError> {
        let mut drawing = Drawing { graph, space: self.space };
        let seen = drawing.within("input", |drawing| drawing.seen(config, voxels));
        let maps = drawing.within("encoder", |drawing| drawing.encoder(&self.encoder, &seen))?;
        let features = drawing.pooled(self.pooling, &maps);
        let (features, attention) = match &self.attention {
            None => (features, None),
            Some(attention) => {
                let [inner, _] = attention.content.dims();
                let features = drawing.by_case(&features, inner, voxels);
                self.draw_study(attention, &mut drawing, &features)?
            }
        };
        let head = drawing.parameter("head", &self.head)?;
        let bias = drawing.parameter("head_bias", &self.head_bias)?;
        Ok(DrawnOutput { logits: drawing.linear(&features, &head, &bias), attention })
    }

    /// One vector a study, and the weights of its slices.
    fn draw_study(
        &self,
        attention: &GatedAttention,
        drawing: &mut Drawing,
        features: &Edge,
    ) -> Result<(Edge, Option<Edge>), NetworkError> {
        let [inner, _] = attention.content.dims();
        drawing.within("attention", |drawing| {
            let weights = drawing.attention(attention, features)?;
            let pooled = if self.features() > inner {
                drawing.weighted_mean_and_maximum(features, &weights)
            } else {
                drawing.weighted_mean(features, &weights)
            };
            Ok((pooled, Some(drawing.flat(&weights))))
        })
    }
}

impl Drawing<'_> {
    /// The last maps of an encoder.
    fn encoder(&mut self, encoder: &Backbone, images: &Edge) -> Result<Edge, NetworkError> {
        match encoder {
            Backbone::Residual(encoder) => self.residual(encoder, images),
            Backbone::ResNet(encoder) => self.resnet(encoder, images),
            Backbone::DenseNet(encoder) => self.densenet(encoder, images),
        }
    }
}
