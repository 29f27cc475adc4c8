//! Thresholds to work with, and what they are worth on other samples.

use std::fmt;
use std::str::FromStr;

use super::bootstrap::{Resampled, bootstrap};
use super::proportion::wilson95;
use super::{
    ChoiceError, Confusion, EvaluationSettings, MetricsError, OneVsRest, Ranking, Samples,
    best_threshold_youden,
};

/// How to choose the threshold from which a sample is called positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OperatingRule {
    /// The largest sensitivity + specificity.
    Youden,
    /// The largest specificity among thresholds with at least this sensitivity.
    Sensitivity(f64),
    /// The largest sensitivity among thresholds with at least this specificity.
    Specificity(f64),
}

impl OperatingRule {
    /// The threshold that the rule chooses on `ranking` (of several, the highest); `None` where no
    /// score reaches what is demanded or there are samples of one kind only.
    ///
    /// Choose it on the validation set: it is optimistic on the samples that it was chosen on.
    pub fn choose(self, ranking: &Ranking) -> Option<f64> {
        let once = ranking.once();
        let (positives, negatives) = ranking.totals(&once);
        if positives == 0 || negatives == 0 {
            return None;
        }
        // Room for the rounding of a demand such as 0.9 against a fraction such as 9 / 10.
        let reaches = |part: u64, whole: u64, demand: f64| part as f64 >= demand * whole as f64 - 1e-9;
        match self {
            Self::Youden => best_threshold_youden(ranking),
            Self::Sensitivity(demand) => {
                let first = ranking.steps(&once).find(|step| reaches(step.true_positives, positives, demand));
                first.map(|step| step.threshold)
            }
            Self::Specificity(demand) => {
                let allowed = ranking
                    .steps(&once)
                    .take_while(|step| reaches(negatives - step.false_positives, negatives, demand));
                let best = allowed
                    .reduce(|best, step| if step.true_positives > best.true_positives { step } else { best });
                best.map(|step| step.threshold)
            }
        }
    }
}

impl FromStr for OperatingRule {
    type Err = ChoiceError;

    /// Reads `youden`, `sensitivity=0.9` or `specificity=0.9`.
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let wrong = || ChoiceError::Rule { given: text.to_owned() };
        let Some((name, demand)) = text.split_once('=') else {
            return if text == "youden" { Ok(Self::Youden) } else { Err(wrong()) };
        };
        let demand: f64 = demand.trim().parse().map_err(|_| wrong())?;
        match name.trim() {
            _ if !(demand > 0.0 && demand <= 1.0) => Err(wrong()),
            "sensitivity" => Ok(Self::Sensitivity(demand)),
            "specificity" => Ok(Self::Specificity(demand)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for OperatingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Youden => f.write_str("youden"),
            Self::Sensitivity(demand) => write!(f, "sensitivity={demand}"),
            Self::Specificity(demand) => write!(f, "specificity={demand}"),
        }
    }
}

/// A fraction of counted samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The fraction; `None` where there are no samples to count.
    pub value: Option<f64>,
    /// Wilson's 95 % interval, which takes samples as independent.
    pub wilson95: Option<[f64; 2]>,
    /// 95 % percentile interval over resampled patients, with the threshold fixed.
    pub by_patient95: Option<[f64; 2]>,
}

/// What calling every sample positive whose probability is at least `threshold` is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatingPoint {
    /// The threshold.
    pub threshold: f64,
    /// Counts of the positive class against the other.
    pub counts: OneVsRest,
    /// Fraction of the positive samples called positive.
    pub sensitivity: Rate,
    /// Fraction of the negative samples called negative.
    pub specificity: Rate,
    /// Fraction of those called positive that are.
    pub positive_predictive_value: Rate,
    /// Fraction of those called negative that are.
    pub negative_predictive_value: Rate,
}

/// What a rate counts: successes and the samples that they are counted among.
type Counted = fn(&OneVsRest) -> (u64, u64);

const RATES: [Counted; 4] = [
    |counts| (counts.true_positives, counts.support()),
    |counts| (counts.true_negatives, counts.true_negatives + counts.false_positives),
    |counts| (counts.true_positives, counts.true_positives + counts.false_positives),
    |counts| (counts.true_negatives, counts.true_negatives + counts.false_negatives),
];

impl OperatingPoint {
    /// The operating point of two-class `samples` at `threshold`.
    ///
    /// # Errors
    /// As [`Samples::validate`]; [`MetricsError::NotTwoClasses`].
    pub fn at(
        threshold: f64,
        samples: &Samples,
        settings: &EvaluationSettings,
    ) -> Result<Self, MetricsError> {
        samples.validate()?;
        if !samples.is_binary() {
            return Err(MetricsError::NotTwoClasses { count: samples.classes.len() });
        }
        let called: Vec<usize> =
            samples.probabilities.iter().map(|row| usize::from(row[1] >= threshold)).collect();
        let count =
            |weights: &[u32]| Confusion::weighted(2, &samples.labels, &called, weights).one_vs_rest()[1];
        let value = |(part, whole): (u64, u64)| (whole > 0).then(|| part as f64 / whole as f64);
        let resampled = bootstrap(&samples.patients, settings.resamples, settings.seed, |weights| {
            let counts = count(weights);
            RATES.map(|counted| value(counted(&counts)))
        });
        let counts = count(&vec![1; called.len()]);
        let rate = |(counted, resampled): (Counted, Resampled)| {
            let (part, whole) = counted(&counts);
            let (value, wilson95) = (value((part, whole)), wilson95(part, whole));
            Rate { value, wilson95, by_patient95: resampled.ci95.filter(|_| value.is_some()) }
        };
        let [first, second, third, fourth] = resampled;
        let [a, b, c, d] = RATES;
        Ok(Self {
            threshold,
            counts,
            sensitivity: rate((a, first)),
            specificity: rate((b, second)),
            positive_predictive_value: rate((c, third)),
            negative_predictive_value: rate((d, fourth)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 10] = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
    const TRUTH: [u8; 10] = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0];

    fn ranking() -> Ranking {
        Ranking::new(&SCORES, &TRUTH.map(|truth| truth == 1)).unwrap()
    }

    fn samples() -> Samples {
        Samples {
            classes: vec!["well".into(), "ill".into()],
            labels: TRUTH.map(usize::from).to_vec(),
            predictions: vec![0; 10],
            probabilities: SCORES.map(|score| vec![1.0 - score, score]).to_vec(),
            patients: (0..10).map(|patient| patient.to_string()).collect(),
        }
    }

    #[test]
    fn rules_choose_the_highest_threshold_that_does() {
        let choose = |rule: OperatingRule| rule.choose(&ranking());
        assert_eq!(choose(OperatingRule::Sensitivity(0.6)), Some(0.7));
        assert_eq!(choose(OperatingRule::Sensitivity(1.0)), Some(0.2));
        assert_eq!(choose(OperatingRule::Specificity(0.8)), Some(0.7));
        assert_eq!(choose(OperatingRule::Specificity(0.6)), Some(0.5));
        assert_eq!(choose(OperatingRule::Specificity(1.0)), Some(0.95));
        let upside_down = Ranking::new(&[0.9, 0.1], &[false, true]).unwrap();
        assert_eq!(OperatingRule::Specificity(0.9).choose(&upside_down), None);
    }

    #[test]
    fn a_point_counts_what_is_at_least_the_threshold() {
        let point = OperatingPoint::at(0.5, &samples(), &EvaluationSettings::default()).unwrap();
        let expected =
            OneVsRest { true_positives: 4, false_positives: 2, false_negatives: 1, true_negatives: 3 };
        assert_eq!(point.counts, expected);
        let rates = [point.sensitivity, point.specificity, point.positive_predictive_value];
        assert_eq!(rates.map(|rate| rate.value.unwrap()), [0.8, 0.6, 4.0 / 6.0]);
        assert_eq!(point.negative_predictive_value.wilson95, wilson95(3, 4));
        let [low, high] = point.sensitivity.by_patient95.unwrap();
        assert!(low < 0.8 && 0.8 < high && high <= 1.0);
    }

    #[test]
    fn rules_are_read_as_they_are_written() {
        for text in ["youden", "sensitivity=0.95", "specificity=0.9"] {
            assert_eq!(text.parse::<OperatingRule>().unwrap().to_string(), text);
        }
        for wrong in ["", "specificity", "specificity=90", "sensitivity=0", "youden=1", "recall=0.9"] {
            assert!(wrong.parse::<OperatingRule>().is_err(), "{wrong}");
        }
    }
}
