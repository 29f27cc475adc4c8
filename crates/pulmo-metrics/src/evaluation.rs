//! Everything about one set of samples, with intervals.

use super::bootstrap::bootstrap;
use super::calibration::squared_errors;
use super::precision_recall::weighted_average_precision;
use super::roc::weighted_roc_auc;
use super::{Confusion, MetricsError, OneVsRest, Ranking, Reliability, RocAuc, Samples, delong};

/// Index of the positive class where there are two.
const POSITIVE: usize = 1;

/// Number of metrics in an [`Evaluation`].
const METRICS: usize = 21;

/// How to evaluate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationSettings {
    /// The threshold that gave the predictions of two classes; only passed on. Default: none.
    pub threshold: Option<f64>,
    /// How often patients are drawn for the intervals; 0 for no intervals. Default: 2000.
    pub resamples: usize,
    /// Seed of the draws. Default: 0.
    pub seed: u64,
}

impl Default for EvaluationSettings {
    fn default() -> Self {
        Self { threshold: None, resamples: 2000, seed: 0 }
    }
}

/// A metric and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value; `None` where it is undefined.
    pub value: Option<f64>,
    /// 95 % percentile interval over patients; `None` where the value is undefined or fewer than
    /// half of the resamples gave one. That of `expected_calibration_error` lies too high, since
    /// resampling adds noise to the gaps, which count without sign.
    pub ci95: Option<[f64; 2]>,
    /// How many resamples gave a value.
    pub defined_resamples: usize,
}

/// Scores of one class against all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// Fraction of those given the class that are of it.
    pub precision: Option<f64>,
    /// Fraction of those of the class that were given it.
    pub recall: Option<f64>,
    /// Fraction of the others that were given another.
    pub specificity: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Samples of the class.
    pub support: u64,
    /// Area under the class's receiver operating characteristic.
    pub roc_auc: Option<f64>,
    /// The class's average precision.
    pub average_precision: Option<f64>,
}

/// What a classifier is worth on a set of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Number of samples.
    pub n: usize,
    /// Class names.
    pub classes: Vec<String>,
    /// Samples of the positive class; `None` unless there are two classes.
    pub positive: Option<usize>,
    /// The threshold that gave the predictions.
    pub threshold: Option<f64>,
    /// Metrics by name, in the order in which they are told.
    pub metrics: Vec<(&'static str, Estimate)>,
    /// Scores of each class, in the order of `classes`.
    pub per_class: Vec<ClassScores>,
    /// Counts of truth against prediction.
    pub confusion: Confusion,
    /// For two classes: the area under the ROC curve with DeLong's interval.
    pub delong: Option<RocAuc>,
}

impl Evaluation {
    /// Every metric of `samples`. `precision`, `recall`, `specificity`, `f1`, `roc_auc` and
    /// `average_precision` are those of the positive class if there are two classes, otherwise
    /// macro averages of one class against the rest.
    ///
    /// # Errors
    /// As [`Samples::validate`].
    pub fn compute(samples: &Samples, settings: &EvaluationSettings) -> Result<Self, MetricsError> {
        let scorer = Scorer::new(samples)?;
        let once = vec![1; samples.labels.len()];
        let values = scorer.scores(&once);
        let resampled = bootstrap(&samples.patients, settings.resamples, settings.seed, |weights| {
            scorer.scores(weights).map(|(_, value)| value)
        });
        let pair = |((name, value), resampled): ((&'static str, Option<f64>), super::Resampled)| {
            let ci95 = resampled.ci95.filter(|_| value.is_some());
            (name, Estimate { value, ci95, defined_resamples: resampled.defined })
        };
        let positives = samples.labels.iter().filter(|&&label| label == POSITIVE).count();
        Ok(Self {
            n: samples.labels.len(),
            classes: samples.classes.clone(),
            positive: samples.is_binary().then_some(positives),
            threshold: settings.threshold,
            metrics: values.into_iter().zip(resampled).map(pair).collect(),
            per_class: scorer.per_class(&once),
            confusion: scorer.confusion(&once),
            delong: if samples.is_binary() { delong(&scorer.rankings[POSITIVE]) } else { None },
        })
    }

    /// Name of the positive class; `None` unless there are two classes.
    pub fn positive_class(&self) -> Option<&str> {
        let name = self.classes.get(POSITIVE)?;
        self.positive.map(|_| name.as_str())
    }

    /// The metric called `name`.
    pub fn metric(&self, name: &str) -> Option<&Estimate> {
        self.metrics.iter().find(|(known, _)| *known == name).map(|(_, estimate)| estimate)
    }
}

/// Samples prepared so that each resample is one pass, without sorting.
struct Scorer<'a> {
    samples: &'a Samples,
    rankings: Vec<Ranking>,
    reliability: Reliability,
    squared_errors: Vec<f64>,
}

impl<'a> Scorer<'a> {
    fn new(samples: &'a Samples) -> Result<Self, MetricsError> {
        samples.validate()?;
        Ok(Self {
            samples,
            rankings: (0..samples.classes.len())
                .map(|class| samples.ranking(class))
                .collect::<Result<_, _>>()?,
            reliability: samples.reliability()?,
            squared_errors: squared_errors(&samples.labels, &samples.probabilities),
        })
    }

    fn confusion(&self, weights: &[u32]) -> Confusion {
        let Samples { classes, labels, predictions, .. } = self.samples;
        Confusion::weighted(classes.len(), labels, predictions, weights)
    }

    /// Every metric, with each sample counted `weights` times.
    fn scores(&self, weights: &[u32]) -> [(&'static str, Option<f64>); METRICS] {
        let confusion = self.confusion(weights);
        let positive = confusion.one_vs_rest()[POSITIVE];
        let binary = self.samples.is_binary();
        let main = |score: fn(&OneVsRest) -> Option<f64>| {
            if binary { score(&positive) } else { confusion.macro_average(score) }
        };
        [
            ("accuracy", confusion.accuracy()),
            ("balanced_accuracy", confusion.balanced_accuracy()),
            ("precision", main(OneVsRest::precision)),
            ("recall", main(OneVsRest::recall)),
            ("specificity", main(OneVsRest::specificity)),
            ("f1", main(OneVsRest::f1)),
            ("roc_auc", self.by_ranking(|ranking| weighted_roc_auc(ranking, weights))),
            ("average_precision", self.by_ranking(|ranking| weighted_average_precision(ranking, weights))),
            ("mcc", confusion.matthews()),
            ("brier", self.brier(weights)),
            ("expected_calibration_error", self.reliability.weighted_error(weights)),
            ("precision_macro", confusion.macro_average(OneVsRest::precision)),
            ("recall_macro", confusion.macro_average(OneVsRest::recall)),
            ("specificity_macro", confusion.macro_average(OneVsRest::specificity)),
            ("f1_macro", confusion.macro_average(OneVsRest::f1)),
            ("precision_micro", confusion.micro_average(OneVsRest::precision)),
            ("recall_micro", confusion.micro_average(OneVsRest::recall)),
            ("f1_micro", confusion.micro_average(OneVsRest::f1)),
            ("precision_weighted", confusion.weighted_average(OneVsRest::precision)),
            ("recall_weighted", confusion.weighted_average(OneVsRest::recall)),
            ("f1_weighted", confusion.weighted_average(OneVsRest::f1)),
        ]
    }

    /// `area` of the positive class, or its mean over more classes, undefined if one of them is.
    fn by_ranking(&self, area: impl Fn(&Ranking) -> Option<f64>) -> Option<f64> {
        if self.samples.is_binary() {
            return area(&self.rankings[POSITIVE]);
        }
        let areas = self.rankings.iter().map(area).collect::<Option<Vec<f64>>>()?;
        Some(areas.iter().sum::<f64>() / areas.len() as f64)
    }

    fn brier(&self, weights: &[u32]) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (error, &weight) in self.squared_errors.iter().zip(weights) {
            sum += error * f64::from(weight);
            total += f64::from(weight);
        }
        (total > 0.0).then(|| sum / total)
    }

    fn per_class(&self, weights: &[u32]) -> Vec<ClassScores> {
        let scores = |(counts, ranking): (OneVsRest, &Ranking)| ClassScores {
            precision: counts.precision(),
            recall: counts.recall(),
            specificity: counts.specificity(),
            f1: counts.f1(),
            support: counts.support(),
            roc_auc: weighted_roc_auc(ranking, weights),
            average_precision: weighted_average_precision(ranking, weights),
        };
        self.confusion(weights).one_vs_rest().into_iter().zip(&self.rankings).map(scores).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_random::Random;

    fn draw(seed: u64, classes: usize, count: usize) -> Samples {
        let mut random = Random::new(seed);
        let mut samples = Samples {
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
            labels: Vec::new(),
            predictions: Vec::new(),
            probabilities: Vec::new(),
            patients: Vec::new(),
        };
        for sample in 0..count {
            let label = random.below(classes);
            let raw: Vec<f64> =
                (0..classes).map(|class| random.normal() + if class == label { 1.5 } else { 0.0 }).collect();
            let sum: f64 = raw.iter().map(|logit| logit.exp()).sum();
            let row: Vec<f64> = raw.iter().map(|logit| logit.exp() / sum).collect();
            let best = (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            samples.labels.push(label);
            samples.predictions.push(best);
            samples.probabilities.push(row);
            samples.patients.push(format!("patient {}", sample / 2));
        }
        samples
    }

    fn shuffled(samples: &Samples) -> Samples {
        let mut order: Vec<usize> = (0..samples.labels.len()).collect();
        Random::new(99).shuffle(&mut order);
        Samples {
            classes: samples.classes.clone(),
            labels: order.iter().map(|&i| samples.labels[i]).collect(),
            predictions: order.iter().map(|&i| samples.predictions[i]).collect(),
            probabilities: order.iter().map(|&i| samples.probabilities[i].clone()).collect(),
            patients: order.iter().map(|&i| samples.patients[i].clone()).collect(),
        }
    }

    #[test]
    fn intervals_contain_the_value() {
        for classes in [2, 3] {
            let evaluation =
                Evaluation::compute(&draw(1, classes, 300), &EvaluationSettings::default()).unwrap();
            for (name, estimate) in &evaluation.metrics {
                // The calibration error is biased upwards by resampling: noise adds to its gaps.
                if *name != "expected_calibration_error" {
                    let ([low, high], value) = (estimate.ci95.unwrap(), estimate.value.unwrap());
                    assert!(low < value && value < high, "{name}: {estimate:?}");
                }
                assert_eq!(estimate.defined_resamples, 2000);
            }
        }
    }

    #[test]
    fn the_order_of_samples_changes_nothing() {
        let samples = draw(2, 3, 120);
        let evaluate =
            |samples: &Samples| Evaluation::compute(samples, &EvaluationSettings::default()).unwrap();
        let (first, second) = (evaluate(&samples), evaluate(&shuffled(&samples)));
        assert_eq!(first.confusion, second.confusion);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        for ((name, a), (_, b)) in first.metrics.iter().zip(&second.metrics) {
            assert!(near(a.value.unwrap(), b.value.unwrap()), "{name}");
            let ([low, high], [other_low, other_high]) = (a.ci95.unwrap(), b.ci95.unwrap());
            assert!(near(low, other_low) && near(high, other_high), "{name}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_intervals_and_another_does_not() {
        let samples = draw(3, 2, 80);
        let with_seed = |seed| {
            let settings = EvaluationSettings { threshold: Some(0.5), resamples: 200, seed };
            Evaluation::compute(&samples, &settings).unwrap()
        };
        assert_eq!(with_seed(4), with_seed(4));
        assert_ne!(with_seed(4).metrics, with_seed(5).metrics);
    }

    #[test]
    fn names_are_unique() {
        let evaluation = Evaluation::compute(&draw(4, 2, 20), &EvaluationSettings::default()).unwrap();
        let mut names: Vec<_> = evaluation.metrics.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS);
        assert_eq!(evaluation.positive_class(), Some("class 1"));
    }
}
