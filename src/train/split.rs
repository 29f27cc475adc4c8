//! Splitting cases by patient, so that no patient is on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::manifest::{Case, Split};
use crate::random::Random;

/// How cases without a `split` are divided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Share of patients to choose the best weights on.
    pub validation: f64,
    /// Share of patients kept for evaluation alone.
    pub test: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.0 }
    }
}

/// Returns the split of each case.
///
/// Where the manifest names splits they are kept. Else patients are divided, stratified by
/// their set of labels, so that each split has the classes in near-equal shares.
///
/// # Errors
/// [`TrainError::Split`] where some cases name a split and others do not, where a patient is in
/// two named splits, or where no case is left to train or validate on.
pub fn assign(cases: &[Case], config: &SplitConfig, seed: u64) -> Result<Vec<Split>, TrainError> {
    let named = cases.iter().filter(|case| case.split.is_some()).count();
    let splits: Vec<Split> = if named == cases.len() {
        cases.iter().filter_map(|case| case.split).collect()
    } else if named == 0 {
        divide(cases, config, seed)?
    } else {
        return Err(TrainError::Split(format!(
            "{named} of {} rows name a split; name one in every row or in none",
            cases.len()
        )));
    };
    refuse_leaks(cases, &splits)?;
    for (split, name) in [(Split::Train, "train"), (Split::Validation, "val")] {
        if !splits.contains(&split) {
            return Err(TrainError::Split(format!(
                "no case is in split `{name}`; training needs train and val"
            )));
        }
    }
    Ok(splits)
}

fn divide(cases: &[Case], config: &SplitConfig, seed: u64) -> Result<Vec<Split>, TrainError> {
    let shares = [config.validation, config.test];
    if shares.iter().any(|share| !(0.0..1.0).contains(share)) || config.validation + config.test >= 1.0 {
        return Err(TrainError::Split("[split] shares must be at least 0 and sum to less than 1".into()));
    }
    let mut labels_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases {
        labels_of.entry(&case.patient_id).or_default().push(&case.label);
    }
    let mut strata: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for (patient, mut labels) in labels_of {
        labels.sort_unstable();
        labels.dedup();
        strata.entry(labels).or_default().push(patient);
    }
    let mut split_of = BTreeMap::new();
    for (stratum, patients) in strata.into_values().enumerate() {
        let mut patients = patients;
        Random::keyed(seed, &[0x5370_6C69, stratum as u64]).shuffle(&mut patients);
        let total = patients.len() as f64;
        for (rank, patient) in patients.into_iter().enumerate() {
            let position = (rank as f64 + 0.5) / total;
            let split = match position {
                p if p < config.test => Split::Test,
                p if p < config.test + config.validation => Split::Validation,
                _ => Split::Train,
            };
            split_of.insert(patient, split);
        }
    }
    Ok(cases.iter().map(|case| split_of[case.patient_id.as_str()]).collect())
}

fn refuse_leaks(cases: &[Case], splits: &[Split]) -> Result<(), TrainError> {
    let mut first: BTreeMap<&str, Split> = BTreeMap::new();
    let leaking = cases
        .iter()
        .zip(splits)
        .filter(|(case, split)| *first.entry(&case.patient_id).or_insert(**split) != **split)
        .map(|(case, _)| case.patient_id.as_str())
        .collect::<std::collections::BTreeSet<_>>();
    if leaking.is_empty() {
        return Ok(());
    }
    Err(TrainError::Split(format!(
        "{} patients are in more than one split: their images would be trained and evaluated on",
        leaking.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(patient: usize, label: &str, split: Option<Split>) -> Case {
        let path = format!("{patient}-{label}.png");
        Case {
            file: path.clone().into(),
            path,
            label: label.into(),
            patient_id: format!("p{patient}"),
            split,
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn patients_stay_together_and_classes_keep_their_shares() {
        let cases: Vec<Case> =
            (0..200).map(|i| case(i / 2, if (i / 2) % 4 == 0 { "b" } else { "a" }, None)).collect();
        let splits = assign(&cases, &SplitConfig { validation: 0.2, test: 0.1 }, 3).unwrap();
        for pair in splits.chunks(2) {
            assert_eq!(pair[0], pair[1]);
        }
        let share = |label: &str, split: Split| {
            let of_label = cases.iter().zip(&splits).filter(|(c, _)| c.label == label);
            let (inside, all) = of_label.fold((0, 0), |(i, n), (_, s)| (i + usize::from(*s == split), n + 1));
            f64::from(i32::try_from(inside).unwrap()) / f64::from(all)
        };
        for label in ["a", "b"] {
            assert!((share(label, Split::Validation) - 0.2).abs() < 0.05);
            assert!((share(label, Split::Test) - 0.1).abs() < 0.05);
        }
        assert_eq!(splits, assign(&cases, &SplitConfig { validation: 0.2, test: 0.1 }, 3).unwrap());
    }

    #[test]
    fn a_patient_in_two_splits_is_refused() {
        let cases = [
            case(1, "a", Some(Split::Train)),
            case(1, "b", Some(Split::Validation)),
            case(2, "b", Some(Split::Validation)),
        ];
        let error = assign(&cases, &SplitConfig::default(), 0).unwrap_err().to_string();
        assert!(error.contains("1 patients are in more than one split"), "{error}");
    }

    #[test]
    fn half_named_splits_are_refused() {
        let cases = [case(1, "a", Some(Split::Train)), case(2, "b", None)];
        assert!(assign(&cases, &SplitConfig::default(), 0).is_err());
    }
}
