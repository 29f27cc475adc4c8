//! Fractions of counted samples and how far they can be trusted.

use super::confusion::ratio;
use super::normal::Z95;

/// Wilson's 95 % score interval of `successes` among `total` independent samples, which also holds
/// for few samples and for fractions of 0 and 1; `None` without samples.
///
/// # References
/// Wilson 1927, doi:10.1080/01621459.1927.10502953.
pub fn wilson95(successes: u64, total: u64) -> Option<[f64; 2]> {
    let fraction = ratio(successes, total)?;
    let (n, square) = (total as f64, Z95 * Z95);
    let centre = (fraction + square / (2.0 * n)) / (1.0 + square / n);
    let spread = fraction * (1.0 - fraction) / n + square / (4.0 * n * n);
    let half = Z95 / (1.0 + square / n) * spread.sqrt();
    Some([(centre - half).max(0.0), (centre + half).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// statsmodels 0.15.0: `proportion_confint(successes, total, method="wilson")`.
    const WILSON: [(u64, u64, [f64; 2]); 5] = [
        (0, 10, [0.0, 0.27753279986288926]),
        (10, 10, [0.7224672001371106, 1.0]),
        (7, 9, [0.45258896910698887, 0.9367748928821533]),
        (81, 263, [0.2552885198782742, 0.36620957698280004]),
        (1, 1000, [0.00017654637062607765, 0.005642558597957937]),
    ];

    #[test]
    fn intervals_are_statsmodels() {
        for (successes, total, expected) in WILSON {
            let found = wilson95(successes, total).unwrap();
            assert!(
                (found[0] - expected[0]).abs() < 1e-12 && (found[1] - expected[1]).abs() < 1e-12,
                "{found:?}"
            );
        }
        assert_eq!(wilson95(0, 0), None);
    }
}
