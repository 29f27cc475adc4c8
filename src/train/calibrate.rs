//! Calibrating a bundle on cases that its weights were not fitted on.

use super::TrainError;
use super::evaluate::{Evaluated, evaluate};
use super::event::Event;
use crate::bundle::{Bundle, Calibration, sha256_hex};
use crate::cohort::{Case, rows_text};
use crate::dicom::Partial;
use crate::engine::{Engine, Outside};
use crate::metrics::{CalibrationMap, CalibrationMethod, MetricsError, Samples, decide};
use crate::network::Compute;
use crate::predict;

/// How to calibrate.
#[derive(Debug, Clone)]
pub struct CalibrationJob {
    /// The kind of map.
    pub method: CalibrationMethod,
    /// What to compute on.
    pub compute: Compute,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
    /// What becomes of a case outside the bundle's domain.
    pub outside: Outside,
}

/// A calibrated bundle and what it was calibrated on.
#[derive(Debug)]
pub struct Calibrated {
    /// The bundle, calibrated.
    pub bundle: Bundle,
    /// What the bundle said about the cases without calibration.
    pub before: Evaluated,
}

/// Returns `bundle` calibrated on `cases`, which must not be those that it was trained on. A
/// calibration that it had is replaced.
///
/// Calibration changes no decision on the cases, whichever class that is: the threshold moves with the
/// probabilities, an isotonic map gets a small step at it, so that cases on one plateau stay on their sides, and a
/// temperature so extreme that rounding would make cases on both sides equal is taken only as far as it keeps them
/// apart. Cases of equal probability had one decision before and have it after.
///
/// # Errors
/// As [`evaluate`]; [`TrainError::Metrics`] where no map can be fitted.
pub fn calibrate(
    bundle: &Bundle,
    cases: &[Case],
    how: &CalibrationJob,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Calibrated, TrainError> {
    let raw = bundle.clone().uncalibrated();
    let engine = Engine::new(&raw, &how.compute).with_partial(how.partial).with_outside(how.outside);
    let before = evaluate(&engine, cases, observe)?;
    let map = CalibrationMap::fit(how.method, &before.samples.labels, &before.samples.probabilities)?;
    let uncalibrated_threshold = raw.manifest().threshold;
    let said: Vec<&[f32]> =
        before.scored.iter().map(|scored| scored.prediction.probabilities.as_slice()).collect();
    let (map, threshold) = keeping(map, &said, uncalibrated_threshold)?;
    let rows = before.scored.iter().map(|scored| (&scored.case, scored.case.split));
    let calibration = Calibration {
        cases: before.scored.len(),
        data_sha256: sha256_hex(rows_text(rows).as_bytes()),
        uncalibrated_threshold,
        map,
    };
    Ok(Calibrated { bundle: raw.calibrated(calibration, threshold)?, before })
}

/// The map nearest to `map` by which all decisions on `said` stay what they are, and the threshold that goes with it.
fn keeping(
    map: CalibrationMap,
    said: &[&[f32]],
    threshold: Option<f32>,
) -> Result<(CalibrationMap, Option<f32>), MetricsError> {
    let map = threshold.map_or(map.clone(), |threshold| map.with_step(f64::from(threshold)));
    if let Some(moved) = moved(&map, said, threshold) {
        return Ok((map, moved));
    }
    let CalibrationMap::Temperature { temperature } = map else { return Err(MetricsError::NoTemperature) };
    // The loss is convex in 1 / T: the nearer to the best temperature, the better. At 1 nothing changes.
    let at = |exponent: f64| CalibrationMap::Temperature { temperature: temperature.powf(exponent) };
    let (mut kept, mut lost) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(kept, lost);
        if moved(&at(middle), said, threshold).is_some() { kept = middle } else { lost = middle }
    }
    let threshold = moved(&at(kept), said, threshold).ok_or(MetricsError::NoTemperature)?;
    Ok((at(kept), threshold))
}

/// The threshold by which probabilities that went through `map` give the decisions that `said` gives by `threshold`;
/// `None` where none does.
fn moved(map: &CalibrationMap, said: &[&[f32]], threshold: Option<f32>) -> Option<Option<f32>> {
    let after = |row: &[f32]| predict::calibrate(map, row);
    let Some(threshold) = threshold else {
        let stays = |row: &&[f32]| decide(row, None) == decide(&after(row), None);
        return said.iter().all(stays).then_some(None);
    };
    let positive = |row: &[f32]| after(row).last().copied().unwrap_or(0.0);
    let (called, others): (Vec<&[f32]>, Vec<&[f32]>) =
        said.iter().partition(|row| decide(row, Some(threshold)) == 1);
    let least = called.iter().map(|row| positive(row)).fold(1.0, f32::min);
    let most = others.iter().map(|row| positive(row)).fold(f32::NEG_INFINITY, f32::max);
    let own = positive(&[1.0 - threshold, threshold]).clamp(most.next_up().min(least), least);
    (most < own).then_some(Some(own))
}

/// `samples`, as an uncalibrated bundle made them, as the calibrated `bundle` makes them.
pub fn with_calibration(samples: &Samples, bundle: &Bundle) -> Samples {
    let manifest = bundle.manifest();
    let Some(Calibration { map, .. }) = &manifest.calibration else { return samples.clone() };
    #[expect(clippy::cast_possible_truncation, reason = "the bundle's probabilities are f32")]
    let narrow = |row: &Vec<f64>| -> Vec<f32> { row.iter().map(|&p| p as f32).collect() };
    let rows: Vec<Vec<f32>> =
        samples.probabilities.iter().map(|row| predict::calibrate(map, &narrow(row))).collect();
    Samples {
        predictions: rows.iter().map(|row| decide(row, manifest.threshold)).collect(),
        probabilities: rows.iter().map(|row| row.iter().map(|&p| f64::from(p)).collect()).collect(),
        ..samples.clone()
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small values drawn for a test")]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The map, the threshold that goes with it, and the decisions before and after.
    type Calibrated = (CalibrationMap, Option<f32>, [Vec<usize>; 2]);

    /// Calibrates probabilities with their labels; returns them, the thresholds and the decisions before and after.
    fn calibrated(
        method: CalibrationMethod,
        rows: &[Vec<f32>],
        (labels, threshold): (&[usize], Option<f32>),
    ) -> Result<Calibrated, MetricsError> {
        let wide: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|&p| f64::from(p)).collect()).collect();
        let said: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let (map, moved) = keeping(CalibrationMap::fit(method, labels, &wide)?, &said, threshold)?;
        let before = rows.iter().map(|row| decide(row, threshold)).collect();
        let after = rows.iter().map(|row| decide(&predict::calibrate(&map, row), moved)).collect();
        Ok((map, moved, [before, after]))
    }

    fn two(scores: &[f32]) -> Vec<Vec<f32>> {
        scores.iter().map(|&score| vec![1.0 - score, score]).collect()
    }

    #[test]
    fn an_isotonic_plateau_across_the_threshold_does_not_call_everything_positive() {
        let rows = two(&[0.1, 0.2, 0.4, 0.6, 0.9, 0.95]);
        let labels = [0, 0, 0, 0, 1, 1];
        let (_, threshold, [before, after]) =
            calibrated(CalibrationMethod::Isotonic, &rows, (&labels, Some(0.5))).unwrap();
        assert_eq!(before, [0, 0, 0, 1, 1, 1]);
        assert_eq!(after, before);
        assert!(threshold.unwrap() > 0.0);
    }

    /// 0.8 and 0.9 to the power of 50 are both one to a f32, the threshold lies between them.
    #[test]
    fn a_temperature_goes_no_further_than_decisions_stay() {
        let rows = two(&[0.2, 0.3, 0.8, 0.9]);
        let said: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let cold = CalibrationMap::Temperature { temperature: 0.02 };
        assert_eq!(moved(&cold, &said, Some(0.85)), None);
        let (map, threshold) = keeping(cold, &said, Some(0.85)).unwrap();
        let CalibrationMap::Temperature { temperature } = map else { panic!("{map:?}") };
        assert!((0.02..0.2).contains(&temperature), "{temperature}");
        let after = rows.iter().map(|row| decide(&predict::calibrate(&map, row), threshold));
        assert_eq!(after.collect::<Vec<_>>(), [0, 0, 0, 1]);
    }

    /// Random sets with many ties, saturated probabilities, neighbours a bit apart, and thresholds at cases and between.
    #[test]
    fn calibration_keeps_every_decision_on_its_cases() {
        let mut random = Random::new(3);
        let mut fitted = 0;
        for round in 0..2000 {
            let count = 2 + random.below(40);
            let sharpness = [0.3, 3.0, 12.0, 40.0][round % 4];
            let mut scores: Vec<f32> = (0..count)
                .map(|_| (1.0 / (1.0 + (-sharpness * random.normal()).exp())) as f32)
                .map(|score| if round % 3 == 0 { (score * 8.0).round() / 8.0 } else { score })
                .collect();
            let own = scores[random.below(count)];
            scores.extend([own.next_down().max(0.0), own.next_up().min(1.0)]);
            let labels: Vec<usize> = scores
                .iter()
                .map(|&score| usize::from(random.chance(0.2 + 0.6 * f64::from(score))))
                .collect();
            let threshold = match round % 5 {
                0 => 0.5,
                1 => random.uniform(0.0, 1.0) as f32,
                2 => [0.0, 1.0][random.below(2)],
                _ => own,
            };
            for method in [CalibrationMethod::Temperature, CalibrationMethod::Isotonic] {
                let result = calibrated(method, &two(&scores), (&labels, Some(threshold)));
                let Ok((map, moved, [before, after])) = result else { continue };
                assert_eq!(before, after, "{method} {threshold} {moved:?} {map:?} {scores:?}");
                assert!((0.0..=1.0).contains(&moved.unwrap()));
                fitted += 1;
            }
        }
        assert!(fitted > 3000, "{fitted}");
    }

    #[test]
    fn of_several_classes_the_most_probable_stays() {
        let mut random = Random::new(4);
        let mut fitted = 0;
        for _ in 0..300 {
            let sharpness = random.uniform(0.1, 30.0);
            let row = |random: &mut Random| {
                let logits: Vec<f32> = (0..3).map(|_| (sharpness * random.normal()) as f32).collect();
                crate::network::softmax(&logits)
            };
            let rows: Vec<Vec<f32>> = (0..20).map(|_| row(&mut random)).collect();
            let own = |row: &Vec<f32>| {
                if random.chance(0.5) { decide(row, None) } else { random.below(3) }
            };
            let labels: Vec<usize> = rows.iter().map(own).collect();
            let result = calibrated(CalibrationMethod::Temperature, &rows, (&labels, None));
            let Ok((_, None, [before, after])) = result else { continue };
            assert_eq!(before, after);
            fitted += 1;
        }
        assert!(fitted > 100, "{fitted}");
    }
}
