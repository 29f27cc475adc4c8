//! The receiver operating characteristic.

use super::Ranking;

/// One point of the curve: what calling every score `>= threshold` positive gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Fraction of the negative samples called positive (1 - specificity).
    pub false_positive_rate: f64,
    /// Fraction of the positive samples called positive (recall).
    pub true_positive_rate: f64,
    /// The threshold; infinite at the first point, where nothing is called positive.
    pub threshold: f64,
}

/// Area under the curve: the probability that a positive sample scores higher than a negative
/// one, ties counting half. `None` unless there are samples of both kinds.
///
/// # References
/// Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747.
pub fn roc_auc(ranking: &Ranking) -> Option<f64> {
    weighted_roc_auc(ranking, &ranking.once())
}

/// [`roc_auc`] with each sample counted `weights` times. Counts are whole numbers, so the area is
/// exact up to one division.
pub(super) fn weighted_roc_auc(ranking: &Ranking, weights: &[u32]) -> Option<f64> {
    let (mut doubled_area, mut positives, mut negatives) = (0u128, 0, 0);
    for step in ranking.steps(weights) {
        let width = step.false_positives - negatives;
        doubled_area += u128::from(width) * u128::from(step.true_positives + positives);
        (positives, negatives) = (step.true_positives, step.false_positives);
    }
    let whole = 2.0 * positives as f64 * negatives as f64;
    (whole > 0.0).then(|| doubled_area as f64 / whole)
}

/// The curve from (0, 0) to (1, 1), one point per distinct score, as scikit-learn's `roc_curve`
/// without dropping points. `None` unless there are samples of both kinds.
pub fn roc_curve(ranking: &Ranking) -> Option<Vec<RocPoint>> {
    let weights = ranking.once();
    let (positives, negatives) = ranking.totals(&weights);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let origin = RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: f64::INFINITY };
    let points = ranking.steps(&weights).map(|step| RocPoint {
        false_positive_rate: step.false_positives as f64 / negatives as f64,
        true_positive_rate: step.true_positives as f64 / positives as f64,
        threshold: step.threshold,
    });
    Some(std::iter::once(origin).chain(points).collect())
}

/// The score at which recall + specificity - 1 is largest (of several, the highest): the
/// threshold from which to call a sample positive. `None` unless there are samples of both kinds.
///
/// It is optimistic on the samples it was chosen on; choose it on the validation set.
///
/// # References
/// Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.
pub fn best_threshold_youden(ranking: &Ranking) -> Option<f64> {
    let weights = ranking.once();
    let (positives, negatives) = ranking.totals(&weights);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut best: Option<(i128, f64)> = None;
    for step in ranking.steps(&weights) {
        let gain = i128::from(step.true_positives) * i128::from(negatives);
        let index = gain - i128::from(step.false_positives) * i128::from(positives);
        if best.is_none_or(|(highest, _)| index > highest) {
            best = Some((index, step.threshold));
        }
    }
    best.map(|(_, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    /// Scores with ties, and labels that follow them loosely.
    fn draw(seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(seed);
        let scores: Vec<f64> = (0..150).map(|_| random.below(40) as f64 / 40.0).collect();
        let positive = scores.iter().map(|score| random.unit() < *score).collect();
        (scores, positive)
    }

    fn area(scores: &[f64], positive: &[bool]) -> f64 {
        roc_auc(&Ranking::new(scores, positive).unwrap()).unwrap()
    }

    /// The definition, pair by pair.
    fn area_by_pairs(scores: &[f64], positive: &[bool]) -> f64 {
        let of = |kind: bool| -> Vec<f64> {
            scores.iter().zip(positive).filter(|(_, is)| **is == kind).map(|(score, _)| *score).collect()
        };
        let (highs, lows) = (of(true), of(false));
        let wins: f64 = highs
            .iter()
            .flat_map(|high| {
                lows.iter().map(move |low| {
                    if high > low {
                        1.0
                    } else if high == low {
                        0.5
                    } else {
                        0.0
                    }
                })
            })
            .sum();
        wins / (highs.len() * lows.len()) as f64
    }

    #[test]
    fn area_is_the_fraction_of_ordered_pairs() {
        for seed in 0..10 {
            let (scores, positive) = draw(seed);
            assert!((area(&scores, &positive) - area_by_pairs(&scores, &positive)).abs() < 1e-12);
        }
    }

    #[test]
    fn area_is_invariant_under_monotone_maps_and_permutations() {
        for seed in 0..10 {
            let (scores, positive) = draw(seed);
            let bent: Vec<f64> = scores.iter().map(|score| (3.0 * score).exp() - 7.0).collect();
            assert_eq!(area(&scores, &positive), area(&bent, &positive));
            let mut pairs: Vec<_> = scores.iter().copied().zip(positive.iter().copied()).collect();
            Random::new(seed).shuffle(&mut pairs);
            let (mixed_scores, mixed_positive): (Vec<f64>, Vec<bool>) = pairs.into_iter().unzip();
            assert_eq!(area(&scores, &positive), area(&mixed_scores, &mixed_positive));
        }
    }

    #[test]
    fn area_of_flipped_labels_is_the_rest() {
        let (scores, positive) = draw(5);
        let flipped: Vec<bool> = positive.iter().map(|is| !is).collect();
        assert!((area(&scores, &positive) + area(&scores, &flipped) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn weights_are_repetitions() {
        let ranking = Ranking::new(&[0.1, 0.4, 0.4, 0.8], &[false, true, false, true]).unwrap();
        let repeated =
            Ranking::new(&[0.1, 0.1, 0.4, 0.4, 0.4, 0.4], &[false, false, true, false, false, false])
                .unwrap();
        assert_eq!(weighted_roc_auc(&ranking, &[2, 1, 3, 0]), roc_auc(&repeated));
    }

    #[test]
    fn one_kind_of_samples_has_no_curve() {
        let ranking = Ranking::new(&[0.1, 0.4], &[true, true]).unwrap();
        assert_eq!((roc_auc(&ranking), roc_curve(&ranking)), (None, None));
        assert_eq!(best_threshold_youden(&ranking), None);
    }

    #[test]
    fn youden_takes_the_highest_of_equals() {
        let ranking = Ranking::new(&[0.9, 0.7, 0.5, 0.3], &[true, false, true, false]).unwrap();
        assert_eq!(best_threshold_youden(&ranking), Some(0.9));
        let separable = Ranking::new(&[0.9, 0.7, 0.5, 0.3], &[true, true, false, false]).unwrap();
        assert_eq!(best_threshold_youden(&separable), Some(0.7));
    }
}
