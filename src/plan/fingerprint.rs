//! What a data set is: shapes, spacings, intensities, classes, patients.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cohort::{Case, Failure, Opened, Reading, Split, each_case, labels, missing_of};
use crate::dicom::Partial;
use crate::geometry::Unit;
use crate::intake::Loaded;

/// Values taken of each case for the intensities, evenly over its voxels.
const VALUES_A_CASE: usize = 8192;

/// Why there is nothing to plan with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No case can be read.
    #[error("none of the {cases} cases can be read; the first that failed is {first}")]
    NoCases {
        /// Cases in the manifest.
        cases: usize,
        /// The first failure.
        first: Failure,
    },
    /// The manifest names no training case.
    #[error("no case of the manifest is for training")]
    NoTraining,
    /// The labels give no classes to tell apart.
    #[error("the manifest has only one label; a classifier needs at least two")]
    OneClass,
    /// The cases are of several kinds.
    #[error("{first} is {first_kind}, {other} is {other_kind}: one network reads one kind of image")]
    Mixed {
        /// A case.
        first: String,
        /// Its kind.
        first_kind: Modality,
        /// Another case.
        other: String,
        /// Its kind.
        other_kind: Modality,
    },
}

/// What the values of a data set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    /// Hounsfield units on a grid in millimetres.
    Hounsfield,
    /// Gray values of pictures, 0 to 255 whatever their bits.
    Picture,
    /// Plain arrays: values of unknown unit, without spacing.
    Array,
}

impl std::fmt::Display for Modality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hounsfield => "CT in Hounsfield units",
            Self::Picture => "a picture",
            Self::Array => "an array without units",
        })
    }
}

/// Least, middle and largest of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeSummary {
    /// Least.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Largest.
    pub max: f64,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSize {
    /// Its label.
    pub label: String,
    /// Cases for training.
    pub cases: usize,
    /// Patients among all cases that are not kept for testing.
    pub patients: usize,
}

/// What a data set is. Everything is measured on the cases for training.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    /// What the values are.
    pub modality: Modality,
    /// Cases for training that can be read.
    pub cases: usize,
    /// Cases that cannot be read.
    pub failures: Vec<Failure>,
    /// What is missing of cases of which only a part was read.
    pub partial: Vec<Failure>,
    /// Classes, as a rule in the order of their labels; of two the second is the positive one.
    pub classes: Vec<ClassSize>,
    /// Whether the manifest names splits.
    pub has_splits: bool,
    /// Voxels along `[z, y, x]`.
    pub shape: [RangeSummary; 3],
    /// Spacing along `[z, y, x]` in millimetres; 1 without units.
    pub spacing_mm: [RangeSummary; 3],
    /// Extent along `[z, y, x]` in millimetres, or in pixels without units.
    pub extent: [RangeSummary; 3],
    /// The 0.5th and the 99.5th percentile of the values.
    pub clip: [f64; 2],
    /// Mean of the clipped values.
    pub mean: f64,
    /// Standard deviation of the clipped values.
    pub deviation: f64,
}

/// What one case is.
struct Facts {
    modality: Modality,
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    values: Vec<f32>,
}

/// Reads the cases for training and measures them; `observe` is told how many are done.
///
/// # Errors
/// [`PlanError`] where there is nothing to train on.
pub fn fingerprint(
    cases: &[Case],
    allowed: Partial,
    observe: &(dyn Fn(usize) + Sync),
) -> Result<Fingerprint, PlanError> {
    let training: Vec<&Case> =
        cases.iter().filter(|case| matches!(case.split, None | Some(Split::Train))).collect();
    if training.is_empty() {
        return Err(PlanError::NoTraining);
    }
    let classes = class_sizes(cases, &training)?;
    let done = AtomicUsize::new(0);
    let read = |(_, case): (usize, &Case), opened: Opened| {
        let facts = opened.map(|(_, loaded)| {
            let facts = (case.path.clone(), Facts::of(&loaded));
            (facts, missing_of(case, &loaded))
        });
        observe(done.fetch_add(1, Ordering::Relaxed) + 1);
        (0, facts)
    };
    let (mut found, mut failures, mut partial) = (Vec::new(), Vec::new(), Vec::new());
    each_case(training.iter().copied(), Reading { partial: allowed, ..Reading::default() }, read, |some| {
        for facts in some {
            match facts {
                Ok((facts, missing)) => {
                    found.push(facts);
                    partial.extend(missing);
                }
                Err(failure) => failures.push(failure),
            }
        }
        ControlFlow::Continue(())
    });
    let Some((first, first_facts)) = found.first() else {
        let first = failures.into_iter().next().ok_or(PlanError::NoTraining)?;
        return Err(PlanError::NoCases { cases: training.len(), first });
    };
    let modality = first_facts.modality;
    if let Some((other, facts)) = found.iter().find(|(_, facts)| facts.modality != modality) {
        return Err(PlanError::Mixed {
            first: first.clone(),
            first_kind: modality,
            other: other.clone(),
            other_kind: facts.modality,
        });
    }
    let range =
        |of: &dyn Fn(&Facts) -> f64| RangeSummary::of(found.iter().map(|(_, facts)| of(facts)).collect());
    let axes = [0, 1, 2];
    let (clip, mean, deviation) = intensities(found.iter().flat_map(|(_, facts)| &facts.values));
    Ok(Fingerprint {
        modality,
        cases: found.len(),
        failures,
        partial,
        classes,
        has_splits: cases.iter().all(|case| case.split.is_some()),
        shape: axes.map(|axis| range(&|facts| facts.shape[axis] as f64)),
        spacing_mm: axes.map(|axis| range(&|facts| facts.spacing_mm[axis])),
        extent: axes.map(|axis| range(&|facts| facts.shape[axis] as f64 * facts.spacing_mm[axis])),
        clip,
        mean,
        deviation,
    })
}

impl Fingerprint {
    /// The same with its classes in the order of `names`.
    #[must_use]
    pub fn with_order(mut self, names: &[String]) -> Self {
        self.classes.sort_by_key(|class| names.iter().position(|name| *name == class.label));
        self
    }
}

impl Facts {
    fn of(loaded: &Loaded) -> Self {
        let grid = loaded.volume.grid();
        let modality = match (grid.unit(), loaded.max_value) {
            (_, Some(_)) => Modality::Picture,
            (Unit::Millimetre, None) => Modality::Hounsfield,
            (Unit::Pixel, None) => Modality::Array,
        };
        let values = loaded.volume.as_slice();
        // an odd stride does not fall on the same columns in every row
        let stride = (values.len() / VALUES_A_CASE).max(1) | 1;
        let spacing_mm = if modality == Modality::Hounsfield { grid.spacing_mm() } else { [1.0; 3] };
        let values = values.iter().copied().step_by(stride).filter(|value| value.is_finite()).collect();
        Self { modality, shape: grid.shape_zyx(), spacing_mm, values }
    }
}

impl RangeSummary {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        Self { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }
}

/// The clip bounds, and mean and deviation within them.
fn intensities<'a>(values: impl Iterator<Item = &'a f32>) -> ([f64; 2], f64, f64) {
    let mut values: Vec<f32> = values.copied().collect();
    values.sort_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |index: usize| values.get(index).map_or(0.0, |value| f64::from(*value));
    let clip = [at(last / 200), at(last - last / 200)];
    let clipped = || values.iter().map(|value| f64::from(*value).clamp(clip[0], clip[1]));
    let count = values.len().max(1) as f64;
    let mean = clipped().sum::<f64>() / count;
    let variance = clipped().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (clip, mean, variance.sqrt())
}

fn class_sizes(cases: &[Case], training: &[&Case]) -> Result<Vec<ClassSize>, PlanError> {
    let classes = labels(cases);
    if classes.len() < 2 {
        return Err(PlanError::OneClass);
    }
    let size = |label: String| {
        let of_class = cases.iter().filter(|case| case.label == label && case.split != Some(Split::Test));
        let patients: BTreeSet<&str> = of_class.map(|case| case.patient_id.as_str()).collect();
        let cases = training.iter().filter(|case| case.label == label).count();
        ClassSize { cases, patients: patients.len(), label }
    };
    Ok(classes.into_iter().map(size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: numpy 2.4.6, `v = np.arange(1001.); c = v.clip(5, 995); c.mean(), c.std()`: 500.0,
    /// 288.91213; the percentiles `np.percentile(v, [0.5, 99.5])`: 5, 995.
    #[test]
    fn intensities_are_those_of_the_clipped_values() {
        let values: Vec<f32> = (0..=1000).map(|value| value as f32).collect();
        let (clip, mean, deviation) = intensities(values.iter());
        assert_eq!(clip, [5.0, 995.0]);
        assert!((mean - 500.0).abs() < 1e-9 && (deviation - 288.91213).abs() < 1e-4, "{mean} {deviation}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(RangeSummary::of(vec![3.0, 1.0, 2.0]), RangeSummary { min: 1.0, median: 2.0, max: 3.0 });
    }
}
