//! `[tune]` of a recipe, as written.

use serde::Deserialize;

use super::TuneError;
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
        let wrong = |what: &str| Err(TuneError::Ranges(what.to_owned()));
        let Some(table) = &recipe.tune else {
            return wrong(
                "is missing from the recipe: it says what may change and how far (`pulmo help tune`)",
            );
        };
        let config: Self = table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| TuneError::Ranges(error.message().to_owned()))?;
        match &config {
            Self { trials: 0 | 1, .. } => wrong("trials must be at least 2"),
            Self { eta: 0 | 1, .. } => wrong("eta must be at least 2"),
            Self { first_epochs: Some(0), .. } => wrong("first_epochs must be at least 1"),
            Self { ranges, .. } if ranges.is_empty() => wrong("ranges must name at least one value"),
            _ => Ok(config),
        }
    }
}
