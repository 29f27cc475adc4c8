//! The normal distribution, as far as tests and intervals need it.

/// Half the width of a 95 % interval in standard errors: the 0.975 quantile.
pub(super) const Z95: f64 = 1.959_963_984_540_054;

/// The probability that a standard normal variable lies further from 0 than `z`: the two-sided p
/// value. Relative error below 1e-12 for |z| < 30.
///
/// # References
/// Abramowitz and Stegun 1964, 7.1.6 (series) and 7.1.14 (continued fraction).
pub(super) fn two_sided_p(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    if x < 2.0 { 1.0 - erf_by_series(x) } else { erfc_by_fraction(x) }
}

/// `erf(x)`: 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...), all terms positive.
fn erf_by_series(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..80 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// `1 - erf(x)`: exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))), from the
/// innermost fraction outwards.
fn erfc_by_fraction(x: f64) -> f64 {
    let denominator = (1..=120).rev().fold(x, |rest, n| x + f64::from(n) / 2.0 / rest);
    (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1: `2 * scipy.stats.norm.sf(z)`.
    #[test]
    fn p_values_are_scipys() {
        let cases = [
            (0.0, 1.0),
            (0.5, 0.617_075_077_451_973_8),
            (Z95, 0.05),
            (2.8, 0.005_110_260_660_855_864),
            (2.9, 0.003_731_626_600_768_075),
            (-6.0, 1.973_175_290_075_389e-9),
            (20.0, 5.507_248_237_212_311e-89),
        ];
        for (z, expected) in cases {
            let found = two_sided_p(z);
            assert!((found - expected).abs() < 1e-12 * expected.max(1e-300), "{z}: {found} {expected}");
        }
    }
}
