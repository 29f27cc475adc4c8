//! The loss.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// What training makes small.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `-log p` of the label's class.
    #[default]
    CrossEntropy,
    /// `-(1 - p)^gamma log p`: what is already right counts less (Lin et al. 2017,
    /// doi:10.1109/ICCV.2017.324).
    Focal {
        /// How much less; 0 is cross entropy, 2 is usual.
        gamma: f64,
    },
}

/// How labels become numbers to reach.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Targets<'a> {
    /// Class of each bag.
    pub labels: &'a [usize],
    /// Weight of each class.
    pub class_weights: &'a [f32],
    /// Share of the label given to all classes alike (Szegedy et al. 2016, doi:10.1109/CVPR.2016.308).
    pub smoothing: f32,
}

impl Targets<'_> {
    /// `[bags, classes]` weights of the classes' losses; they sum to 1.
    fn weights(&self, classes: usize) -> Vec<f32> {
        let total: f32 = self.labels.iter().map(|label| self.class_weights[*label]).sum();
        let floor = self.smoothing / u16::try_from(classes).map_or(f32::INFINITY, f32::from);
        let of_label = |&label: &usize| {
            (0..classes).map(move |class| {
                let share = if class == label { 1.0 - self.smoothing + floor } else { floor };
                share * self.class_weights[label] / total
            })
        };
        self.labels.iter().flat_map(of_label).collect()
    }
}

impl Loss {
    /// Returns the mean loss of `[bags, classes]` logits, weighted by class.
    pub(super) fn mean(self, logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let [bags, classes] = logits.dims();
        let weights = TensorData::new(targets.weights(classes), [bags, classes]);
        let weights = Tensor::from_data(weights, &logits.device());
        let log = log_softmax(logits, 1);
        match self {
            Self::CrossEntropy => (log * weights).sum().neg(),
            Self::Focal { gamma } => {
                // 1 - p is held away from 0, where a power below 1 has no finite slope.
                let missing = (log.clone().exp().neg() + 1.0).clamp_min(1e-6);
                (missing.powf_scalar(gamma) * log * weights).sum().neg()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn value(loss: Loss, smoothing: f32) -> f32 {
        let logits = Tensor::<2>::from_data([[0.0, 2.0], [1.0, -1.0], [0.5, 0.5]], &Device::flex());
        let targets = Targets { labels: &[1, 1, 0], class_weights: &[1.0, 3.0], smoothing };
        loss.mean(logits, &targets).into_scalar()
    }

    /// By hand: p(label) is 1 / (1 + e^-2), 1 / (1 + e^2) and 1/2, the weights are 3, 3 and 1 of 7.
    #[test]
    fn losses_follow_their_formulas() {
        let p = [1.0 / (1.0 + (-2.0f32).exp()), 1.0 / (1.0 + 2.0f32.exp()), 0.5];
        let weights = [3.0 / 7.0, 3.0 / 7.0, 1.0 / 7.0];
        let sum = |term: &dyn Fn(f32) -> f32| p.iter().zip(weights).map(|(p, w)| w * term(*p)).sum::<f32>();
        assert!((value(Loss::CrossEntropy, 0.0) - sum(&|p| -p.ln())).abs() < 1e-5);
        assert!(
            (value(Loss::Focal { gamma: 2.0 }, 0.0) - sum(&|p| -(1.0 - p).powi(2) * p.ln())).abs() < 1e-5
        );
        assert!((value(Loss::Focal { gamma: 0.0 }, 0.1) - value(Loss::CrossEntropy, 0.1)).abs() < 1e-5);
        let smooth = sum(&|p| -0.95 * p.ln() - 0.05 * (1.0 - p).ln());
        assert!((value(Loss::CrossEntropy, 0.1) - smooth).abs() < 1e-5);
    }
}
