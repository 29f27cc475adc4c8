//! The whole audit of a cohort.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Confounds, Look, PROPERTIES, Pair, PropertyValue, Signature, pairs};
use crate::cohort::{Case, Failure, Opened, Reading, Split, each_case, missing_of, shared_patients};
use pulmo_scan::dicom::Partial;

/// Cases and patients of one class in one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCount {
    /// The class.
    pub label: String,
    /// The split; `None` where the manifest names none.
    pub split: Option<Split>,
    /// Cases.
    pub cases: usize,
    /// Patients.
    pub patients: usize,
}

/// A patient in more than one split, told by the paths of the cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPatientCases {
    /// The splits.
    pub splits: Vec<Split>,
    /// Paths as in the manifest.
    pub paths: Vec<String>,
}

/// Two cases with the same or nearly the same image.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedImages {
    /// The cases.
    pub cases: [Case; 2],
    /// Correlation of their small copies; `None` where all values are the same.
    pub correlation: Option<f32>,
}

impl SharedImages {
    /// Whether they are in two splits.
    pub fn crosses_splits(&self) -> bool {
        let [first, second] = &self.cases;
        first.split != second.split
    }

    /// Whether they are said to belong to two patients.
    pub fn crosses_patients(&self) -> bool {
        let [first, second] = &self.cases;
        first.patient_id != second.patient_id
    }

    /// Whether they are said to show two classes.
    pub fn contradicts(&self) -> bool {
        let [first, second] = &self.cases;
        first.label != second.label
    }

    /// Whether they do harm. Two pictures alike of one patient, in one split and of one class do none;
    /// nor do two that are only nearly alike but of different classes within one patient and split.
    pub fn is_fault(&self) -> bool {
        let is_exact = self.correlation.is_none();
        self.crosses_splits() || self.crosses_patients() || (is_exact && self.contradicts())
    }
}

/// What was found in a cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Cases in the manifest.
    pub cases: usize,
    /// Cases that could not be read.
    pub failures: Vec<Failure>,
    /// What is missing of cases of which only a part was read.
    pub partial: Vec<Failure>,
    /// Whether the manifest says which cases belong to one patient.
    pub has_patients: bool,
    /// Cases and patients of each class and split.
    pub classes: Vec<ClassCount>,
    /// Patients in more than one split.
    pub shared_patients: Vec<SharedPatientCases>,
    /// Images that occur twice and do harm, exact ones first, then by falling correlation.
    pub shared_images: Vec<SharedImages>,
    /// Pairs of like images that do no harm: of one patient, in one split.
    pub harmless_pairs: usize,
    /// What the properties of the files say of the class; `None` for too few patients or classes.
    pub confounds: Option<Confounds>,
}

/// Reads every case and looks for what would make results worthless. `observe` is told how many
/// cases are done. Splits are those that the manifest names.
pub fn audit(cases: &[Case], allowed: Partial, observe: &(dyn Fn(usize) + Sync)) -> Audit {
    let done = AtomicUsize::new(0);
    let look = |(_, case): (usize, &Case), opened: Opened| {
        let look = opened.map(|(item, loaded)| (Look::at(&item, &loaded), missing_of(case, &loaded)));
        observe(done.fetch_add(1, Ordering::Relaxed) + 1);
        (0, look)
    };
    let mut looks: Vec<Result<(Look, Option<Failure>), Failure>> = Vec::with_capacity(cases.len());
    each_case(cases.iter(), Reading { partial: allowed, ..Reading::default() }, look, |some| {
        looks.extend(some);
        ControlFlow::Continue(())
    });
    let (mut read, mut signatures) = (Vec::new(), Vec::new());
    let (mut failures, mut partial) = (Vec::new(), Vec::new());
    let mut columns: Vec<Vec<PropertyValue>> = vec![Vec::new(); PROPERTIES.len()];
    for (case, look) in cases.iter().zip(looks) {
        match look {
            Err(failure) => failures.push(failure),
            Ok((look, missing)) => {
                partial.extend(missing);
                read.push(case.clone());
                signatures.push(look.signature);
                columns.iter_mut().zip(look.properties).for_each(|(column, value)| column.push(value));
            }
        }
    }
    let (shared_images, harmless) = shared_images(&read, &signatures);
    Audit {
        cases: cases.len(),
        failures,
        partial,
        has_patients: cases.iter().any(|case| case.patient_id != case.path),
        classes: count_classes(cases),
        shared_patients: shared(cases),
        shared_images,
        harmless_pairs: harmless,
        confounds: Confounds::measure(&read, &PROPERTIES, &columns),
    }
}

impl Audit {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.faults().is_empty()
    }

    /// What was found, a sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut tell = |count: usize, what: &str| {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        };
        tell(self.failures.len(), "cases cannot be read");
        tell(self.shared_patients.len(), "patients are in more than one split");
        let count =
            |is: &dyn Fn(&SharedImages) -> bool| self.shared_images.iter().filter(|pair| is(pair)).count();
        let is_exact = |pair: &SharedImages| pair.correlation.is_none();
        tell(
            count(&|pair| is_exact(pair) && pair.crosses_splits()),
            "pairs of identical images cross the splits",
        );
        tell(
            count(&|pair| !is_exact(pair) && pair.crosses_splits()),
            "pairs of nearly identical images cross the splits",
        );
        let within = |pair: &SharedImages| !pair.crosses_splits() && pair.crosses_patients();
        tell(
            count(&|pair| within(pair) && is_exact(pair)),
            "pairs of identical images are said to be of two patients",
        );
        tell(
            count(&|pair| within(pair) && !is_exact(pair)),
            "pairs of nearly identical images are said to be of two patients",
        );
        tell(
            count(&|pair| is_exact(pair) && pair.contradicts()),
            "pairs of identical images have two labels",
        );
        for confound in self.confounds.iter().flat_map(|confounds| &confounds.properties) {
            if let (true, Some(auc)) = (confound.predicts, confound.auc) {
                faults.push(format!("`{}` alone predicts the class (AUC {auc:.3})", confound.name));
            }
        }
        faults
    }
}

fn shared(cases: &[Case]) -> Vec<SharedPatientCases> {
    let splits: Vec<Option<Split>> = cases.iter().map(|case| case.split).collect();
    let told = shared_patients(cases, &splits).into_iter().map(|shared| SharedPatientCases {
        splits: shared.splits,
        paths: shared.cases.into_iter().map(|case| cases[case].path.clone()).collect(),
    });
    told.collect()
}

fn shared_images(cases: &[Case], signatures: &[Signature]) -> (Vec<SharedImages>, usize) {
    let told = |pair: Pair| SharedImages {
        cases: [pair.first, pair.second].map(|index| cases[index].clone()),
        correlation: pair.correlation,
    };
    let (mut faults, harmless): (Vec<_>, Vec<_>) =
        pairs(&signatures.iter().collect::<Vec<_>>()).into_iter().map(told).partition(SharedImages::is_fault);
    let likeness = |pair: &SharedImages| pair.correlation.unwrap_or(f32::INFINITY);
    faults.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    (faults, harmless.len())
}

fn count_classes(cases: &[Case]) -> Vec<ClassCount> {
    let mut of_class: BTreeMap<(&str, Option<Split>), Vec<&str>> = BTreeMap::new();
    for case in cases {
        of_class.entry((&case.label, case.split)).or_default().push(&case.patient_id);
    }
    let told = of_class.into_iter().map(|((label, split), patients)| ClassCount {
        label: label.to_owned(),
        split,
        cases: patients.len(),
        patients: patients.iter().collect::<BTreeSet<_>>().len(),
    });
    told.collect()
}
