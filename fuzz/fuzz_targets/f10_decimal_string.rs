//! F10: decimal strings against a reference of their grammar (PS3.5 section 6.2, DS).
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::parse_decimal_string;

/// Takes one or more digits off the front.
fn digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

fn sign(text: &str) -> &str {
    text.strip_prefix('+').or_else(|| text.strip_prefix('-')).unwrap_or(text)
}

fn is_decimal_string(text: &str) -> bool {
    // Wider than the standard, as writers are: any length, and padding of other kinds on both sides.
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\0']);
    let unsigned = sign(text);
    let mantissa = match (digits(unsigned), unsigned.strip_prefix('.')) {
        (Some(rest), _) => match rest.strip_prefix('.') {
            Some(fraction) => Some(digits(fraction).unwrap_or(fraction)),
            None => Some(rest),
        },
        (None, Some(fraction)) => digits(fraction),
        (None, None) => None,
    };
    let Some(rest) = mantissa else { return false };
    let exponent = rest.strip_prefix('e').or_else(|| rest.strip_prefix('E'));
    let is_whole = match exponent {
        None => rest.is_empty(),
        Some(exponent) => digits(sign(exponent)) == Some(""),
    };
    is_whole && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fuzz_target!(|text: &str| {
    let parsed = parse_decimal_string(text);
    assert_eq!(parsed.is_some(), is_decimal_string(text), "{text:?}");
    assert!(parsed.is_none_or(f64::is_finite));
});
