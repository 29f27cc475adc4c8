//! What can be wrong with a recipe's `[tune]`.

use toml::Value;

use crate::train::RecipeError;

/// Why a `[tune]` is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RangesError {
    /// The recipe has none.
    #[error("is missing from the recipe: it says what may change and how far (`pulmo help tune`)")]
    Absent,
    /// It has a field that is unknown, missing or of the wrong kind.
    #[error("{}", .0.message())]
    Read(#[from] toml::de::Error),
    /// TOML has no form for the recipe.
    #[error(transparent)]
    Write(#[from] toml::ser::Error),
    /// A number is too small.
    #[error("{field} must be at least {least}, not {value}")]
    TooSmall {
        /// The field.
        field: &'static str,
        /// The value given.
        value: usize,
        /// The smallest value allowed.
        least: usize,
    },
    /// Nothing may change.
    #[error("ranges must name at least one value")]
    Empty,
    /// An entry's range is none.
    #[error("ranges.{path} {problem}")]
    Range {
        /// The entry.
        path: String,
        /// What is wrong with its range.
        problem: RangeError,
    },
    /// An entry is no matter of trial.
    #[error("`{path}` cannot be tuned: {why}")]
    Fixed {
        /// The entry.
        path: String,
        /// Why it cannot.
        why: &'static str,
    },
    /// A path leads nowhere.
    #[error("{path}: {problem}")]
    Path {
        /// The path.
        path: String,
        /// Where it ends.
        problem: PathError,
    },
    /// Values do not make a recipe.
    #[error("{values}: {problem}")]
    Values {
        /// The values, as in the recipe.
        values: String,
        /// What is wrong with the recipe.
        problem: Box<ValuesError>,
    },
}

/// Why a value is no range; what it says follows the range's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It has not the form of one.
    #[error("must be {{ from = .., to = .. }} with numbers, or {{ choices = [.., ..] }}")]
    Form,
    /// There is nothing to choose.
    #[error("needs at least two choices")]
    FewChoices {
        /// Choices given.
        count: usize,
    },
    /// The bounds do not rise.
    #[error("must rise: `from` below `to`")]
    Falling,
    /// A logarithm would be taken of 0 or less.
    #[error("with scale = \"log\" must begin above 0")]
    NotPositive,
}

/// Where a path through a recipe ends too early.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A list has no such item.
    #[error("`{key}` must be a number from 1 to {count}")]
    Item {
        /// What was asked for.
        key: String,
        /// Items of the list.
        count: usize,
    },
    /// Something below a single value is asked for.
    #[error("`{key}` cannot follow {value}, which is a single value")]
    Single {
        /// What was asked for.
        key: String,
        /// The value.
        value: Value,
    },
}

/// Why values do not make a recipe.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// A field is unknown, or a value is of the wrong kind.
    #[error("{}", .0.message())]
    Read(#[from] toml::de::Error),
    /// A value is not allowed.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}
