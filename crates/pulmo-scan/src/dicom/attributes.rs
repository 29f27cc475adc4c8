//! Single attributes, read strictly: missing, empty, of the wrong kind and badly written are told apart.

use dicom_core::{Tag, VR};

use super::gate::{DataElement, DataSet, ElementValue};

/// What is wrong with an attribute. Its text is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// The attribute is not there.
    #[error("{name} is missing")]
    Missing {
        /// The attribute's name.
        name: &'static str,
    },
    /// The attribute has no value.
    #[error("{name} is empty")]
    Empty {
        /// The attribute's name.
        name: &'static str,
    },
    /// The attribute has another value representation than the standard gives it.
    #[error("{name} has a wrong value representation")]
    Kind {
        /// The attribute's name.
        name: &'static str,
    },
    /// The attribute is not written as a number.
    #[error("{name} is not a number")]
    Number {
        /// The attribute's name.
        name: &'static str,
    },
    /// The attribute has another number of values.
    #[error("{name} has {found} values, not {expected}")]
    Count {
        /// The attribute's name.
        name: &'static str,
        /// Values needed.
        expected: usize,
        /// Values found.
        found: usize,
    },
}

/// An attribute by tag and by the name that messages show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) tag: Tag,
    pub(super) name: &'static str,
}

/// An attribute of this tag and name.
pub(super) const fn attribute(tag: Tag, name: &'static str) -> Attribute {
    Attribute { tag, name }
}

/// Strict reads from a data set, a file's or an item's.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a DataSet);

impl<'a> Attributes<'a> {
    /// Whether the attribute is there, empty or not.
    pub(super) fn contains(self, attribute: Attribute) -> bool {
        self.0.get(attribute.tag).is_some()
    }

    /// The items of a sequence; none where it is missing or empty.
    pub(super) fn items(self, attribute: Attribute) -> &'a [DataSet] {
        self.0.get(attribute.tag).map_or(&[], DataElement::items)
    }

    /// The first item of a sequence; `None` where it is missing or empty.
    pub(super) fn item(self, attribute: Attribute) -> Option<Self> {
        self.items(attribute).first().map(Attributes)
    }

    /// The attribute's values as text; `None` where it is missing or empty.
    pub(super) fn texts(self, attribute: Attribute) -> Result<Option<Vec<String>>, AttributeError> {
        match self.texts_or_missing(attribute) {
            Ok(texts) => Ok(Some(texts)),
            Err(AttributeError::Missing { .. } | AttributeError::Empty { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The attribute's one value as text, trimmed; `None` where it is missing or empty.
    pub(super) fn text(self, attribute: Attribute) -> Result<Option<String>, AttributeError> {
        match self.texts(attribute)?.as_deref() {
            None => Ok(None),
            Some([text]) => Ok(Some(trimmed(text).to_owned()).filter(|text| !text.is_empty())),
            Some(texts) => {
                Err(AttributeError::Count { name: attribute.name, expected: 1, found: texts.len() })
            }
        }
    }

    /// The attribute as one unsigned 16-bit number (VR `US`).
    pub(super) fn unsigned(self, attribute: Attribute) -> Result<u16, AttributeError> {
        let Attribute { name, .. } = attribute;
        match self.words(attribute)?.as_slice() {
            [word] => Ok(*word),
            words => Err(AttributeError::Count { name, expected: 1, found: words.len() }),
        }
    }

    /// The attribute as 16-bit patterns, whether it says `US` or `SS`.
    pub(super) fn words(self, attribute: Attribute) -> Result<Vec<u16>, AttributeError> {
        Ok(self.numbers(attribute)?.into_iter().map(u16::from_le_bytes).collect())
    }

    /// The attribute as the pattern of a 16-bit sample, whether it is written as a number of 16 bits or of 32;
    /// `None` where it is missing, empty or too large.
    pub(super) fn pattern(self, attribute: Attribute) -> Result<Option<u16>, AttributeError> {
        match self.0.get(attribute.tag) {
            Some(DataElement { vr: VR::UL | VR::SL, value: ElementValue::Bytes(bytes), .. }) => {
                Ok(match **bytes {
                    [low, high, 0, 0] | [low, high, 0xFF, 0xFF] => Some(u16::from_le_bytes([low, high])),
                    _ => None,
                })
            }
            _ => match self.unsigned(attribute) {
                Ok(word) => Ok(Some(word)),
                Err(AttributeError::Missing { .. } | AttributeError::Empty { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The attribute as one decimal string (VR `DS`).
    pub(super) fn decimal(self, attribute: Attribute) -> Result<f64, AttributeError> {
        self.decimals::<1>(attribute).map(|[value]| value)
    }

    /// The attribute as `N` decimal strings (VR `DS`).
    pub(super) fn decimals<const N: usize>(self, attribute: Attribute) -> Result<[f64; N], AttributeError> {
        let Attribute { name, .. } = attribute;
        let texts = self.texts_or_missing(attribute)?;
        let found = texts.len();
        let texts: [String; N] =
            texts.try_into().map_err(|_| AttributeError::Count { name, expected: N, found })?;
        let mut values = [0.0; N];
        for (value, text) in values.iter_mut().zip(&texts) {
            *value = parse_decimal_string(text).ok_or(AttributeError::Number { name })?;
        }
        Ok(values)
    }

    /// The attribute as one integer string (VR `IS`); `None` where it is missing or empty.
    pub(super) fn integer(self, attribute: Attribute) -> Result<Option<i64>, AttributeError> {
        let number = self.text(attribute)?.map(|text| text.parse::<i64>());
        number.transpose().map_err(|_| AttributeError::Number { name: attribute.name })
    }

    fn element(self, attribute: Attribute) -> Result<&'a DataElement, AttributeError> {
        self.0.get(attribute.tag).ok_or(AttributeError::Missing { name: attribute.name })
    }

    /// The value cut into numbers of `SIZE` bytes, which the gate brought into little-endian order.
    fn numbers<const SIZE: usize>(self, attribute: Attribute) -> Result<Vec<[u8; SIZE]>, AttributeError> {
        let Attribute { name, .. } = attribute;
        match self.element(attribute)?.bytes().as_chunks::<SIZE>() {
            ([], []) => Err(AttributeError::Empty { name }),
            (numbers, []) => Ok(numbers.to_vec()),
            _ => Err(AttributeError::Kind { name }),
        }
    }

    fn texts_or_missing(self, attribute: Attribute) -> Result<Vec<String>, AttributeError> {
        let text = String::from_utf8_lossy(self.element(attribute)?.bytes());
        match trimmed(&text).is_empty() {
            true => Err(AttributeError::Empty { name: attribute.name }),
            false => Ok(text.split('\\').map(str::to_owned).collect()),
        }
    }
}

/// Without what writers pad texts with: blanks, tabs, line ends and NULs.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0'])
}

/// Returns the number a decimal string stands for, or `None` where it is not one.
///
/// It is read by its grammar, not by its length: many writers give more than the 16 characters that the
/// standard allows. Blanks, tabs, line ends and NULs on both sides are passed over; a comma, `NaN`,
/// `inf`, an empty text and a number beyond the range of `f64` are none.
///
/// # References
/// DICOM PS3.5 section 6.2, value representation DS.
pub fn parse_decimal_string(text: &str) -> Option<f64> {
    let text = trimmed(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_is_sound = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_is_sound = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !mantissa_is_sound || !exponent_is_sound {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_are_read_exactly() {
        for (text, value) in [
            ("-1024", -1024.0),
            (" -1024 ", -1024.0),
            ("-1.024E+03", -1024.0),
            ("-1024\0", -1024.0),
            ("+1", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("2.44e-4", 2.44e-4),
            ("-.707001", -0.707001),
            ("-115.123456789012", -115.123456789012),
            ("0.70312499999999999999", 0.703125),
            ("7.03125000000000E-001", 0.703125),
            ("-1024 \0", -1024.0),
            ("\t-1024\r\n", -1024.0),
            ("-1024 \t\0\0", -1024.0),
        ] {
            assert_eq!(parse_decimal_string(text), Some(value), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_decimal_string_is_refused() {
        for text in [
            "-1024,0", "NaN", "nan", "inf", "-inf", "infinity", "1e400", "", " ", "\0", ".", "+", "e5", "1e",
            "1e+", "--1", "1 2", "0x10", "1_000", "1.0f", "1\u{0}2", "1\t2", "\u{0663}",
        ] {
            assert_eq!(parse_decimal_string(text), None, "{text:?}");
        }
    }
}
