//! From probabilities to a class.

/// The class to give: for two classes the second from `threshold` on, else the most probable (the
/// first of equals).
pub fn decide(row: &[f64], threshold: Option<f64>) -> usize {
    match (row, threshold) {
        ([_, positive], Some(threshold)) => usize::from(*positive >= threshold),
        _ => {
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter().position(|&p| p == best).unwrap_or(0)
        }
    }
}
