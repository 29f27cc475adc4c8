//! The confusion matrix, from which every score on decisions is derived.

use super::MetricsError;
use super::error::{check_classes, check_length};

/// How often each class was taken for each other. Undefined scores are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

/// Counts of one class against all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OneVsRest {
    /// Samples of the class, given the class.
    pub true_positives: u64,
    /// Samples of other classes, given the class.
    pub false_positives: u64,
    /// Samples of the class, given another.
    pub false_negatives: u64,
    /// Samples of other classes, given another.
    pub true_negatives: u64,
}

/// `part / whole`; `None` where `whole` is 0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl OneVsRest {
    /// TP / (TP + FP), the positive predictive value; `None` if the class was never predicted.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// TP / (TP + FN), the sensitivity; `None` if the class is absent.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// TN / (TN + FP); `None` if there is no other class.
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.true_negatives, self.true_negatives + self.false_positives)
    }

    /// TN / (TN + FN); `None` if the class was always predicted.
    pub fn negative_predictive_value(&self) -> Option<f64> {
        ratio(self.true_negatives, self.true_negatives + self.false_negatives)
    }

    /// 2 TP / (2 TP + FP + FN); `None` if the class is absent and was never predicted.
    pub fn f1(&self) -> Option<f64> {
        let doubled = 2 * self.true_positives;
        ratio(doubled, doubled + self.false_positives + self.false_negatives)
    }

    /// Samples that are of the class in truth.
    pub fn support(&self) -> u64 {
        self.true_positives + self.false_negatives
    }
}

impl Confusion {
    /// The matrix of `predictions` against `labels`, both class indices in `0..classes`.
    ///
    /// # Errors
    /// Lists of different length; an index out of range.
    pub fn new(classes: usize, labels: &[usize], predictions: &[usize]) -> Result<Self, MetricsError> {
        check_length("predictions", labels.len(), predictions.len())?;
        check_classes("label", labels, classes)?;
        check_classes("prediction", predictions, classes)?;
        Ok(Self::weighted(classes, labels, predictions, &vec![1; labels.len()]))
    }

    /// The same with each sample counted `weights` times; the indices are known to be sound.
    pub(super) fn weighted(classes: usize, labels: &[usize], predictions: &[usize], weights: &[u32]) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for ((&label, &prediction), &weight) in labels.iter().zip(predictions).zip(weights) {
            counts[label][prediction] += u64::from(weight);
        }
        Self { counts }
    }

    /// The counts, `[truth][prediction]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of samples.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    fn correct(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Counts of each class against all others, in class order.
    pub fn one_vs_rest(&self) -> Vec<OneVsRest> {
        let total = self.total();
        let count = |(class, row): (usize, &Vec<u64>)| {
            let true_positives = row[class];
            let false_negatives = row.iter().sum::<u64>() - true_positives;
            let false_positives = self.predicted(class) - true_positives;
            let true_negatives = total - true_positives - false_negatives - false_positives;
            OneVsRest { true_positives, false_positives, false_negatives, true_negatives }
        };
        self.counts.iter().enumerate().map(count).collect()
    }

    /// Fraction of correct predictions; `None` without samples.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.correct(), self.total())
    }

    /// Mean recall over the classes present in truth, as scikit-learn; `None` without samples.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = self.one_vs_rest().iter().filter_map(OneVsRest::recall).collect();
        (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
    }

    /// Matthews correlation coefficient for any number of classes, in `[-1, 1]`; `None` where the
    /// denominator is 0 (all samples of one class or all given one class; scikit-learn says 0).
    ///
    /// # References
    /// Gorodkin 2004, the R_K statistic, doi:10.1016/j.compbiolchem.2004.09.006.
    pub fn matthews(&self) -> Option<f64> {
        let (total, correct) = (self.total() as f64, self.correct() as f64);
        let (mut agreement, mut truth_squares, mut predicted_squares) = (0.0, 0.0, 0.0);
        for (class, row) in self.counts.iter().enumerate() {
            let (truth, predicted) = (row.iter().sum::<u64>() as f64, self.predicted(class) as f64);
            agreement += truth * predicted;
            truth_squares += truth * truth;
            predicted_squares += predicted * predicted;
        }
        let square = total * total;
        let (truth_spread, predicted_spread) = (square - truth_squares, square - predicted_squares);
        let defined = truth_spread > 0.0 && predicted_spread > 0.0;
        defined.then(|| (correct * total - agreement) / (truth_spread.sqrt() * predicted_spread.sqrt()))
    }

    /// `score` of the counts summed over the classes.
    pub fn micro_average(&self, score: impl Fn(&OneVsRest) -> Option<f64>) -> Option<f64> {
        let pooled = self.one_vs_rest().iter().fold(OneVsRest::default(), |sum, counts| OneVsRest {
            true_positives: sum.true_positives + counts.true_positives,
            false_positives: sum.false_positives + counts.false_positives,
            false_negatives: sum.false_negatives + counts.false_negatives,
            true_negatives: sum.true_negatives + counts.true_negatives,
        });
        score(&pooled)
    }

    /// Mean of `score` over the classes; `None` if it is undefined for any of them.
    pub fn macro_average(&self, score: impl Fn(&OneVsRest) -> Option<f64>) -> Option<f64> {
        let scores = self.one_vs_rest().iter().map(score).collect::<Option<Vec<f64>>>()?;
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// Mean of `score` over the classes, each weighted by its support; `None` if it is undefined
    /// for a class that has support, or without samples.
    pub fn weighted_average(&self, score: impl Fn(&OneVsRest) -> Option<f64>) -> Option<f64> {
        let present = self.one_vs_rest().into_iter().filter(|counts| counts.support() > 0);
        let terms = present.map(|counts| Some(score(&counts)? * counts.support() as f64));
        let sum = terms.collect::<Option<Vec<f64>>>()?.iter().sum::<f64>();
        let total = self.total();
        (total > 0).then(|| sum / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    fn random_confusion(seed: u64, classes: usize, samples: usize) -> Confusion {
        let mut random = Random::new(seed);
        let mut draw = || (0..samples).map(|_| random.below(classes)).collect::<Vec<_>>();
        let (labels, predictions) = (draw(), draw());
        Confusion::new(classes, &labels, &predictions).unwrap()
    }

    #[test]
    fn counts_sum_to_n() {
        for seed in 0..20 {
            let confusion = random_confusion(seed, 4, 97);
            assert_eq!(confusion.total(), 97);
            for counts in confusion.one_vs_rest() {
                let OneVsRest { true_positives, false_positives, false_negatives, true_negatives } = counts;
                assert_eq!(true_positives + false_positives + false_negatives + true_negatives, 97);
            }
        }
    }

    #[test]
    fn micro_averages_of_single_labels_are_the_accuracy() {
        let confusion = random_confusion(3, 5, 200);
        assert_eq!(confusion.micro_average(OneVsRest::precision), confusion.accuracy());
        assert_eq!(confusion.micro_average(OneVsRest::f1), confusion.accuracy());
    }

    #[test]
    fn undefined_is_none_and_zero_is_zero() {
        let confusion = Confusion::new(3, &[0, 0, 1], &[0, 1, 0]).unwrap();
        let scores = confusion.one_vs_rest();
        assert_eq!(
            (scores[1].precision(), scores[1].recall(), scores[1].f1()),
            (Some(0.0), Some(0.0), Some(0.0))
        );
        assert_eq!((scores[2].precision(), scores[2].recall(), scores[2].f1()), (None, None, None));
        assert_eq!(scores[2].negative_predictive_value(), Some(1.0));
        assert_eq!(confusion.macro_average(OneVsRest::recall), None);
        assert!(confusion.weighted_average(OneVsRest::recall).is_some());
        assert_eq!(Confusion::new(2, &[1, 1], &[1, 0]).unwrap().matthews(), None);
        let empty = Confusion::new(2, &[], &[]).unwrap();
        assert_eq!((empty.accuracy(), empty.balanced_accuracy(), empty.matthews()), (None, None, None));
        assert_eq!(empty.weighted_average(OneVsRest::recall), None);
    }

    #[test]
    fn perfect_and_inverted_decisions_are_the_ends_of_matthews() {
        let labels = [0, 1, 0, 1, 1];
        let inverted = labels.map(|label| 1 - label);
        let matthews =
            |predictions: &[usize]| Confusion::new(2, &labels, predictions).unwrap().matthews().unwrap();
        assert!((matthews(&labels) - 1.0).abs() < 1e-12);
        assert!((matthews(&inverted) + 1.0).abs() < 1e-12);
    }

    #[test]
    fn bad_indices_are_refused() {
        assert!(matches!(Confusion::new(2, &[0, 2], &[0, 0]), Err(MetricsError::Class { sample: 1, .. })));
        assert!(matches!(Confusion::new(2, &[0], &[0, 0]), Err(MetricsError::Length { .. })));
    }
}
