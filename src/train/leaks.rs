//! The quick part of the audit, on every run: what would be trained on and measured alike.

use super::TrainError;
use super::dataset::Dataset;
use super::event::Event;
use crate::audit::{Pair, Signature, pairs};
use crate::cohort::{Case, Split, shared_patients};

/// What becomes of a split that leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeakPolicy {
    /// The run is refused.
    #[default]
    Refuse,
    /// The run is told of it and goes on: its validation figures say little.
    Allow,
}

/// Looks for patients in more than one split.
pub(super) fn check_patients(
    cases: &[Case],
    splits: &[Split],
    policy: LeakPolicy,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<(), TrainError> {
    let splits: Vec<Option<Split>> = splits.iter().copied().map(Some).collect();
    let shared = shared_patients(cases, &splits);
    if shared.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} patients are in more than one split: their images would be trained and evaluated on",
        shared.len()
    );
    judge(what, policy, observe)
}

/// Looks for images that are both in the training and in the validation cases, as the network sees
/// them: identical ones are a leak, nearly identical ones are told.
pub(super) fn check_images(
    train: &Dataset,
    validation: &Dataset,
    policy: LeakPolicy,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<(), TrainError> {
    let signatures: Vec<&Signature> = train.signatures().iter().chain(validation.signatures()).collect();
    let crosses = |pair: &Pair| pair.first < train.len() && pair.second >= train.len();
    let (exact, near): (Vec<Pair>, Vec<Pair>) =
        pairs(&signatures).into_iter().filter(crosses).partition(|pair| pair.correlation.is_none());
    let tell = |pairs: &[Pair], like: &str| {
        let pair = pairs.first()?;
        let (first, second) = (&train.cases()[pair.first], &validation.cases()[pair.second - train.len()]);
        Some(format!(
            "{} pairs of {like} images are in train and val, such as {} and {}",
            pairs.len(),
            first.path,
            second.path
        ))
    };
    if let Some(what) = tell(&near, "nearly identical") {
        observe(Event::Warning(&what));
    }
    tell(&exact, "identical").map_or(Ok(()), |what| judge(what, policy, observe))
}

fn judge(what: String, policy: LeakPolicy, observe: &(dyn Fn(Event) + Sync)) -> Result<(), TrainError> {
    match policy {
        LeakPolicy::Refuse => Err(TrainError::Leak(what)),
        LeakPolicy::Allow => {
            observe(Event::Warning(&what));
            Ok(())
        }
    }
}
