//! Why no metric can be computed.

use std::fmt;

/// What is wrong with the samples handed in. Samples are named by position, never by patient.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to measure.
    Empty,
    /// Two lists that go together differ in length.
    Length {
        /// The list.
        what: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// Fewer than two classes.
    FewClasses {
        /// Classes given.
        count: usize,
    },
    /// What is defined for two classes is asked for another number of them.
    NotTwoClasses {
        /// Classes given.
        count: usize,
    },
    /// Samples of one patient have different labels, so the patient has none.
    MixedPatients {
        /// How many patients.
        count: usize,
    },
    /// No temperature makes the log loss smallest: every case is right, or chance does as well.
    NoTemperature,
    /// Two classes share a name.
    DuplicateClass {
        /// The name.
        name: String,
    },
    /// A class index is out of range.
    Class {
        /// `label` or `prediction`.
        what: &'static str,
        /// Position of the sample.
        sample: usize,
        /// The index found.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A probability is not a number in `[0, 1]`.
    Probability {
        /// Position of the sample.
        sample: usize,
        /// The value found.
        found: f64,
    },
    /// A score is infinite or not a number.
    Score {
        /// Position of the sample.
        sample: usize,
        /// The value found.
        found: f64,
    },
}

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "there are no samples to measure"),
            Self::Length { what, expected, found } => write!(f, "{found} {what} where {expected} belong"),
            Self::FewClasses { count } => write!(f, "{count} classes, at least 2 are needed"),
            Self::NotTwoClasses { count } => write!(f, "{count} classes where two are needed"),
            Self::MixedPatients { count } => {
                write!(
                    f,
                    "the samples of {count} patients have different labels: they cannot be put together"
                )
            }
            Self::NoTemperature => write!(
                f,
                "no temperature fits: the classifier is right about every case, or no better than chance"
            ),
            Self::DuplicateClass { name } => write!(f, "two classes are named {name:?}"),
            Self::Class { what, sample, found, classes } => {
                write!(f, "{what} of sample {sample} is {found}, outside 0..{classes}")
            }
            Self::Probability { sample, found } => {
                write!(f, "probability of sample {sample} is {found}, outside [0, 1]")
            }
            Self::Score { sample, found } => write!(f, "score of sample {sample} is {found}, not finite"),
        }
    }
}

impl std::error::Error for MetricsError {}

/// A text that chooses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChoiceError {
    /// No [`CalibrationMethod`](super::CalibrationMethod).
    Method {
        /// The text.
        given: String,
    },
    /// No [`OperatingRule`](super::OperatingRule).
    Rule {
        /// The text.
        given: String,
    },
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method { given } => write!(f, "`{given}` is neither temperature nor isotonic"),
            Self::Rule { given } => {
                write!(f, "`{given}` is not youden, sensitivity=F or specificity=F with F in (0, 1]")
            }
        }
    }
}

impl std::error::Error for ChoiceError {}

/// Why a map of probabilities is refused.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CalibrationMapError {
    /// The temperature is not a positive number.
    Temperature {
        /// The temperature.
        found: f64,
    },
    /// An isotonic map is for two classes.
    IsotonicClasses {
        /// Classes that it is to be for.
        count: usize,
    },
    /// The points of an isotonic map do not rise, leave `[0, 1]`, or are not as many before as after.
    IsotonicPoints {
        /// Probabilities before.
        scores: usize,
        /// Probabilities after.
        probabilities: usize,
    },
}

impl fmt::Display for CalibrationMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temperature { found } => write!(f, "temperature {found} is not above 0"),
            Self::IsotonicClasses { .. } => f.write_str("isotonic calibration needs two classes"),
            Self::IsotonicPoints { .. } => {
                f.write_str("isotonic scores and probabilities must be rising lists of one length in [0, 1]")
            }
        }
    }
}

impl std::error::Error for CalibrationMapError {}

/// Demands that the list called `what` has the length `expected`.
pub(super) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), MetricsError> {
    if found == expected { Ok(()) } else { Err(MetricsError::Length { what, expected, found }) }
}

/// Demands that every class index in `indices` lies in `0..classes`.
pub(super) fn check_classes(
    what: &'static str,
    indices: &[usize],
    classes: usize,
) -> Result<(), MetricsError> {
    match indices.iter().enumerate().find(|&(_, &index)| index >= classes) {
        Some((sample, &found)) => Err(MetricsError::Class { what, sample, found, classes }),
        None => Ok(()),
    }
}

/// Demands that `found`, of the sample at position `sample`, is a probability.
pub(super) fn check_probability(sample: usize, found: f64) -> Result<(), MetricsError> {
    if (0.0..=1.0).contains(&found) { Ok(()) } else { Err(MetricsError::Probability { sample, found }) }
}
