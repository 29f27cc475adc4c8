//! From probabilities to a class.

/// Returns the index of the class to give, for probabilities of either precision: for two classes the
/// second from `threshold` on, else the most probable (the first of equals).
pub fn decide<P: Copy + Into<f64>>(probabilities: &[P], threshold: Option<P>) -> usize {
    let wide = |p: &P| -> f64 { (*p).into() };
    match (probabilities, threshold) {
        ([_, positive], Some(threshold)) => usize::from(wide(positive) >= wide(&threshold)),
        _ => {
            let best = probabilities.iter().map(wide).fold(f64::NEG_INFINITY, f64::max);
            probabilities.iter().position(|p| wide(p) == best).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_decides_between_two_in_either_precision() {
        assert_eq!(decide(&[0.7_f32, 0.3], Some(0.3)), 1);
        assert_eq!(decide(&[0.7_f32, 0.3], Some(0.3_f32.next_up())), 0);
        assert_eq!(decide(&[0.7, 0.3], Some(0.31)), 0);
        assert_eq!(decide(&[0.2, 0.5, 0.3], None), 1);
        assert_eq!(decide(&[0.4_f32, 0.4, 0.2], Some(0.1)), 0);
    }
}
