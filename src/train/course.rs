//! Scoring a data set with the weights of the moment, and with those of a finished bundle.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::Array3;

use super::TrainError;
use super::dataset::Dataset;
use super::loss::{Loss, Targets};
use crate::gpu::caught;
use crate::metrics::{self, Ranking};
use crate::network::{Bags, Compute, Network, NetworkConfig, NetworkKind, read_scalar, read_tensor, softmax};
use crate::predict::{Inference, Predictor};

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
    for batch in batches(config, dataset) {
        let volumes = volumes(dataset, &batch)?;
        let volumes: Vec<_> = volumes.iter().map(Cow::as_ref).collect();
        let labels = dataset.labels()[batch].to_vec();
        compute.begin_work()?;
        let bags = caught(|| Bags::new(&volumes, config, compute.device()))??;
        let (logits, loss) = caught(|| {
            let logits = network.forward(bags).logits;
            let class_weights = &vec![1.0; logits.dims()[1]];
            let targets = Targets { labels: &labels, class_weights, smoothing: 0.0 };
            (logits.clone(), Loss::CrossEntropy.mean(logits, &targets))
        })?;
        let [_, classes] = logits.dims();
        sum += read_scalar(loss)? * labels.len() as f64;
        probabilities.extend(read_tensor(logits)?.chunks(classes).map(softmax));
    }
    Ok(Scores { loss: sum / dataset.len().max(1) as f64, probabilities })
}

/// What `predictor` says of every case of `dataset` in order: what a finished bundle does.
pub(super) fn answered(predictor: &Predictor, dataset: &Dataset) -> Result<Vec<Inference>, TrainError> {
    let mut answers = Vec::with_capacity(dataset.len());
    for batch in batches(predictor.network_config(), dataset) {
        let volumes = volumes(dataset, &batch)?;
        answers.extend(predictor.answer(&volumes.iter().map(Cow::as_ref).collect::<Vec<_>>())?);
    }
    Ok(answers)
}

/// Cases of `dataset` that go together.
fn batches(config: &NetworkConfig, dataset: &Dataset) -> Vec<Range<usize>> {
    let at_once = if config.kind == NetworkKind::Slice { IMAGES_AT_ONCE } else { 1 };
    (0..dataset.len()).step_by(at_once).map(|first| first..dataset.len().min(first + at_once)).collect()
}

fn volumes<'a>(dataset: &'a Dataset, batch: &Range<usize>) -> Result<Vec<Cow<'a, Array3<f32>>>, TrainError> {
    batch.clone().map(|index| dataset.volume(index)).collect()
}

/// ROC AUC: of the second of two classes, else the mean over classes, one against the rest.
///
/// # Shapes
/// `probabilities`: `[cases][classes]`; `labels`: `[cases]`.
pub(super) fn roc_auc(probabilities: &[Vec<f32>], labels: &[usize]) -> Option<f64> {
    let classes = probabilities.first()?.len();
    let of_class =
        |class| ranking(probabilities, labels, class).and_then(|ranking| metrics::roc_auc(&ranking));
    if classes == 2 {
        return of_class(1);
    }
    let values = (0..classes).map(of_class).collect::<Option<Vec<f64>>>()?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The cases ranked by the probability of `class`.
pub(super) fn ranking(probabilities: &[Vec<f32>], labels: &[usize], class: usize) -> Option<Ranking> {
    let scores: Vec<f64> = probabilities.iter().map(|row| f64::from(row[class])).collect();
    let positive: Vec<bool> = labels.iter().map(|label| *label == class).collect();
    Ranking::new(&scores, &positive).ok()
}
