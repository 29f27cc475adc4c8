//! A bundle's predictions on labelled cases, and what they are worth.

use std::ops::ControlFlow;

use ndarray::Array3;
use rayon::prelude::*;

use super::TrainError;
use super::dataset::{bounds_for, preprocessed};
use super::event::Event;
use super::sketch::{Glance, Sketch};
use crate::audit::{Properties, properties};
use crate::bundle::Bundle;
use crate::cohort::{Case, Failure, Opened, each_case};
use crate::findings::Prediction;
use crate::metrics::{Evaluation, EvaluationSettings, Samples};
use crate::network::Compute;
use crate::network::NetworkKind;
use crate::predict::{Predictor, Setback};
use crate::preprocess::Processor;

/// One case and what the bundle says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The case.
    pub case: Case,
    /// The bundle's answer.
    pub prediction: Prediction,
}

/// The predictions on labelled cases and their metrics.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Cases that could be read, in the order given.
    pub scored: Vec<Scored>,
    /// Cases that could not.
    pub failures: Vec<Failure>,
    /// What simple classifiers see of the cases, in the order of `scored`.
    pub glances: Vec<Glance>,
    /// What the metrics were computed from.
    pub samples: Samples,
    /// The metrics.
    pub evaluation: Evaluation,
}

/// Cases read at once: enough to keep the processors busy, few enough to bound memory.
fn cases_at_once(kind: NetworkKind) -> usize {
    let threads = rayon::current_num_threads();
    if kind == NetworkKind::Slice { 16.max(2 * threads) } else { threads.max(2) }
}

/// Returns the bundle's predictions on `cases` and their metrics with bootstrap intervals by patient.
///
/// # Errors
/// [`TrainError::Labels`] where a case has a label that the bundle does not know;
/// [`TrainError::NoCases`] where no case could be read; device errors.
pub fn evaluate(
    bundle: &Bundle,
    cases: &[Case],
    compute: &Compute,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Evaluated, TrainError> {
    judge(bundle, cases, (compute, observe), Predictor::new(bundle, compute))
}

/// As [`evaluate`], with mirror images along every combination of the bundle's `mirrors` averaged.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_mirrored(
    bundle: &Bundle,
    cases: &[Case],
    compute: &Compute,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Evaluated, TrainError> {
    let predictor = Predictor::new(bundle, compute).with_mirrors(&bundle.manifest().mirrors);
    judge(bundle, cases, (compute, observe), predictor)
}

fn judge(
    bundle: &Bundle,
    cases: &[Case],
    (compute, observe): (&Compute, &(dyn Fn(Event) + Sync)),
    predictor: Predictor,
) -> Result<Evaluated, TrainError> {
    let manifest = bundle.manifest();
    if let Some(case) = cases.iter().find(|case| !manifest.classes.contains(&case.label)) {
        let (label, classes) = (&case.label, manifest.classes.join(", "));
        return Err(TrainError::Labels(format!("`{label}` is not a class of the bundle ({classes})")));
    }
    let (mut scored, mut glances) = (Vec::new(), Vec::new());
    let failures = read_cases(bundle, cases, (compute, observe), |few| {
        let volumes: Vec<_> = few.iter().map(|read| &read.volume).collect();
        let told = |setback: Setback| observe(Event::Warning(&setback.to_string()));
        let predictions = predictor.predict_anyway(&volumes, told)?;
        glances.par_extend(few.par_iter().map(ReadCase::glance));
        let pairs = few.iter().zip(predictions);
        scored.extend(pairs.map(|(read, prediction)| Scored { case: read.case.clone(), prediction }));
        Ok(())
    })?;
    measured(&manifest.classes, manifest.threshold, (scored, glances), failures)
}

/// The metrics of predictions.
pub(super) fn measured(
    classes: &[String],
    threshold: Option<f32>,
    (scored, glances): (Vec<Scored>, Vec<Glance>),
    failures: Vec<Failure>,
) -> Result<Evaluated, TrainError> {
    let samples = samples(classes, &scored);
    let settings =
        EvaluationSettings { threshold: threshold.map(f64::from), ..EvaluationSettings::default() };
    let evaluation = Evaluation::compute(&samples, &settings)?;
    Ok(Evaluated { scored, failures, glances, samples, evaluation })
}

/// A case that was read and preprocessed.
pub(super) struct ReadCase<'a> {
    pub(super) case: &'a Case,
    volume: Array3<f32>,
    properties: Properties,
}

impl ReadCase<'_> {
    /// What simple classifiers see of it.
    pub(super) fn glance(&self) -> Glance {
        Glance { sketch: Sketch::of(&self.volume), properties: self.properties.clone() }
    }
}

/// Reads `cases` as `bundle` preprocesses them and hands them to `each`, a few at a time; returns
/// those that failed.
///
/// # Errors
/// What `each` says; [`TrainError::NoCases`] where none could be read.
pub(super) fn read_cases<'a>(
    bundle: &Bundle,
    cases: &'a [Case],
    (compute, observe): (&Compute, &(dyn Fn(Event) + Sync)),
    mut each: impl FnMut(&[ReadCase]) -> Result<(), TrainError>,
) -> Result<Vec<Failure>, TrainError> {
    let processor = compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    let chain = &bundle.manifest().chain;
    let read = |(_, case): (usize, &'a Case), opened: Opened| {
        let read = opened.and_then(|(item, loaded)| {
            let properties = properties(&item, &loaded);
            let volume = preprocessed(case, loaded, chain, (&processor, observe))?;
            Ok(ReadCase { case, volume, properties })
        });
        (read.as_ref().map_or(0, |read| size_of::<f32>() * read.volume.len()), read)
    };
    let at_once = cases_at_once(bundle.network_config().kind);
    let (mut failures, mut few, mut done, mut outcome) = (Vec::new(), Vec::new(), 0, Ok(()));
    each_case(cases.iter(), bounds_for(&processor), read, |some| {
        for found in some {
            done += 1;
            observe(Event::Loaded { done, total: cases.len() });
            match found {
                Ok(found) => few.push(found),
                Err(failure) => {
                    observe(Event::Failed(&failure));
                    failures.push(failure);
                }
            }
            // the same cases go together each time, whichever were read first
            if !few.is_empty() && (done % at_once == 0 || done == cases.len()) {
                outcome = each(&std::mem::take(&mut few));
            }
            if outcome.is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    outcome?;
    match failures.first() {
        Some(first) if failures.len() == cases.len() => {
            Err(TrainError::NoCases { cases: cases.len(), first: first.clone() })
        }
        _ => Ok(failures),
    }
}

fn samples(classes: &[String], scored: &[Scored]) -> Samples {
    let index = |name: &str| classes.iter().position(|class| class == name).unwrap_or(0);
    Samples {
        classes: classes.to_vec(),
        labels: scored.iter().map(|row| index(&row.case.label)).collect(),
        predictions: scored.iter().map(|row| index(&row.prediction.class)).collect(),
        probabilities: scored
            .iter()
            .map(|row| row.prediction.probabilities.iter().map(|p| f64::from(*p)).collect())
            .collect(),
        patients: scored.iter().map(|row| row.case.patient_id.clone()).collect(),
    }
}
