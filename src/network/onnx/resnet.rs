//! torchvision's ResNets.

use super::drawing::Drawing;
use crate::network::{NetworkError, ResNet, ResNetBlock};
use crate::onnx::Edge;

impl Drawing<'_> {
    /// The last maps of a ResNet.
    pub(super) fn resnet(&mut self, resnet: &ResNet, images: &Edge) -> Result<Edge, NetworkError> {
        let stem = self.convolved("conv1", &resnet.conv1, resnet.bn1.as_ref(), images)?;
        let stem = self.relu(&stem);
        let mut maps = self.halved_by_maximum(&stem);
        let stages = [&resnet.layer1, &resnet.layer2, &resnet.layer3, &resnet.layer4];
        for (stage, blocks) in stages.into_iter().enumerate() {
            for (index, block) in blocks.iter().enumerate() {
                let part = format!("layer{}.{index}", stage + 1);
                maps = self.within(&part, |drawing| drawing.resnet_block(block, &maps))?;
            }
        }
        Ok(maps)
    }

    fn resnet_block(&mut self, block: &ResNetBlock, maps: &Edge) -> Result<Edge, NetworkError> {
        let around = match &block.downsample {
            Some((convolution, norm)) => self.convolved("downsample", convolution, norm.as_ref(), maps)?,
            None => maps.clone(),
        };
        let inner = self.convolved("conv1", &block.conv1, block.bn1.as_ref(), maps)?;
        let inner = self.relu(&inner);
        let inner = self.convolved("conv2", &block.conv2, block.bn2.as_ref(), &inner)?;
        let inner = match &block.conv3 {
            Some(conv3) => {
                let inner = self.relu(&inner);
                self.convolved("conv3", conv3, block.bn3.as_ref(), &inner)?
            }
            None => inner,
        };
        Ok(self.joined(&inner, &around))
    }
}
