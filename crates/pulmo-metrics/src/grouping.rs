//! Samples taken apart and put together: some of them, groups of them, patients.

use std::collections::BTreeMap;

use super::decision::decide;
use super::{MetricsError, Samples};

impl Samples {
    /// The samples at `indices`; those out of range are left out.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        fn pick<T: Clone>(from: &[T], indices: &[usize]) -> Vec<T> {
            indices.iter().filter_map(|&index| from.get(index).cloned()).collect()
        }
        Self {
            classes: self.classes.clone(),
            labels: pick(&self.labels, indices),
            predictions: pick(&self.predictions, indices),
            probabilities: pick(&self.probabilities, indices),
            patients: pick(&self.patients, indices),
        }
    }

    /// The samples of each group, in the order of the groups' names; `groups` names that of each
    /// sample.
    pub fn by_group(&self, groups: &[String]) -> BTreeMap<String, Self> {
        let mut members: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
        for (index, group) in groups.iter().enumerate() {
            members.entry(group).or_default().push(index);
        }
        members.into_iter().map(|(group, indices)| (group.clone(), self.subset(&indices))).collect()
    }

    /// One sample for each patient: the mean of the probabilities of the patient's samples, decided
    /// as the bundle decides: for two classes the second from `threshold` on, else the most probable.
    ///
    /// # Errors
    /// As [`Samples::validate`]; [`MetricsError::MixedPatients`] where samples of one patient have
    /// different labels, so that the patient has none.
    pub fn by_patient(&self, threshold: Option<f64>) -> Result<Self, MetricsError> {
        self.validate()?;
        let groups = self.by_group(&self.patients);
        let mixed =
            groups.values().filter(|own| own.labels.iter().any(|&label| label != own.labels[0])).count();
        if mixed > 0 {
            return Err(MetricsError::MixedPatients { count: mixed });
        }
        let mean = |own: &Self, class: usize| {
            own.probabilities.iter().map(|row| row[class]).sum::<f64>() / own.labels.len() as f64
        };
        let probabilities: Vec<Vec<f64>> = groups
            .values()
            .map(|own| (0..self.classes.len()).map(|class| mean(own, class).clamp(0.0, 1.0)).collect())
            .collect();
        Ok(Self {
            classes: self.classes.clone(),
            labels: groups.values().map(|own| own.labels[0]).collect(),
            predictions: probabilities.iter().map(|row| decide(row, threshold)).collect(),
            probabilities,
            patients: groups.into_keys().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Samples {
        let positive = [0.1, 0.9, 0.5, 0.7];
        Samples {
            classes: vec!["well".into(), "ill".into()],
            labels: vec![0, 1, 0, 1],
            predictions: vec![0, 1, 1, 1],
            probabilities: positive.map(|p| vec![1.0 - p, p]).to_vec(),
            patients: ["b", "a", "b", "a"].map(String::from).to_vec(),
        }
    }

    #[test]
    fn a_patient_has_the_mean_probability_and_the_bundles_decision() {
        let patients = samples().by_patient(Some(0.3)).unwrap();
        assert_eq!((patients.patients, patients.labels), (vec!["a".to_owned(), "b".into()], vec![1, 0]));
        assert!((patients.probabilities[0][1] - 0.8).abs() < 1e-15);
        assert!((patients.probabilities[1][1] - 0.3).abs() < 1e-15);
        assert_eq!(patients.predictions, [1, 1], "0.3 is at the threshold");
        assert_eq!(samples().by_patient(Some(0.31)).unwrap().predictions, [1, 0]);
    }

    #[test]
    fn a_patient_of_two_labels_has_none() {
        let mut samples = samples();
        samples.labels[0] = 1;
        assert_eq!(samples.by_patient(None), Err(MetricsError::MixedPatients { count: 1 }));
    }

    #[test]
    fn groups_keep_their_samples_together() {
        let groups = ["x", "y", "x", "x"].map(String::from);
        let groups = samples().by_group(&groups);
        assert_eq!(groups.keys().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(
            (groups["x"].labels.as_slice(), groups["y"].predictions.as_slice()),
            (&[0, 0, 1][..], &[1][..])
        );
        assert_eq!(groups["x"].validate(), Ok(()));
    }
}
