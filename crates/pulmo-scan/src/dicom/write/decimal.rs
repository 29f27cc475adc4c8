//! Numbers as decimal strings.

/// Returns a decimal string of at most 16 characters (PS3.5 6.2, DS) with as many digits as fit.
pub fn decimal(value: f64) -> String {
    let longest = (0..15).rev().map(|digits| format!("{value:.digits$}")).find(|text| text.len() <= 16);
    let text = longest.unwrap_or_else(|| format!("{value:.8e}"));
    let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if trimmed == "-0" { "0".to_owned() } else { trimmed.to_owned() }
}

/// Returns several decimal strings, as one value of several.
pub fn decimals(values: &[f64]) -> String {
    values.iter().map(|value| decimal(*value)).collect::<Vec<_>>().join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_fit_and_keep_their_value() {
        for value in [0.0, 1.0, -1.0, 0.703125, -1234.5678901234567, 1.0 / 3.0, -1e-9, 0.998_629_534_754_574]
        {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            let back: f64 = text.parse().unwrap();
            assert!((back - value).abs() <= 1e-8 * value.abs().max(1e-3), "{value} as {text}");
        }
        assert_eq!(decimal(-1e-17), "0");
        assert_eq!(decimal(120.0), "120");
    }
}
