//! Calibrating a bundle on cases that its weights were not fitted on.

use super::TrainError;
use super::evaluate::{Evaluated, evaluate};
use super::event::Event;
use super::manifest::{Case, rows_sha256};
use crate::bundle::{Bundle, Calibration};
use crate::gpu::Compute;
use crate::metrics::{CalibrationMap, CalibrationMethod, Samples};
use crate::predict;

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
/// The threshold moves with the probabilities, so that a temperature changes no decision on the
/// cases. An isotonic map may: cases in a flat piece of it become equal.
///
/// # Errors
/// As [`evaluate`]; [`TrainError::Metrics`] where no map can be fitted.
pub fn calibrate(
    bundle: &Bundle,
    cases: &[Case],
    (method, compute): (CalibrationMethod, &Compute),
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Calibrated, TrainError> {
    let raw = bundle.clone().uncalibrated();
    let before = evaluate(&raw, cases, compute, observe)?;
    let map = CalibrationMap::fit(method, &before.samples.labels, &before.samples.probabilities)?;
    let uncalibrated_threshold = raw.manifest().threshold;
    let threshold = uncalibrated_threshold.map(|threshold| moved(threshold, &map, &before));
    let rows = before.scored.iter().map(|scored| (&scored.case, scored.case.split));
    let calibration = Calibration {
        cases: before.scored.len(),
        data_sha256: rows_sha256(rows),
        uncalibrated_threshold,
        map,
    };
    Ok(Calibrated { bundle: raw.calibrated(calibration, threshold)?, before })
}

/// The threshold after calibration, not above any case that was called positive before: rounding
/// must not turn the case that the threshold was chosen at.
fn moved(threshold: f32, map: &CalibrationMap, before: &Evaluated) -> f32 {
    let positive = |probabilities: &[f32]| predict::calibrate(map, probabilities).last().copied();
    let called = before.scored.iter().map(|scored| scored.prediction.probabilities.as_slice());
    let called = called.filter(|row| row.last().is_some_and(|&p| p >= threshold)).filter_map(positive);
    called.chain(positive(&[1.0 - threshold, threshold])).fold(1.0, f32::min)
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
        predictions: rows.iter().map(|row| predict::decide(row, manifest.threshold)).collect(),
        probabilities: rows.iter().map(|row| row.iter().map(|&p| f64::from(p)).collect()).collect(),
        ..samples.clone()
    }
}
