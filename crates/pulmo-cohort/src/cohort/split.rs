//! Splitting cases by patient, so that no patient is on both sides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Case, CohortError, Split};
use pulmo_random::Random;

/// How cases without a `split` are divided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Share of patients to choose the best weights on.
    pub validation: f64,
    /// Share of patients kept for evaluation alone.
    pub test: f64,
    /// Folds of a cross-validation; 0 for one training by one split.
    #[serde(skip_serializing_if = "is_zero")]
    pub folds: usize,
}

fn is_zero(folds: &usize) -> bool {
    *folds == 0
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.0, folds: 0 }
    }
}

/// Returns the split of each case.
///
/// Where the manifest names splits they are kept. Else patients are divided, stratified by
/// their set of labels, so that each split has the classes in near-equal shares.
///
/// # Errors
/// [`CohortError::Split`] where some cases name a split and others do not, where no case is left
/// to train or validate on, or where a class is too small to be divided.
pub fn assign(cases: &[Case], config: &SplitConfig, seed: u64) -> Result<Vec<Split>, CohortError> {
    let named = cases.iter().filter(|case| case.split.is_some()).count();
    let splits: Vec<Split> = if named == cases.len() {
        cases.iter().filter_map(|case| case.split).collect()
    } else if named == 0 {
        divide(cases, config, seed)?
    } else {
        return Err(CohortError::Split(format!(
            "{named} of {} rows name a split; name one in every row or in none",
            cases.len()
        )));
    };
    for (split, name) in [(Split::Train, "train"), (Split::Validation, "val")] {
        if !splits.contains(&split) {
            return Err(CohortError::Split(format!(
                "no case is in split `{name}`; training needs train and val"
            )));
        }
    }
    match absent_classes(cases, &splits).into_iter().find(|(_, split)| named == 0 && *split != Split::Test) {
        Some((class, split)) => Err(CohortError::Split(too_small(cases, class, split))),
        None => Ok(splits),
    }
}

fn too_small(cases: &[Case], class: &str, split: Split) -> String {
    let of_class = cases.iter().filter(|case| case.label == class);
    let patients: BTreeSet<&str> = of_class.map(|case| case.patient_id.as_str()).collect();
    format!(
        "class `{class}` has {} patients, too few to divide: none of them is in `{}`; find more, change the shares \
         in [split], or name train and val in the manifest's column `split`",
        patients.len(),
        split.name()
    )
}

/// Returns the classes of which a split has no case, among the splits that have cases at all.
pub fn absent_classes<'a>(cases: &'a [Case], splits: &[Split]) -> Vec<(&'a str, Split)> {
    let classes: BTreeSet<&str> = cases.iter().map(|case| case.label.as_str()).collect();
    let used: BTreeSet<Split> = splits.iter().copied().collect();
    let found: BTreeSet<(&str, Split)> =
        cases.iter().zip(splits).map(|(case, split)| (case.label.as_str(), *split)).collect();
    let all = classes.iter().flat_map(|&class| used.iter().map(move |&split| (class, split)));
    all.filter(|pair| !found.contains(pair)).collect()
}

fn divide(cases: &[Case], config: &SplitConfig, seed: u64) -> Result<Vec<Split>, CohortError> {
    let shares = [config.validation, config.test];
    if shares.iter().any(|share| !(0.0..1.0).contains(share)) || config.validation + config.test >= 1.0 {
        return Err(CohortError::Split("[split] shares must be at least 0 and sum to less than 1".into()));
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

/// A patient whose cases are in more than one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPatient {
    /// The splits, in order.
    pub splits: Vec<Split>,
    /// Indices of the patient's cases.
    pub cases: Vec<usize>,
}

/// Returns the patients that are in more than one split: what is learned of them in one is
/// measured in the other. Cases without a split are in none.
pub fn shared_patients(cases: &[Case], splits: &[Option<Split>]) -> Vec<SharedPatient> {
    let mut of_patient: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        of_patient.entry(&case.patient_id).or_default().push(index);
    }
    let shared = |cases: Vec<usize>| {
        let splits: BTreeSet<Split> = cases.iter().filter_map(|&case| splits[case]).collect();
        (splits.len() > 1).then(|| SharedPatient { splits: splits.into_iter().collect(), cases })
    };
    of_patient.into_values().filter_map(shared).collect()
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
        let splits = assign(&cases, &SplitConfig { validation: 0.2, test: 0.1, folds: 0 }, 3).unwrap();
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
        assert_eq!(splits, assign(&cases, &SplitConfig { validation: 0.2, test: 0.1, folds: 0 }, 3).unwrap());
    }

    #[test]
    fn a_class_too_small_to_be_divided_is_told() {
        let mut cases: Vec<Case> = (0..20).map(|patient| case(patient, "a", None)).collect();
        cases.extend([case(20, "b", None), case(21, "b", None)]);
        let error = assign(&cases, &SplitConfig::default(), 0).unwrap_err().to_string();
        let expected = "split: class `b` has 2 patients, too few to divide: none of them is in `val`";
        assert!(error.starts_with(expected), "{error}");
        cases.push(case(22, "b", None));
        assert!(assign(&cases, &SplitConfig::default(), 0).is_ok());
        // Splits that the manifest names are the user's.
        let named = [("a", Split::Train), ("b", Split::Train), ("a", Split::Validation)];
        let named: Vec<Case> =
            (0..).zip(named).map(|(i, (label, split))| case(i, label, Some(split))).collect();
        let splits = assign(&named, &SplitConfig::default(), 0).unwrap();
        assert_eq!(absent_classes(&named, &splits), [("b", Split::Validation)]);
    }

    #[test]
    fn a_patient_in_two_splits_is_told() {
        let cases = [
            case(1, "a", Some(Split::Train)),
            case(1, "b", Some(Split::Validation)),
            case(2, "b", Some(Split::Validation)),
        ];
        let splits = cases.each_ref().map(|case| case.split);
        let expected = SharedPatient { splits: vec![Split::Train, Split::Validation], cases: vec![0, 1] };
        assert_eq!(shared_patients(&cases, &splits), [expected]);
        assert_eq!(shared_patients(&cases[1..], &splits[1..]), []);
    }

    #[test]
    fn half_named_splits_are_refused() {
        let cases = [case(1, "a", Some(Split::Train)), case(2, "b", None)];
        assert!(assign(&cases, &SplitConfig::default(), 0).is_err());
    }
}
