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
    /// Two views of one image are to be alike, views of other patients' images are not: the decoupled
    /// contrastive loss (Yeh et al. 2022, arXiv:2110.06848), which needs no large batches. For
    /// `pulmo pretrain` alone.
    Contrastive {
        /// What cosine similarities are divided by; 0.1 to 0.5 are usual.
        temperature: f64,
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
    /// How much the mean loss of these bags counts beside that of others: the sum of what it is divided by.
    pub(super) fn weight(self, labels: &[usize], class_weights: &[f32]) -> f64 {
        match self {
            Self::CrossEntropy | Self::Focal { .. } => {
                labels.iter().map(|label| f64::from(class_weights[*label])).sum()
            }
            Self::Contrastive { .. } => labels.len() as f64,
        }
    }

    /// Returns the mean loss of `[bags, classes]` logits, weighted by class.
    ///
    /// For [`Loss::Contrastive`] each two bags in turn are the views of one image, `logits` are their
    /// embeddings and labels are patients.
    pub(super) fn mean(self, logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let [bags, classes] = logits.dims();
        let weighted = |logits: Tensor<2>| {
            let weights = TensorData::new(targets.weights(classes), [bags, classes]);
            (Tensor::from_data(weights, &logits.device()), log_softmax(logits, 1))
        };
        match self {
            Self::CrossEntropy => {
                let (weights, log) = weighted(logits);
                (log * weights).sum().neg()
            }
            Self::Contrastive { temperature } => decoupled(logits, targets.labels, temperature),
            Self::Focal { gamma } => {
                let (weights, log) = weighted(logits);
                // 1 - p is held away from 0, where a power below 1 has no finite slope.
                let missing = (log.clone().exp().neg() + 1.0).clamp_min(1e-6);
                (missing.powf_scalar(gamma) * log * weights).sum().neg()
            }
        }
    }
}

/// The decoupled contrastive loss of `[2 n, features]` embeddings, bags `2 i` and `2 i + 1` being twins:
/// the mean over bags of `-s(twin) + log sum exp s(other)`, where `s` is the cosine similarity over the
/// temperature and the others are the bags of other patients.
fn decoupled(embeddings: Tensor<2>, patients: &[usize], temperature: f64) -> Tensor<1> {
    let [bags, _] = embeddings.dims();
    let norm = embeddings.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    let embeddings = embeddings / norm;
    let similarities = embeddings.clone().matmul(embeddings.transpose()) / temperature;
    let table = |is_one: &dyn Fn(usize, usize) -> bool| {
        let cells = (0..bags * bags).map(|cell| f32::from(u8::from(is_one(cell / bags, cell % bags))));
        TensorData::new(cells.collect::<Vec<_>>(), [bags, bags])
    };
    let device = similarities.device();
    let twins = Tensor::<2>::from_data(table(&|one, other| one ^ 1 == other), &device);
    let others = Tensor::<2>::from_data(table(&|one, other| patients[one] != patients[other]), &device);
    // Where a batch has no other patient the sum is held at one: the twins still draw together.
    let crowd = (similarities.clone().exp() * others).sum_dim(1).clamp_min(1.0).log().sum();
    (crowd - (similarities * twins).sum()) / bags as f64
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

    /// By hand, at temperature 1/2: two patients with orthogonal and opposite unit vectors.
    #[test]
    fn twins_attract_and_other_patients_repel() {
        let embeddings =
            Tensor::<2>::from_data([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [-4.0, 0.0]], &Device::flex());
        let targets = Targets { labels: &[7, 7, 9, 9], class_weights: &[], smoothing: 0.0 };
        let loss: f32 = Loss::Contrastive { temperature: 0.5 }.mean(embeddings, &targets).into_scalar();
        let crowd =
            |similarities: [f32; 2]| similarities.iter().map(|s| (2.0 * s).exp()).sum::<f32>().max(1.0).ln();
        let bags =
            [crowd([-1.0, -1.0]), crowd([0.0, 0.0]), crowd([-1.0, 0.0]) - 2.0, crowd([-1.0, 0.0]) - 2.0];
        assert!((loss - bags.iter().sum::<f32>() / 4.0).abs() < 1e-5, "{loss}");
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
