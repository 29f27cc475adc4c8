//! From logits to probabilities to a class.

use crate::metrics::CalibrationMap;

/// Returns the index of the class to give: for two classes the second from `threshold` on,
/// else the most probable (the first of equals).
pub fn decide(probabilities: &[f32], threshold: Option<f32>) -> usize {
    match (probabilities, threshold) {
        ([_, positive], Some(threshold)) => usize::from(*positive >= threshold),
        _ => {
            let best = probabilities.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            probabilities.iter().position(|p| *p == best).unwrap_or(0)
        }
    }
}

/// Returns calibrated probabilities, computed in double precision.
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
pub(crate) fn calibrate(map: &CalibrationMap, probabilities: &[f32]) -> Vec<f32> {
    let probabilities: Vec<f64> = probabilities.iter().map(|&p| f64::from(p)).collect();
    map.apply(&probabilities).into_iter().map(|p| p as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_decides_between_two() {
        assert_eq!(decide(&[0.7, 0.3], Some(0.3)), 1);
        assert_eq!(decide(&[0.7, 0.3], Some(0.31)), 0);
        assert_eq!(decide(&[0.2, 0.5, 0.3], None), 1);
    }
}
