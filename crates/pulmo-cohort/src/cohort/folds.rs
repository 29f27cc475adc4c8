//! Folds for cross-validation: every case is once in a fold, patients stay together, and each fold
//! has the classes in near-equal shares.

use std::collections::BTreeMap;

use super::{Case, CohortError};
use pulmo_random::Random;

/// Returns the fold of each case, from 0.
///
/// Patients are grouped by their set of labels; each group's patients go, those with most cases
/// first and otherwise in an order drawn from `seed`, to the fold that has the fewest of the
/// group's cases.
///
/// # Errors
/// [`CohortError::Split`] for fewer than two folds, or where a class has fewer patients than folds.
pub fn folds(cases: &[Case], count: usize, seed: u64) -> Result<Vec<usize>, CohortError> {
    let mut of_patient: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        of_patient.entry(&case.patient_id).or_default().push(index);
    }
    check(cases, &of_patient, count)?;
    let mut strata: BTreeMap<Vec<&str>, Vec<Vec<usize>>> = BTreeMap::new();
    for patient in of_patient.into_values() {
        let mut labels: Vec<&str> = patient.iter().map(|&case| cases[case].label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        strata.entry(labels).or_default().push(patient);
    }
    let (mut fold_of, mut total) = (vec![0; cases.len()], vec![0; count]);
    for (stratum, mut patients) in strata.into_values().enumerate() {
        Random::keyed(seed, &[0x666F_6C64, stratum as u64]).shuffle(&mut patients);
        patients.sort_by_key(|patient| std::cmp::Reverse(patient.len()));
        let mut here = vec![0; count];
        for patient in patients {
            let fewest = (0..count).min_by_key(|&fold| (here[fold], total[fold])).unwrap_or(0);
            here[fewest] += patient.len();
            total[fewest] += patient.len();
            patient.into_iter().for_each(|case| fold_of[case] = fewest);
        }
    }
    Ok(fold_of)
}

fn check(cases: &[Case], of_patient: &BTreeMap<&str, Vec<usize>>, count: usize) -> Result<(), CohortError> {
    if count < 2 {
        return Err(CohortError::Split(format!("{count} folds; cross-validation needs at least 2")));
    }
    for label in super::labels(cases) {
        let has = |patient: &&Vec<usize>| patient.iter().any(|&case| cases[case].label == label);
        let patients = of_patient.values().filter(has).count();
        if patients < count {
            return Err(CohortError::Split(format!(
                "class `{label}` has {patients} patients, too few for {count} folds"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patient `i` has `i % 3 + 1` cases of one class, every fourth patient of the second.
    fn cohort() -> Vec<Case> {
        let of_patient = |patient: usize| {
            (0..patient % 3 + 1).map(move |scan| Case {
                path: format!("{patient}-{scan}.png"),
                file: "x.png".into(),
                label: if patient.is_multiple_of(4) { "b" } else { "a" }.into(),
                patient_id: format!("p{patient}"),
                split: None,
                attributes: Default::default(),
            })
        };
        (0..80).flat_map(of_patient).collect()
    }

    #[test]
    fn folds_are_grouped_and_stratified() {
        let cases = cohort();
        let fold_of = folds(&cases, 5, 3).unwrap();
        let mut patient_fold = BTreeMap::new();
        for (case, &fold) in cases.iter().zip(&fold_of) {
            assert_eq!(*patient_fold.entry(&case.patient_id).or_insert(fold), fold);
        }
        for label in ["a", "b"] {
            let in_fold = |wanted: usize| {
                cases.iter().zip(&fold_of).filter(|(c, f)| c.label == label && **f == wanted).count()
            };
            let counts: Vec<usize> = (0..5).map(in_fold).collect();
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            assert!(spread <= 2, "{label}: {counts:?}");
        }
        assert_eq!(fold_of, folds(&cases, 5, 3).unwrap());
        assert_ne!(fold_of, folds(&cases, 5, 4).unwrap());
    }

    #[test]
    fn too_few_patients_are_refused() {
        let error = folds(&cohort(), 21, 0).unwrap_err().to_string();
        assert_eq!(error, "split: class `b` has 20 patients, too few for 21 folds");
        assert!(folds(&cohort(), 1, 0).is_err());
    }
}
