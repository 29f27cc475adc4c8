//! How far an area under the ROC curve can be trusted, from the samples themselves.

use super::Ranking;
use super::normal::Z95;
use super::roc::roc_auc;

/// An area under the receiver operating characteristic with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocAuc {
    /// The area.
    pub value: f64,
    /// Its standard error after DeLong.
    pub standard_error: f64,
    /// `value` +- 1.96 standard errors within `[0, 1]`; `None` where the standard error is 0, as
    /// for a perfect ranking, since a width of 0 says nothing.
    pub ci95: Option<[f64; 2]>,
}

/// The area under the curve of `ranking` with DeLong's standard error and interval; `None` with
/// fewer than two samples of either kind.
///
/// Every sample counts as independent: where patients have several samples the interval is too
/// narrow, and resampling patients ([`super::bootstrap`]) is the better one.
///
/// # References
/// DeLong, DeLong, Clarke-Pearson 1988, doi:10.2307/2531595.
pub fn delong(ranking: &Ranking) -> Option<RocAuc> {
    let placements = Placements::new(ranking);
    let standard_error = placements.covariance(&placements)?.sqrt();
    let value = roc_auc(ranking)?;
    Some(RocAuc { value, standard_error, ci95: wald95(value, standard_error, [0.0, 1.0]) })
}

/// `value` +- 1.96 standard errors within `bounds`; `None` where the standard error is 0.
pub(super) fn wald95(value: f64, standard_error: f64, [lowest, highest]: [f64; 2]) -> Option<[f64; 2]> {
    let half = Z95 * standard_error;
    (half > 0.0).then(|| [(value - half).max(lowest), (value + half).min(highest)])
}

/// Of each sample, the fraction of the samples of the other kind that it is ranked rightly
/// against, ties counting half: DeLong's structural components.
#[derive(Debug)]
pub(super) struct Placements {
    of_positives: Vec<f64>,
    of_negatives: Vec<f64>,
}

impl Placements {
    /// One pass over the ranking: as fast as the midranks of Sun and Xu 2014,
    /// doi:10.1109/LSP.2014.2337313, and the same numbers.
    pub(super) fn new(ranking: &Ranking) -> Self {
        let (positives, negatives) = ranking.totals(&ranking.once());
        let (mut positives_above, mut negatives_above) = (0.0, 0.0);
        let mut placed = Vec::new();
        for tied in ranking.ties() {
            let tied_positives = tied.iter().filter(|ranked| ranked.positive).count() as f64;
            let tied_negatives = tied.len() as f64 - tied_positives;
            let below = negatives as f64 - negatives_above - tied_negatives / 2.0;
            let above = positives_above + tied_positives / 2.0;
            placed.extend(tied.iter().map(|ranked| {
                let fraction =
                    if ranked.positive { below / negatives as f64 } else { above / positives as f64 };
                (ranked.sample, ranked.positive, fraction)
            }));
            positives_above += tied_positives;
            negatives_above += tied_negatives;
        }
        placed.sort_unstable_by_key(|&(sample, ..)| sample);
        let of = |kind| placed.iter().filter(|(_, is, _)| *is == kind).map(|&(.., part)| part).collect();
        Self { of_positives: of(true), of_negatives: of(false) }
    }

    /// Covariance of the two areas over the same samples, never below 0 with itself; `None` with
    /// fewer than two samples of either kind.
    pub(super) fn covariance(&self, other: &Self) -> Option<f64> {
        let positives = covariance(&self.of_positives, &other.of_positives)?;
        let negatives = covariance(&self.of_negatives, &other.of_negatives)?;
        Some(positives / self.of_positives.len() as f64 + negatives / self.of_negatives.len() as f64)
    }
}

/// The sample covariance (divided by one less than their number).
fn covariance(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() < 2 {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (centre, other_centre) = (mean(first), mean(second));
    let products = first.iter().zip(second).map(|(a, b)| (a - centre) * (b - other_centre));
    Some(products.sum::<f64>() / (first.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scores: &[f64], positive: &[bool]) -> Ranking {
        Ranking::new(scores, positive).unwrap()
    }

    #[test]
    fn placements_are_fractions_of_the_other_kind() {
        let placements =
            Placements::new(&ranking(&[0.9, 0.5, 0.5, 0.1, 0.7], &[true, true, false, false, false]));
        assert_eq!(placements.of_positives, [1.0, 0.5]);
        assert_eq!(placements.of_negatives, [0.75, 1.0, 0.5]);
    }

    #[test]
    fn the_mean_placement_is_the_area() {
        let ranking = ranking(&[0.3, 0.8, 0.3, 0.6, 0.8, 0.1], &[true, true, false, false, true, false]);
        let placements = Placements::new(&ranking);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let area = delong(&ranking).unwrap().value;
        assert!((mean(&placements.of_positives) - area).abs() < 1e-15);
        assert!((mean(&placements.of_negatives) - area).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_known_is_none() {
        assert_eq!(delong(&ranking(&[0.9, 0.1, 0.2], &[true, false, false])), None);
        assert_eq!(delong(&ranking(&[0.9, 0.1], &[true, true])), None);
        let perfect = delong(&ranking(&[0.9, 0.8, 0.2, 0.1], &[true, true, false, false])).unwrap();
        assert_eq!((perfect.value, perfect.standard_error, perfect.ci95), (1.0, 0.0, None));
    }
}
