//! Gated attention pooling over the slices of a study.

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor};

use super::convolution::normal_weight;
use crate::random::Random;

/// Gated attention (Ilse, Tomczak, Welling 2018, arXiv:1802.04712, equation 9):
/// `a = softmax(w . (tanh(V h) * sigmoid(U h)))` over the slices of one study.
#[derive(Module, Debug)]
pub struct GatedAttention {
    pub(super) content: Param<Tensor<2>>,
    pub(super) content_bias: Param<Tensor<1>>,
    pub(super) gate: Param<Tensor<2>>,
    pub(super) gate_bias: Param<Tensor<1>>,
    pub(super) score: Param<Tensor<2>>,
}

impl GatedAttention {
    /// Untrained attention over vectors of `features` numbers, on the CPU.
    pub fn new(features: usize, units: usize, random: &mut Random) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([units], &Device::flex()));
        let inner = (1.0 / features as f64).sqrt();
        Self {
            content: normal_weight([features, units], inner, random),
            content_bias: zeros(),
            gate: normal_weight([features, units], inner, random),
            gate_bias: zeros(),
            score: normal_weight([units, 1], (1.0 / units as f64).sqrt(), random),
        }
    }

    /// Returns the score of each slice, before the softmax over its study.
    ///
    /// # Shapes
    /// `[slices, features]` to `[slices, 1]`.
    pub fn scores(&self, features: Tensor<2>) -> Tensor<2> {
        let content = features.clone().matmul(self.content.val()) + self.content_bias.val().unsqueeze();
        let gate = features.matmul(self.gate.val()) + self.gate_bias.val().unsqueeze();
        // A product with a matrix of one column goes wrong where burn fuses it (burn issue 5122).
        (content.tanh() * sigmoid(gate) * self.score.val().transpose()).sum_dim(1)
    }

    /// Returns the pooled vector of one study and the weight of each slice in it.
    ///
    /// # Shapes
    /// `features` `[slices, features]` and `scores` `[slices, 1]` of one study to
    /// `[1, features]` and `[slices, 1]`; the weights sum to 1.
    pub fn pool(features: Tensor<2>, scores: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let weights = softmax(scores, 0);
        ((features * weights.clone()).sum_dim(0), weights)
    }
}
