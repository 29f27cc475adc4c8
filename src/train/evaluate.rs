//! A bundle's predictions on labelled cases, and what they are worth.

use std::collections::BTreeSet;

use super::TrainError;
use super::event::Event;
use super::seen::{SeenCase, each_seen, refusal};
use super::sketch::Glance;
use crate::cohort::{Case, Failure};
use crate::engine::Engine;
use crate::findings::{Observation, Prediction, Reason};
use crate::metrics::{Evaluation, EvaluationSettings, Samples};

/// One case and what the bundle says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The case.
    pub case: Case,
    /// The bundle's answer.
    pub prediction: Prediction,
    /// What was seen and dealt with while it was read.
    pub warnings: Vec<Reason>,
}

/// The predictions on labelled cases and their metrics.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Cases that could be read and classified, in the order given.
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

/// Returns the engine's predictions on `cases`, bit for bit those of [`Engine::run`] on the CPU, and their
/// metrics with bootstrap intervals by patient.
///
/// # Errors
/// [`TrainError::Labels`] where a case has a label that the bundle does not know;
/// [`TrainError::NoCases`] where none could be read and classified.
pub fn evaluate(
    engine: &Engine,
    cases: &[Case],
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Evaluated, TrainError> {
    let manifest = engine.manifest();
    if let Some(case) = cases.iter().find(|case| !manifest.classes.contains(&case.label)) {
        let (label, classes) = (&case.label, manifest.classes.join(", "));
        return Err(TrainError::Labels(format!("`{label}` is not a class of the bundle ({classes})")));
    }
    let (mut judged, mut told) = (Judged::default(), BTreeSet::new());
    let failures = each_seen(engine, cases, observe, |few| {
        let mut failures = Vec::new();
        let (about, seen): (Vec<_>, Vec<_>) =
            few.into_iter().map(|SeenCase { case, glance, seen }| ((case, glance), seen)).unzip();
        for ((case, glance), observation) in about.into_iter().zip(engine.judge(seen)) {
            tell_setbacks(&observation, &mut told, observe);
            match scored(case, observation) {
                Ok(scored) => {
                    judged.scored.push(scored);
                    judged.glances.push(glance);
                }
                Err(failure) => failures.push(failure),
            }
        }
        failures
    })?;
    Judged { failures, ..judged }.measured(&manifest.classes, manifest.threshold)
}

/// The case with its prediction.
fn scored(case: &Case, observation: Observation) -> Result<Scored, Failure> {
    let Observation { prediction, verdict, .. } = observation;
    let prediction = prediction.ok_or_else(|| refusal(case, &verdict))?;
    Ok(Scored { case: case.clone(), prediction, warnings: verdict.reasons().to_vec() })
}

/// Tells each setback that was not told before.
fn tell_setbacks(observation: &Observation, told: &mut BTreeSet<String>, observe: &(dyn Fn(Event) + Sync)) {
    for setback in &observation.setbacks {
        let what = setback.to_string();
        if !told.contains(&what) {
            observe(Event::Warning(&what));
            told.insert(what);
        }
    }
}

/// Predictions before they are measured, as in [`Evaluated`].
#[derive(Default)]
pub(super) struct Judged {
    pub scored: Vec<Scored>,
    /// Of each scored case.
    pub glances: Vec<Glance>,
    pub failures: Vec<Failure>,
}

impl Judged {
    /// The predictions with their metrics, decided at `threshold` where there is one.
    ///
    /// # Errors
    /// [`TrainError::Metrics`] where there is nothing to measure.
    pub(super) fn measured(
        self,
        classes: &[String],
        threshold: Option<f32>,
    ) -> Result<Evaluated, TrainError> {
        let Self { scored, glances, failures } = self;
        let samples = samples(classes, &scored);
        let settings =
            EvaluationSettings { threshold: threshold.map(f64::from), ..EvaluationSettings::default() };
        let evaluation = Evaluation::compute(&samples, &settings)?;
        Ok(Evaluated { scored, failures, glances, samples, evaluation })
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
