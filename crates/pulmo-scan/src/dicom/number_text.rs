//! Numbers of headers as they are told.

use std::fmt::Display;

/// Numbers of a header beyond this are not told: they are no measure, and may be an identifier that stands in
/// the wrong place.
const MOST_TOLD: f64 = 99_999.0;
/// Largest slice thickness in millimetres, and largest tube voltage in kilovolts, that is told as one.
const MOST_OF_A_MEASURE: f64 = 500.0;

/// A thickness or voltage that may be told; `None` of what is none.
pub(super) fn measure(number: f64) -> Option<f64> {
    (number > 0.0 && number <= MOST_OF_A_MEASURE).then_some(number)
}

/// A number of a header with three decimals.
pub(super) fn decimal_text(number: f64) -> String {
    bounded_text(number, format_args!("{number:.3}"))
}

/// A whole number of a header.
#[expect(clippy::cast_precision_loss, reason = "compared with a bound far below")]
pub(super) fn integer_text(number: i64) -> String {
    bounded_text(number as f64, number)
}

/// A number of a header as `text` has it.
pub(super) fn bounded_text(number: f64, text: impl Display) -> String {
    if number.abs() <= MOST_TOLD { text.to_string() } else { "an impossible number of".to_owned() }
}
