//! Convolutions and normalizations.

use burn::nn::BatchNorm;

use super::drawing::Drawing;
use crate::network::{Convolution, NetworkError, Space, read_tensor};
use crate::onnx::{Edge, Operator};

impl Drawing<'_> {
    /// A convolution, normalized by `norm` where that is not folded in.
    pub(super) fn convolved(
        &mut self,
        part: &str,
        convolution: &Convolution,
        norm: Option<&BatchNorm>,
        maps: &Edge,
    ) -> Result<Edge, NetworkError> {
        let convolved = self.within(part, |drawing| drawing.convolution(convolution, maps))?;
        match norm {
            Some(norm) => self.normalized(part, norm, &convolved),
            None => Ok(convolved),
        }
    }

    fn convolution(&mut self, convolution: &Convolution, maps: &Edge) -> Result<Edge, NetworkError> {
        let [.., side] = convolution.weight.dims();
        let weight = self.kernel(convolution)?;
        let bias = convolution.bias.as_ref().map(|bias| self.parameter("bias", bias)).transpose()?;
        let inputs: Vec<&Edge> = [maps, &weight].into_iter().chain(&bias).collect();
        let operator = Operator::Conv { axes: self.axes().len(), side, stride: convolution.stride() };
        Ok(self.node(operator, &inputs))
    }

    /// The weights, over volumes with an axis for the slices that a kernel sees.
    fn kernel(&mut self, convolution: &Convolution) -> Result<Edge, NetworkError> {
        if self.space == Space::Plane {
            return self.parameter("weight", &convolution.weight);
        }
        let [channels_out, seen, side, _] = convolution.weight.dims();
        let shape = [channels_out, seen / side, side, side, side];
        let values = slices_behind_channels(&read_tensor(convolution.weight.val())?, shape);
        Ok(self.graph.weight("weight", &shape, values)?)
    }

    /// Maps with mean and deviation as the normalization learned.
    pub(super) fn normalized(
        &mut self,
        part: &str,
        norm: &BatchNorm,
        maps: &Edge,
    ) -> Result<Edge, NetworkError> {
        self.within(part, |drawing| {
            let gamma = drawing.parameter("gamma", &norm.gamma)?;
            let beta = drawing.parameter("beta", &norm.beta)?;
            let mean = drawing.tensor("running_mean", norm.running_mean.value())?;
            let variance = drawing.tensor("running_var", norm.running_var.value())?;
            #[expect(clippy::cast_possible_truncation, reason = "statistics are f32")]
            let operator = Operator::BatchNormalization { epsilon: norm.epsilon as f32 };
            Ok(drawing.node(operator, &[maps, &gamma, &beta, &mean, &variance]))
        })
    }
}

/// Weights `[out, slices, channels, rows, columns]` in the order of `shape`, `[out, channels, slices, rows, columns]`.
fn slices_behind_channels(values: &[f32], shape: [usize; 5]) -> Vec<f32> {
    let [channels_out, channels, slices, rows, columns] = shape;
    let plane = rows * columns;
    let mut turned = Vec::with_capacity(values.len());
    for out in 0..channels_out {
        for channel in 0..channels {
            for slice in 0..slices {
                let first = ((out * slices + slice) * channels + channel) * plane;
                turned.extend_from_slice(&values[first..first + plane]);
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_of_a_kernel_come_behind_its_channels() {
        // Two channels in, three slices, planes of one value: `10 slice + channel`.
        let values = [0.0, 1.0, 10.0, 11.0, 20.0, 21.0];
        assert_eq!(slices_behind_channels(&values, [1, 2, 3, 1, 1]), [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
    }
}
