//! Whether probabilities mean what they say.

use super::MetricsError;
use super::decision::decide;
use super::error::{check_classes, check_length, check_probability};

/// Bins of equal width over `[0, 1]`, as Guo et al. use.
const BINS: usize = 15;

/// How sure each decision was and whether it was right.
///
/// The confidence of a decision is the probability of the class given, also where a threshold
/// other than 0.5 gave it. Bin `i` of 15 is `(i / 15, (i + 1) / 15]`; a confidence of 0 is in
/// the first bin.
///
/// # References
/// Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599.
#[derive(Debug, Clone)]
pub struct Reliability {
    /// Per sample: bin, confidence, and 1 if right, else 0.
    decisions: Vec<(usize, f64, f64)>,
}

/// Decisions of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Confidences in the bin are above this (and may be 0 in the first bin).
    pub low: f64,
    /// Confidences in the bin are at most this.
    pub high: f64,
    /// Number of decisions.
    pub count: usize,
    /// Mean confidence; `None` for an empty bin.
    pub confidence: Option<f64>,
    /// Fraction of right decisions; `None` for an empty bin.
    pub accuracy: Option<f64>,
}

fn edge(bin: usize) -> f64 {
    bin as f64 / BINS as f64
}

fn bin_of(confidence: f64) -> usize {
    (1..BINS).find(|&bin| confidence <= edge(bin)).unwrap_or(BINS) - 1
}

impl Reliability {
    /// The record of decisions with the given `confidences`, of which `correct` were right.
    ///
    /// # Errors
    /// No samples; lists of different length; a confidence outside `[0, 1]`.
    pub fn new(confidences: &[f64], correct: &[bool]) -> Result<Self, MetricsError> {
        check_length("decisions", confidences.len(), correct.len())?;
        if confidences.is_empty() {
            return Err(MetricsError::Empty);
        }
        let mut decisions = Vec::with_capacity(confidences.len());
        for (sample, (&confidence, &correct)) in confidences.iter().zip(correct).enumerate() {
            check_probability(sample, confidence)?;
            decisions.push((bin_of(confidence), confidence, f64::from(u8::from(correct))));
        }
        Ok(Self { decisions })
    }

    /// The record of probabilities, whatever was decided by them: for two classes how often each
    /// probability of the second came true, for more that of the most probable class.
    ///
    /// # Errors
    /// As [`brier_score`].
    pub fn of_probabilities(labels: &[usize], probabilities: &[Vec<f64>]) -> Result<Self, MetricsError> {
        let classes = check_rows(labels, probabilities)?;
        let named = |row: &Vec<f64>| if classes == 2 { 1 } else { decide(row, None) };
        let pairs = probabilities.iter().map(|row| (row, named(row)));
        let (confidences, correct): (Vec<f64>, Vec<bool>) =
            pairs.zip(labels).map(|((row, class), &label)| (row[class], label == class)).unzip();
        Self::new(&confidences, &correct)
    }

    /// The 15 bins, from low to high confidence.
    pub fn bins(&self) -> Vec<ReliabilityBin> {
        (0..BINS).map(|bin| self.bin(bin)).collect()
    }

    fn bin(&self, bin: usize) -> ReliabilityBin {
        let members = self.decisions.iter().filter(|decision| decision.0 == bin);
        let sums =
            members.fold((0, 0.0, 0.0), |sum, decision| (sum.0 + 1, sum.1 + decision.1, sum.2 + decision.2));
        let (count, confidences, correct) = sums;
        let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
        let (low, high) = (edge(bin), edge(bin + 1));
        ReliabilityBin { low, high, count, confidence: mean(confidences), accuracy: mean(correct) }
    }

    /// Mean over the decisions of |mean confidence - accuracy| of their bin, in `[0, 1]`.
    pub fn expected_calibration_error(&self) -> f64 {
        self.gaps(&vec![1; self.decisions.len()]) / self.decisions.len() as f64
    }

    /// The largest |mean confidence - accuracy| of a bin that is not empty, in `[0, 1]`.
    pub fn maximum_calibration_error(&self) -> f64 {
        let gap = |bin: ReliabilityBin| Some((bin.confidence? - bin.accuracy?).abs());
        self.bins().into_iter().filter_map(gap).fold(0.0, f64::max)
    }

    /// [`Reliability::expected_calibration_error`] with each decision counted `weights` times; `None` if the weights sum to 0.
    pub(super) fn weighted_error(&self, weights: &[u32]) -> Option<f64> {
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        (total > 0.0).then(|| self.gaps(weights) / total)
    }

    /// The sum over the bins of |sum of confidences - number of right decisions|.
    fn gaps(&self, weights: &[u32]) -> f64 {
        let mut gaps = [0.0; BINS];
        for (&(bin, confidence, correct), &weight) in self.decisions.iter().zip(weights) {
            gaps[bin] += f64::from(weight) * (confidence - correct);
        }
        gaps.iter().map(|gap| gap.abs()).sum()
    }
}

/// How well probabilities fit what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationScores {
    /// Mean over 15 bins of |mean probability - frequency|, weighted by the samples in them.
    pub expected_calibration_error: f64,
    /// The largest of these gaps.
    pub maximum_calibration_error: f64,
    /// As [`brier_score`].
    pub brier: f64,
    /// Mean of -ln(probability of the true class), in nats.
    pub log_loss: f64,
}

/// The scores of probabilities, whatever was decided by them. The bins are those of
/// [`Reliability::of_probabilities`].
///
/// # Shapes
/// `labels`: `[samples]`, class indices. `probabilities`: `[samples][classes]`.
///
/// # Errors
/// As [`brier_score`].
pub fn calibration_scores(
    labels: &[usize],
    probabilities: &[Vec<f64>],
) -> Result<CalibrationScores, MetricsError> {
    let reliability = Reliability::of_probabilities(labels, probabilities)?;
    let losses = labels.iter().zip(probabilities).map(|(&label, row)| -ln(row[label]));
    Ok(CalibrationScores {
        expected_calibration_error: reliability.expected_calibration_error(),
        maximum_calibration_error: reliability.maximum_calibration_error(),
        brier: brier_score(labels, probabilities)?,
        log_loss: losses.sum::<f64>() / labels.len() as f64,
    })
}

/// The natural logarithm of a probability, of 0 that of the smallest f32, which probabilities are.
pub(super) fn ln(probability: f64) -> f64 {
    probability.max(f64::from(f32::from_bits(1))).ln()
}

/// Mean squared error of the probabilities.
///
/// Two classes: the mean of `(p - y)^2` over the samples, with `p` the probability of class 1 and
/// `y` 1 or 0; in `[0, 1]`. More classes: the mean over the samples of the sum of `(p - y)^2` over
/// the classes; in `[0, 2]`.
///
/// # Shapes
/// `labels`: `[samples]`, class indices. `probabilities`: `[samples][classes]`.
///
/// # Errors
/// No samples; lists of different length; a label out of range; a value outside `[0, 1]`.
///
/// # References
/// Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
pub fn brier_score(labels: &[usize], probabilities: &[Vec<f64>]) -> Result<f64, MetricsError> {
    check_rows(labels, probabilities)?;
    Ok(squared_errors(labels, probabilities).iter().sum::<f64>() / labels.len() as f64)
}

/// Demands that labels and probabilities fit together; gives the number of classes.
pub(super) fn check_rows(labels: &[usize], probabilities: &[Vec<f64>]) -> Result<usize, MetricsError> {
    check_length("probabilities", labels.len(), probabilities.len())?;
    let classes = probabilities.first().ok_or(MetricsError::Empty)?.len();
    check_classes("label", labels, classes)?;
    for (sample, row) in probabilities.iter().enumerate() {
        check_length("probabilities of a sample", classes, row.len())?;
        row.iter().try_for_each(|&found| check_probability(sample, found))?;
    }
    Ok(classes)
}

/// The terms of [`brier_score`], one per sample; the lists are known to be sound.
pub(super) fn squared_errors(labels: &[usize], probabilities: &[Vec<f64>]) -> Vec<f64> {
    let squared = |class: usize, label: usize, probability: f64| {
        (probability - f64::from(u8::from(class == label))).powi(2)
    };
    let error = |(&label, row): (&usize, &Vec<f64>)| match row.as_slice() {
        [_, positive] => squared(1, label, *positive),
        row => row.iter().enumerate().map(|(class, &probability)| squared(class, label, probability)).sum(),
    };
    labels.iter().zip(probabilities).map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_right_closed() {
        assert_eq!((bin_of(0.0), bin_of(1.0 / 15.0), bin_of(1.0 / 15.0 + 1e-12), bin_of(1.0)), (0, 0, 1, 14));
    }

    #[test]
    fn every_decision_is_in_one_bin() {
        let confidences: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 1000.0).collect();
        let bins = Reliability::new(&confidences, &vec![true; 1001]).unwrap().bins();
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 1001);
        for bin in bins {
            let mean = bin.confidence.unwrap();
            assert!(mean > bin.low && mean <= bin.high);
        }
    }

    #[test]
    fn calibrated_decisions_have_no_error() {
        let correct = [true, true, true, false];
        let reliability = Reliability::new(&[0.75; 4], &correct).unwrap();
        assert!(reliability.expected_calibration_error() < 1e-15);
        assert!(
            (Reliability::new(&[0.95; 4], &correct).unwrap().expected_calibration_error() - 0.2).abs()
                < 1e-12
        );
    }

    #[test]
    fn brier_of_two_and_of_three_classes() {
        let two = brier_score(&[0, 1], &[vec![0.8, 0.2], vec![0.4, 0.6]]).unwrap();
        assert!((two - (0.04 + 0.16) / 2.0).abs() < 1e-15);
        let three = brier_score(&[2], &[vec![0.2, 0.3, 0.5]]).unwrap();
        assert!((three - (0.04 + 0.09 + 0.25)).abs() < 1e-15);
        assert!(matches!(brier_score(&[0], &[vec![f64::NAN, 0.5]]), Err(MetricsError::Probability { .. })));
        assert!(matches!(brier_score(&[], &[]), Err(MetricsError::Empty)));
    }
}
