//! `[tune]` of a recipe, as written.

use serde::Deserialize;

use super::TuneError;
use super::ranges_error::RangesError;
use crate::train::Recipe;

/// The `[tune]` table of a recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneConfig {
    /// Trials in all; trial 0 is the recipe as it is.
    #[serde(default = "usual_trials")]
    pub trials: usize,
    /// One trial in so many goes on, to so many times the epochs.
    #[serde(default = "usual_eta")]
    pub eta: usize,
    /// Epochs of the first rung at least; if left out, so many that about one trial is left for the
    /// whole course.
    #[serde(default)]
    pub first_epochs: Option<usize>,
    /// What may change: tables as nested as the recipe's own, with a range at each end.
    pub ranges: toml::Table,
}

fn usual_trials() -> usize {
    27
}

fn usual_eta() -> usize {
    3
}

impl TuneConfig {
    /// The `[tune]` table of `recipe`.
    ///
    /// # Errors
    /// [`TuneError::Ranges`] where there is none, or one that cannot be meant.
    pub fn of(recipe: &Recipe) -> Result<Self, TuneError> {
        let table = recipe.tune.clone().ok_or(RangesError::Absent)?;
        let config: Self = table.try_into().map_err(RangesError::Read)?;
        let too_small = |field, value, least| Err(RangesError::TooSmall { field, value, least }.into());
        match &config {
            &Self { trials: value @ (0 | 1), .. } => too_small("trials", value, 2),
            &Self { eta: value @ (0 | 1), .. } => too_small("eta", value, 2),
            Self { first_epochs: Some(0), .. } => too_small("first_epochs", 0, 1),
            Self { ranges, .. } if ranges.is_empty() => Err(RangesError::Empty.into()),
            _ => Ok(config),
        }
    }
}
