//! Maps that make probabilities mean what they say, fitted on cases that nothing else was fitted on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::calibration::{check_rows, ln};
use super::{CalibrationMapError, ChoiceError, MetricsError};
use super::{Samples, isotonic};
use pulmo_random::Random;

/// How much an isotonic map rises at a decision threshold at least: little beside what calibration can know, and enough
/// to be seen in four digits.
const STEP: f64 = 1e-4;

/// Temperatures that are looked at.
const TEMPERATURES: [f64; 2] = [0.01, 100.0];

/// How to fit a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalibrationMethod {
    /// One number for any number of classes, which changes no ranking.
    Temperature,
    /// A rising step curve for two classes; needs some hundred cases.
    Isotonic,
}

impl FromStr for CalibrationMethod {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "temperature" => Ok(Self::Temperature),
            "isotonic" => Ok(Self::Isotonic),
            _ => Err(ChoiceError::Method { given: text.to_owned() }),
        }
    }
}

impl fmt::Display for CalibrationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Temperature { "temperature" } else { "isotonic" })
    }
}

/// A map from probabilities to calibrated probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CalibrationMap {
    /// `p_i^(1/T) / sum_j p_j^(1/T)`, the softmax of the logits divided by `T`.
    Temperature {
        /// T, above 1 where the classifier was too sure of itself.
        temperature: f64,
    },
    /// For two classes: the probability of the second, linear between the given points and
    /// constant beyond them.
    Isotonic {
        /// Probabilities before, rising.
        scores: Vec<f64>,
        /// Probabilities after, not falling.
        probabilities: Vec<f64>,
    },
}

impl CalibrationMap {
    /// The map that makes the log loss (temperature) or the Brier score (isotonic) of the given
    /// cases smallest.
    ///
    /// # Shapes
    /// `labels`: `[samples]`, class indices. `probabilities`: `[samples][classes]`.
    ///
    /// # Errors
    /// As [`super::brier_score`]; [`MetricsError::NoTemperature`]; [`MetricsError::NotTwoClasses`].
    ///
    /// # References
    /// Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599; Zadrozny and Elkan 2002,
    /// doi:10.1145/775047.775151.
    pub fn fit(
        method: CalibrationMethod,
        labels: &[usize],
        probabilities: &[Vec<f64>],
    ) -> Result<Self, MetricsError> {
        let classes = check_rows(labels, probabilities)?;
        match method {
            CalibrationMethod::Temperature => {
                Ok(Self::Temperature { temperature: fit_temperature(labels, probabilities)? })
            }
            CalibrationMethod::Isotonic if classes != 2 => {
                Err(MetricsError::NotTwoClasses { count: classes })
            }
            CalibrationMethod::Isotonic => {
                let scores: Vec<f64> = probabilities.iter().map(|row| row[1]).collect();
                let truth: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
                let (scores, probabilities) = isotonic::fit(&scores, &truth);
                Ok(Self::Isotonic { scores, probabilities })
            }
        }
    }

    /// The calibrated probabilities of one sample.
    pub fn apply(&self, probabilities: &[f64]) -> Vec<f64> {
        match self {
            Self::Temperature { temperature: 1.0 } => probabilities.to_vec(),
            Self::Temperature { temperature } => {
                let logits: Vec<f64> = probabilities.iter().map(|&p| ln(p) / temperature).collect();
                let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            }
            Self::Isotonic { scores, probabilities: values } => {
                let score = probabilities.last().copied().unwrap_or(0.0);
                let positive = isotonic::interpolate(scores, values, score);
                vec![1.0 - positive, positive]
            }
        }
    }

    /// The map with a step at `threshold`, a probability of the second of two classes before calibration: what is below
    /// it stays below what is at or above it, also where the curve is flat. A temperature rises everywhere and stays.
    #[must_use]
    pub fn with_step(self, threshold: f64) -> Self {
        let Self::Isotonic { scores, probabilities } = self else { return self };
        let centre = isotonic::interpolate(&scores, &probabilities, threshold);
        let low = (centre - STEP / 2.0).clamp(0.0, 1.0 - STEP);
        let high = low + STEP;
        let (below, above): (Vec<_>, Vec<_>) =
            scores.into_iter().zip(probabilities).partition(|(score, _)| *score < threshold);
        let below = below.into_iter().map(|(score, value)| (score, value.min(low)));
        let above = above.into_iter().map(|(score, value)| (score, value.max(high)));
        let step = [(threshold.next_down(), low), (threshold, high)];
        let step = step.into_iter().filter(|(score, _)| (0.0..=1.0).contains(score));
        let mut points: Vec<(f64, f64)> = below.chain(step).chain(above).collect();
        // A point that the map had there stays: it is no lower than the step's end.
        points.reverse();
        points.dedup_by_key(|point| point.0);
        points.reverse();
        let (scores, probabilities) = points.into_iter().unzip();
        Self::Isotonic { scores, probabilities }
    }

    /// Checks what types cannot, for a bundle of `classes` classes.
    ///
    /// # Errors
    /// [`CalibrationMapError`] says what is wrong.
    pub fn validate(&self, classes: usize) -> Result<(), CalibrationMapError> {
        match self {
            Self::Temperature { temperature } if *temperature > 0.0 && temperature.is_finite() => Ok(()),
            Self::Temperature { temperature } => {
                Err(CalibrationMapError::Temperature { found: *temperature })
            }
            Self::Isotonic { .. } if classes != 2 => {
                Err(CalibrationMapError::IsotonicClasses { count: classes })
            }
            Self::Isotonic { scores, probabilities } => {
                let rising = |values: &[f64]| {
                    values.is_sorted() && values.iter().all(|value| (0.0..=1.0).contains(value))
                };
                let fit = !scores.is_empty() && scores.len() == probabilities.len();
                if fit && rising(scores) && rising(probabilities) {
                    return Ok(());
                }
                let (scores, probabilities) = (scores.len(), probabilities.len());
                Err(CalibrationMapError::IsotonicPoints { scores, probabilities })
            }
        }
    }
}

/// The temperature at which the derivative of the log loss by 1 / T is 0. The loss is convex in
/// 1 / T, so halving the range finds it.
fn fit_temperature(labels: &[usize], probabilities: &[Vec<f64>]) -> Result<f64, MetricsError> {
    let slope = |inverse: f64| -> f64 {
        let map = CalibrationMap::Temperature { temperature: 1.0 / inverse };
        let slope_of = |(&label, row): (&usize, &Vec<f64>)| {
            let expected: f64 = map.apply(row).iter().zip(row).map(|(p, &raw)| p * ln(raw)).sum();
            expected - ln(row[label])
        };
        labels.iter().zip(probabilities).map(slope_of).sum()
    };
    let [mut low, mut high] = [1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]];
    if slope(low) >= 0.0 || slope(high) <= 0.0 {
        return Err(MetricsError::NoTemperature);
    }
    while high - low > 1e-12 * high {
        let middle = f64::midpoint(low, high);
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    Ok(1.0 / f64::midpoint(low, high))
}

/// Calibrated probabilities of each sample by a map fitted on the samples of other patients, in
/// `folds` parts: what calibration is worth on cases that it has not seen.
///
/// # Errors
/// As [`CalibrationMap::fit`].
pub fn cross_calibrate(
    method: CalibrationMethod,
    samples: &Samples,
    folds: usize,
) -> Result<Vec<Vec<f64>>, MetricsError> {
    samples.validate()?;
    let mut patients: Vec<&String> = samples.patients.iter().collect();
    patients.sort_unstable();
    patients.dedup();
    Random::new(0).shuffle(&mut patients);
    let fold_of: std::collections::BTreeMap<&String, usize> =
        patients.into_iter().enumerate().map(|(index, patient)| (patient, index % folds.max(2))).collect();
    let folds_of: Vec<usize> = samples.patients.iter().map(|patient| fold_of[patient]).collect();
    let mut calibrated = samples.probabilities.clone();
    for fold in 0..folds.max(2) {
        let others = || folds_of.iter().enumerate().filter(|(_, of)| **of != fold).map(|(index, _)| index);
        let labels: Vec<usize> = others().map(|index| samples.labels[index]).collect();
        let rows: Vec<Vec<f64>> = others().map(|index| samples.probabilities[index].clone()).collect();
        let map = CalibrationMap::fit(method, &labels, &rows)?;
        for (row, _) in calibrated.iter_mut().zip(&folds_of).filter(|(_, of)| **of == fold) {
            *row = map.apply(row);
        }
    }
    Ok(calibrated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration_scores;

    /// Cases whose classifier's logits are `sharpness` times those that the labels were drawn from.
    fn drawn(count: usize, sharpness: f64) -> Samples {
        let mut random = Random::new(5);
        let mut samples = Samples {
            classes: vec!["well".into(), "ill".into()],
            labels: Vec::new(),
            predictions: vec![0; count],
            probabilities: Vec::new(),
            patients: (0..count).map(|sample| (sample / 2).to_string()).collect(),
        };
        for _ in 0..count {
            let logit = 1.5 * random.normal();
            samples.labels.push(usize::from(random.chance(1.0 / (1.0 + (-logit).exp()))));
            let said = 1.0 / (1.0 + (-sharpness * logit).exp());
            samples.probabilities.push(vec![1.0 - said, said]);
        }
        samples
    }

    #[test]
    fn a_temperature_undoes_what_made_the_classifier_too_sure() {
        for sharpness in [0.5, 3.0] {
            let Samples { labels, probabilities, .. } = drawn(20_000, sharpness);
            let map = CalibrationMap::fit(CalibrationMethod::Temperature, &labels, &probabilities).unwrap();
            let CalibrationMap::Temperature { temperature } = map else { panic!("{map:?}") };
            assert!((temperature / sharpness - 1.0).abs() < 0.05, "{temperature} {sharpness}");
        }
    }

    #[test]
    fn calibration_helps_patients_that_it_has_not_seen() {
        let samples = drawn(2000, 4.0);
        for method in [CalibrationMethod::Temperature, CalibrationMethod::Isotonic] {
            let calibrated = cross_calibrate(method, &samples, 5).unwrap();
            let before = calibration_scores(&samples.labels, &samples.probabilities).unwrap();
            let after = calibration_scores(&samples.labels, &calibrated).unwrap();
            assert!(after.expected_calibration_error < 0.4 * before.expected_calibration_error, "{after:?}");
            assert!(after.brier < before.brier);
        }
    }

    #[test]
    fn a_temperature_keeps_sums_and_ranks_and_the_even_odds() {
        let map = CalibrationMap::Temperature { temperature: 2.5 };
        let row = map.apply(&[0.2, 0.7, 0.1]);
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-15 && row[1] > row[0] && row[0] > row[2]);
        assert_eq!(map.apply(&[0.5, 0.5]), [0.5, 0.5]);
        assert!(map.apply(&[0.0, 1.0]).iter().all(|p| p.is_finite()));
    }

    /// Random curves with plateaus, thresholds within them, at their ends and between them.
    #[test]
    fn a_step_parts_what_a_plateau_joins_and_changes_little_else() {
        let mut random = Random::new(11);
        for round in 0..500 {
            let count = 2 + random.below(30);
            // Few values: many ties.
            let coarse = [4.0, 10.0, 1e6][round % 3];
            let scores: Vec<f64> =
                (0..count).map(|_| (random.uniform(0.0, 1.0) * coarse).round() / coarse).collect();
            let rows: Vec<Vec<f64>> = scores.iter().map(|&score| vec![1.0 - score, score]).collect();
            let labels: Vec<usize> = scores.iter().map(|_| random.below(2)).collect();
            let map = CalibrationMap::fit(CalibrationMethod::Isotonic, &labels, &rows).unwrap();
            let threshold = if round % 2 == 0 { scores[0] } else { random.uniform(0.0, 1.0) };
            let stepped = map.clone().with_step(threshold);
            assert_eq!(stepped.validate(2), Ok(()), "{map:?} {threshold}");
            let value = |map: &CalibrationMap, score: f64| map.apply(&[1.0 - score, score])[1];
            let mut seen: Vec<f64> =
                scores.iter().copied().chain((0..=100).map(|i| f64::from(i) / 100.0)).collect();
            seen.sort_by(f64::total_cmp);
            let least = value(&stepped, threshold);
            for &score in &seen {
                let after = value(&stepped, score);
                assert_eq!(after > least - STEP / 2.0, score >= threshold, "{stepped:?} {score} {threshold}");
                if scores.contains(&score) {
                    assert!(
                        (after - value(&map, score)).abs() <= STEP + 1e-12,
                        "{map:?} {stepped:?} {score}"
                    );
                }
            }
            assert!(
                seen.iter()
                    .map(|&score| value(&stepped, score))
                    .collect::<Vec<_>>()
                    .is_sorted_by(|a, b| *a <= b + 1e-15)
            );
        }
        let map = CalibrationMap::Temperature { temperature: 2.0 };
        assert_eq!(map.clone().with_step(0.5), map);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = [vec![0.9, 0.1], vec![0.1, 0.9]];
        let fit = |method, labels: &[usize]| CalibrationMap::fit(method, labels, &rows);
        assert_eq!(fit(CalibrationMethod::Temperature, &[0, 1]), Err(MetricsError::NoTemperature));
        assert_eq!(fit(CalibrationMethod::Temperature, &[1, 0]), Err(MetricsError::NoTemperature));
        let three = [vec![0.5, 0.3, 0.2]];
        let refused = CalibrationMap::fit(CalibrationMethod::Isotonic, &[0], &three);
        assert_eq!(refused, Err(MetricsError::NotTwoClasses { count: 3 }));
    }

    #[test]
    fn spoiled_maps_are_refused() {
        let isotonic = |scores: &[f64], probabilities: &[f64]| CalibrationMap::Isotonic {
            scores: scores.to_vec(),
            probabilities: probabilities.to_vec(),
        };
        assert_eq!(isotonic(&[0.1, 0.9], &[0.0, 1.0]).validate(2), Ok(()));
        assert!(isotonic(&[0.1, 0.9], &[0.0, 1.0]).validate(3).is_err());
        assert!(isotonic(&[0.1, 0.9], &[1.0, 0.0]).validate(2).is_err());
        assert!(isotonic(&[0.1, 0.9], &[0.5]).validate(2).is_err());
        assert!(isotonic(&[], &[]).validate(2).is_err());
        assert!(CalibrationMap::Temperature { temperature: 0.0 }.validate(2).is_err());
        assert!(CalibrationMap::Temperature { temperature: f64::NAN }.validate(2).is_err());
    }
}
