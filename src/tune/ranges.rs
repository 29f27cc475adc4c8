//! The values that one entry of a recipe may take.

use serde::Deserialize;
use toml::Value;

use super::ranges_error::RangeError;
use crate::random::Random;

/// How draws lie between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeScale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly in the logarithm: as often between 0.001 and 0.01 as between 0.01 and 0.1.
    Log,
}

/// The values that one entry of a recipe may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// Numbers between two bounds, to four digits.
    Numbers {
        /// The bounds.
        bounds: [f64; 2],
        /// How they are drawn.
        scale: RangeScale,
    },
    /// Whole numbers between two bounds, both included.
    Whole {
        /// The bounds.
        bounds: [i64; 2],
        /// How they are drawn.
        scale: RangeScale,
    },
    /// One of a list.
    Choices(Vec<Value>),
}

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    from: Option<Value>,
    to: Option<Value>,
    scale: Option<RangeScale>,
    choices: Option<Vec<Value>>,
}

impl Range {
    /// Whether `value` is meant as a range, not as a table of ranges.
    pub(super) fn is_meant(value: &Value) -> bool {
        let has = |name: &str| value.get(name).is_some();
        !value.is_table() || has("from") || has("to") || has("choices")
    }

    /// Reads a range.
    ///
    /// # Errors
    /// [`RangeError`].
    pub fn read(value: &Value) -> Result<Self, RangeError> {
        let fields: Fields = value.clone().try_into().map_err(|_| RangeError::Form)?;
        let range = match fields {
            Fields { from: None, to: None, scale: None, choices: Some(choices) } => Self::Choices(choices),
            Fields { from: Some(from), to: Some(to), scale, choices: None } => {
                Self::between(&from, &to, scale.unwrap_or_default()).ok_or(RangeError::Form)?
            }
            _ => return Err(RangeError::Form),
        };
        range.check().map(|()| range)
    }

    fn between(from: &Value, to: &Value, scale: RangeScale) -> Option<Self> {
        if let (Value::Integer(from), Value::Integer(to)) = (from, to) {
            return Some(Self::Whole { bounds: [*from, *to], scale });
        }
        Some(Self::Numbers { bounds: [number(from)?, number(to)?], scale })
    }

    fn check(&self) -> Result<(), RangeError> {
        let (rises, scale, is_positive) = match self {
            Self::Numbers { bounds: [from, to], scale } => {
                (from < to && (to - from).is_finite(), *scale, *from > 0.0)
            }
            Self::Whole { bounds: [from, to], scale } => {
                (from < to && to.checked_sub(*from).is_some(), *scale, *from > 0)
            }
            Self::Choices(choices) if choices.len() < 2 => {
                return Err(RangeError::FewChoices { count: choices.len() });
            }
            Self::Choices(_) => return Ok(()),
        };
        match (rises, scale) {
            (false, _) => Err(RangeError::Falling),
            (true, RangeScale::Log) if !is_positive => Err(RangeError::NotPositive),
            _ => Ok(()),
        }
    }

    /// A value of the range.
    pub fn draw(&self, random: &mut Random) -> Value {
        match self {
            Self::Choices(choices) => choices[random.below(choices.len())].clone(),
            &Self::Numbers { bounds: [from, to], scale } => {
                Value::Float(four_digits(uniform(from, to, scale, random)).clamp(from, to))
            }
            &Self::Whole { bounds: [from, to], scale } => {
                let drawn = uniform(from as f64, to as f64 + 1.0, scale, random);
                #[expect(clippy::cast_possible_truncation, reason = "it lies between two whole numbers")]
                Value::Integer((drawn.floor() as i64).clamp(from, to))
            }
        }
    }

    /// The outermost values, by which the whole range is judged.
    pub(super) fn ends(&self) -> Vec<Value> {
        match self {
            Self::Numbers { bounds, .. } => bounds.iter().copied().map(Value::Float).collect(),
            Self::Whole { bounds, .. } => bounds.iter().copied().map(Value::Integer).collect(),
            Self::Choices(choices) => choices.clone(),
        }
    }
}

/// A whole or fractional number.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_float().or(value.as_integer().map(|whole| whole as f64))
}

fn uniform(from: f64, to: f64, scale: RangeScale, random: &mut Random) -> f64 {
    match scale {
        RangeScale::Linear => random.uniform(from, to),
        RangeScale::Log => random.uniform(from.ln(), to.ln()).exp(),
    }
}

/// To four significant digits: more would tell people nothing.
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Float(number) => float_text(*number),
        other => other.to_string(),
    }
}

/// Six digits, since f32 settings are widened on their way here; powers of ten where there are many zeros.
fn float_text(number: f64) -> String {
    let short: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    let is_usual = short == 0.0 || (1e-4..1e6).contains(&short.abs());
    if is_usual { short.to_string() } else { format!("{short:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Range, RangeError> {
        let table: toml::Table = format!("it = {text}").parse().unwrap();
        Range::read(&table["it"])
    }

    fn draws(text: &str) -> Vec<Value> {
        let range = read(text).unwrap();
        (0..2000).map(|trial| range.draw(&mut Random::keyed(1, &[trial]))).collect()
    }

    #[test]
    fn whole_numbers_stay_whole_and_reach_both_ends() {
        let mut seen: Vec<i64> =
            draws("{ from = 2, to = 5 }").iter().map(|value| value.as_integer().unwrap()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [2, 3, 4, 5]);
    }

    #[test]
    fn a_logarithmic_draw_is_as_often_in_each_decade() {
        let draws = draws("{ from = 1e-4, to = 1e-2, scale = \"log\" }");
        let values: Vec<f64> = draws.iter().map(|value| value.as_float().unwrap()).collect();
        assert!(values.iter().all(|value| (1e-4..=1e-2).contains(value)));
        let low = values.iter().filter(|value| **value < 1e-3).count();
        assert!((900..1100).contains(&low), "{low}");
        assert!(values.iter().all(|value| format!("{value:e}").len() <= "1.234e-3".len()));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for (text, told) in [
            ("0.5", "must be { from = .., to = .. } with numbers, or { choices = [.., ..] }"),
            ("{ from = 1.0 }", "must be { from"),
            ("{ from = 0.0, to = 1.0, step = 0.1 }", "must be { from"),
            ("{ from = \"a\", to = \"b\" }", "must be { from"),
            ("{ from = 1.0, to = 1.0 }", "must rise"),
            ("{ from = 0, to = 8, scale = \"log\" }", "above 0"),
            ("{ choices = [1] }", "two choices"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn values_read_as_people_write_them() {
        for (value, text) in [
            (Value::from(0.3_f32), "0.3"),
            (Value::from(0.002_317), "0.002317"),
            (Value::from(1e-7), "1e-7"),
            (Value::from(0.0), "0"),
            (Value::from(16), "16"),
            (Value::from("mil"), "mil"),
            (Value::from(vec![0, 160, 160]), "[0, 160, 160]"),
        ] {
            assert_eq!(value_text(&value), text);
        }
    }
}
