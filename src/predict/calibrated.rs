//! Calibrated probabilities.

use crate::metrics::CalibrationMap;

/// Returns calibrated probabilities, computed in double precision.
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
pub(crate) fn calibrate(map: &CalibrationMap, probabilities: &[f32]) -> Vec<f32> {
    let probabilities: Vec<f64> = probabilities.iter().map(|&p| f64::from(p)).collect();
    map.apply(&probabilities).into_iter().map(|p| p as f32).collect()
}
