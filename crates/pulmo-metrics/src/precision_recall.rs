//! Precision against recall, the view that shows what rare positives cost.

use super::Ranking;
use super::confusion::ratio;

/// One point of the curve: what calling every score `>= threshold` positive gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Fraction of those called positive that are.
    pub precision: f64,
    /// Fraction of the positive samples called positive.
    pub recall: f64,
    /// The threshold; infinite at the first point, which is (recall 0, precision 1) by convention.
    pub threshold: f64,
}

/// Mean precision over the positive samples: the sum over thresholds of precision times the gain
/// in recall, without interpolation, as scikit-learn. `None` without positive samples.
pub fn average_precision(ranking: &Ranking) -> Option<f64> {
    weighted_average_precision(ranking, &ranking.once())
}

/// [`average_precision`] with each sample counted `weights` times.
pub(super) fn weighted_average_precision(ranking: &Ranking, weights: &[u32]) -> Option<f64> {
    let (mut sum, mut positives) = (0.0, 0);
    for step in ranking.steps(weights) {
        let gain = step.true_positives - positives;
        if gain > 0 {
            let called = step.true_positives + step.false_positives;
            sum += gain as f64 * step.true_positives as f64 / called as f64;
        }
        positives = step.true_positives;
    }
    (positives > 0).then(|| sum / positives as f64)
}

/// The curve in the order of falling threshold, so of growing recall: scikit-learn's
/// `precision_recall_curve` read backwards. `None` without positive samples.
pub fn precision_recall_curve(ranking: &Ranking) -> Option<Vec<PrecisionRecallPoint>> {
    let weights = ranking.once();
    let (positives, _) = ranking.totals(&weights);
    let origin = PrecisionRecallPoint { precision: 1.0, recall: 0.0, threshold: f64::INFINITY };
    let points = ranking.steps(&weights).map(|step| {
        Some(PrecisionRecallPoint {
            precision: ratio(step.true_positives, step.true_positives + step.false_positives)?,
            recall: ratio(step.true_positives, positives)?,
            threshold: step.threshold,
        })
    });
    std::iter::once(Some(origin)).chain(points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_of_a_known_order() {
        // Hits at ranks 1 and 3: (1/1 + 2/3) / 2.
        let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false]).unwrap();
        assert!((average_precision(&ranking).unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn weights_are_repetitions() {
        let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false]).unwrap();
        let repeated = Ranking::new(&[0.8, 0.8, 0.7, 0.7, 0.1], &[false, false, true, true, false]).unwrap();
        assert_eq!(weighted_average_precision(&ranking, &[0, 2, 2, 1]), average_precision(&repeated));
    }

    #[test]
    fn no_positives_no_curve() {
        let ranking = Ranking::new(&[0.9, 0.8], &[false, false]).unwrap();
        assert_eq!((average_precision(&ranking), precision_recall_curve(&ranking)), (None, None));
    }

    #[test]
    fn area_under_the_steps_is_the_average_precision() {
        let ranking =
            Ranking::new(&[0.9, 0.8, 0.8, 0.4, 0.4, 0.2], &[true, false, true, false, true, false]).unwrap();
        let curve = precision_recall_curve(&ranking).unwrap();
        let area: f64 =
            curve.windows(2).map(|pair| (pair[1].recall - pair[0].recall) * pair[1].precision).sum();
        assert!((area - average_precision(&ranking).unwrap()).abs() < 1e-12);
    }
}
