//! Whether acting on the classifier does more good than harm.

use super::Ranking;
use super::ranking::RankingStep;

/// What acting on a classifier is worth to those who act from a probability of `threshold` on:
/// the fraction of true positives less that of false positives, which count
/// `threshold / (1 - threshold)`, the odds at which harm and benefit are held equal. Acting on
/// nobody is worth 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetBenefit {
    /// The probability from which to act.
    pub threshold: f64,
    /// Acting on those whose probability is at least `threshold`.
    pub model: f64,
    /// Acting on everybody.
    pub treat_all: f64,
}

/// Thresholds of 1 % to 99 % in steps of 1 %.
pub fn decision_thresholds() -> Vec<f64> {
    (1..100).map(|percent| f64::from(percent) / 100.0).collect()
}

/// The net benefit of the probabilities ranked in `ranking` at each of `thresholds`, all in `[0, 1)`.
///
/// It is about probabilities, so it punishes a classifier that is not calibrated, and it holds for
/// the prevalence of these samples.
///
/// # References
/// Vickers and Elkin 2006, doi:10.1177/0272989X06295361.
pub fn decision_curve(ranking: &Ranking, thresholds: &[f64]) -> Vec<NetBenefit> {
    let once = ranking.once();
    let (positives, negatives) = ranking.totals(&once);
    let total = (positives + negatives) as f64;
    let steps: Vec<RankingStep> = ranking.steps(&once).collect();
    let at = |&threshold: &f64| {
        let odds = threshold / (1.0 - threshold);
        let above = steps.partition_point(|step| step.threshold >= threshold);
        let (hits, alarms) = above
            .checked_sub(1)
            .map_or((0, 0), |last| (steps[last].true_positives, steps[last].false_positives));
        let benefit = |hits: u64, alarms: u64| (hits as f64 - alarms as f64 * odds) / total;
        NetBenefit { threshold, model: benefit(hits, alarms), treat_all: benefit(positives, negatives) }
    };
    thresholds.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benefit_weighs_false_alarms_by_the_odds() {
        let ranking = Ranking::new(&[0.9, 0.5, 0.5, 0.1], &[true, true, false, false]).unwrap();
        let curve = decision_curve(&ranking, &[0.0, 0.2, 0.5, 0.8, 0.95]);
        let model: Vec<f64> = curve.iter().map(|point| point.model).collect();
        for (found, expected) in model.iter().zip([0.5, 0.5 - 0.25 * 0.25, 0.5 - 0.25, 0.25, 0.0]) {
            assert!((found - expected).abs() < 1e-15, "{model:?}");
        }
        // The threshold at which acting on all is worth nothing is the prevalence.
        assert!(curve[2].treat_all.abs() < 1e-15);
    }
}
