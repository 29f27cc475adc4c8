//! Scoring a data set with the weights of the moment.

use super::TrainError;
use super::dataset::Dataset;
use super::loss::{Loss, Targets};
use crate::gpu::caught;
use crate::metrics::{Ranking, roc_auc};
use crate::network::Compute;
use crate::network::{Bags, Network, NetworkConfig, NetworkKind, read_scalar, read_tensor, softmax};

/// Most images in one forward pass.
const IMAGES_AT_ONCE: usize = 64;

/// What the network says about a data set.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    /// Mean cross entropy.
    pub loss: f64,
    /// Probability of each class for each case.
    pub probabilities: Vec<Vec<f32>>,
}

/// Scores every case of `dataset` in order.
pub(super) fn score(
    network: &Network,
    config: &NetworkConfig,
    dataset: &Dataset,
    compute: &Compute,
) -> Result<Scores, TrainError> {
    let (mut sum, mut probabilities) = (0.0, Vec::with_capacity(dataset.len()));
    let cases: Vec<usize> = (0..dataset.len()).collect();
    let at_once = if config.kind == NetworkKind::Slice { IMAGES_AT_ONCE } else { 1 };
    for batch in cases.chunks(at_once) {
        let volumes = batch.iter().map(|&index| dataset.volume(index)).collect::<Result<Vec<_>, _>>()?;
        let volumes: Vec<_> = volumes.iter().map(|volume| volume.as_ref()).collect();
        let labels: Vec<usize> = batch.iter().map(|&index| dataset.labels()[index]).collect();
        compute.begin_work()?;
        let bags = caught(|| Bags::new(&volumes, config, compute.device()))??;
        let (logits, loss) = caught(|| {
            let logits = network.forward(bags).logits;
            let class_weights = &vec![1.0; logits.dims()[1]];
            let targets = Targets { labels: &labels, class_weights, smoothing: 0.0 };
            (logits.clone(), Loss::CrossEntropy.mean(logits, &targets))
        })?;
        let [_, classes] = logits.dims();
        sum += read_scalar(loss)? * batch.len() as f64;
        probabilities.extend(read_tensor(logits)?.chunks(classes).map(softmax));
    }
    Ok(Scores { loss: sum / dataset.len().max(1) as f64, probabilities })
}

impl Scores {
    /// ROC AUC: of the second of two classes, else the mean over classes, one against the rest.
    pub(super) fn roc_auc(&self, labels: &[usize]) -> Option<f64> {
        let classes = self.probabilities.first()?.len();
        let of_class = |class| self.ranking(labels, class).and_then(|ranking| roc_auc(&ranking));
        if classes == 2 {
            return of_class(1);
        }
        let values = (0..classes).map(of_class).collect::<Option<Vec<f64>>>()?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The cases ranked by the probability of `class`.
    pub(super) fn ranking(&self, labels: &[usize], class: usize) -> Option<Ranking> {
        let scores: Vec<f64> = self.probabilities.iter().map(|p| f64::from(p[class])).collect();
        let positive: Vec<bool> = labels.iter().map(|label| *label == class).collect();
        Ranking::new(&scores, &positive).ok()
    }
}
