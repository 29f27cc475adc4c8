//! Samples sorted by score once, from which curves and areas follow in one pass.

use super::MetricsError;
use super::error::check_length;

/// Samples of two kinds in the order of falling score, ties together.
///
/// A sample is called positive at a threshold `t` if its score is `>= t`.
#[derive(Debug, Clone)]
pub struct Ranking {
    ranked: Vec<Ranked>,
}

/// One sample in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranked {
    pub(super) score: f64,
    /// Position in the order in which the samples were given.
    pub(super) sample: usize,
    pub(super) positive: bool,
}

/// How many samples score at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RankingStep {
    pub(super) threshold: f64,
    pub(super) true_positives: u64,
    pub(super) false_positives: u64,
}

impl Ranking {
    /// The ranking of samples by `scores`; `positive` says which are of the class looked for.
    ///
    /// # Errors
    /// No samples; lists of different length; a score that is not finite.
    pub fn new(scores: &[f64], positive: &[bool]) -> Result<Self, MetricsError> {
        check_length("labels", scores.len(), positive.len())?;
        if scores.is_empty() {
            return Err(MetricsError::Empty);
        }
        if let Some((sample, &found)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
            return Err(MetricsError::Score { sample, found });
        }
        let pairs = scores.iter().zip(positive).enumerate();
        let mut ranked: Vec<Ranked> =
            pairs.map(|(sample, (&score, &positive))| Ranked { score, sample, positive }).collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Self { ranked })
    }

    /// Weights that count each sample once.
    pub(super) fn once(&self) -> Vec<u32> {
        vec![1; self.ranked.len()]
    }

    /// The samples of each distinct score together, from the highest.
    pub(super) fn ties(&self) -> impl Iterator<Item = &[Ranked]> {
        self.ranked.chunk_by(|a, b| a.score == b.score)
    }

    /// The counts at each distinct score, from the highest, with each sample counted `weights`
    /// times (in the order in which the samples were given).
    pub(super) fn steps<'a>(&'a self, weights: &'a [u32]) -> impl Iterator<Item = RankingStep> + 'a {
        let (mut true_positives, mut false_positives) = (0, 0);
        self.ties().map(move |tied| {
            for &Ranked { sample, positive, .. } in tied {
                let side = if positive { &mut true_positives } else { &mut false_positives };
                *side += u64::from(weights[sample]);
            }
            RankingStep { threshold: tied[0].score, true_positives, false_positives }
        })
    }

    /// Numbers of positive and negative samples.
    pub(super) fn totals(&self, weights: &[u32]) -> (u64, u64) {
        self.ranked.iter().fold((0, 0), |(positives, negatives), ranked| {
            let weight = u64::from(weights[ranked.sample]);
            if ranked.positive { (positives + weight, negatives) } else { (positives, negatives + weight) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_one_step() {
        let ranking = Ranking::new(&[0.2, 0.9, 0.2, 0.5], &[true, true, false, false]).unwrap();
        let steps: Vec<_> = ranking
            .steps(&[1, 1, 1, 3])
            .map(|step| (step.threshold, step.true_positives, step.false_positives))
            .collect();
        assert_eq!(steps, [(0.9, 1, 0), (0.5, 1, 3), (0.2, 2, 4)]);
        assert_eq!(ranking.totals(&[1, 1, 1, 3]), (2, 4));
    }

    #[test]
    fn bad_scores_are_refused() {
        assert!(matches!(Ranking::new(&[], &[]), Err(MetricsError::Empty)));
        assert!(matches!(
            Ranking::new(&[0.1, f64::NAN], &[true, false]),
            Err(MetricsError::Score { sample: 1, .. })
        ));
        assert!(matches!(Ranking::new(&[0.1], &[true, false]), Err(MetricsError::Length { .. })));
    }
}
