//! Cross-validation: one training a fold, every case predicted once by a network that never saw its patient.

use std::collections::HashMap;

use super::TrainError;
use super::evaluate::{Evaluated, Judged, Scored, evaluate};
use super::event::Event;
use super::job::Job;
use super::run::{Trained, train};
use crate::cohort::{Case, Split, folds};
use crate::engine::{Engine, Outside};

/// What came of a cross-validation.
#[derive(Debug)]
pub struct CrossValidated {
    /// The training of each fold, in `fold-0`, `fold-1`, ... of the job's folder.
    pub folds: Vec<Trained>,
    /// The fold in which each scored case was for validation.
    pub fold_of: Vec<usize>,
    /// The predictions on every case by the fold that did not train on it, in the manifest's order.
    /// Each fold decides by its own threshold.
    pub out_of_fold: Evaluated,
}

/// Trains `count` times, each time with another fold of the patients for validation, and writes
/// `folds.csv` with the out-of-fold predictions. Cases that the manifest keeps for testing take no part;
/// its other splits are not looked at. A cross-validation that is started again goes on.
///
/// The epoch and the threshold of each fold are chosen on the fold's own validation cases, so the
/// pooled figures are a little optimistic.
///
/// # Errors
/// [`TrainError`], of the first fold that fails.
pub fn train_folds(
    job: &Job,
    count: usize,
    observe: &(dyn Fn(usize, Event) + Sync),
) -> Result<CrossValidated, TrainError> {
    let cases: Vec<Case> = job.cases.iter().filter(|case| case.split != Some(Split::Test)).cloned().collect();
    let fold_of_case = folds(&cases, count, job.recipe.seed)?;
    let (mut trainings, mut scored, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for fold in 0..count {
        let divided = cases.iter().zip(&fold_of_case).map(|(case, &own)| {
            let split = if own == fold { Split::Validation } else { Split::Train };
            Case { split: Some(split), ..case.clone() }
        });
        let job = Job { cases: divided.collect(), out: job.out.join(format!("fold-{fold}")), ..job.clone() };
        let trained = train(&job, &|event| observe(fold, event))?;
        let validation: Vec<Case> =
            job.cases.iter().filter(|case| case.split == Some(Split::Validation)).cloned().collect();
        // Every case was chosen for this, whether or not the other folds have its like.
        let engine =
            Engine::new(&trained.bundle, &job.compute).with_partial(job.partial).with_outside(Outside::Warn);
        let evaluated = evaluate(&engine, &validation, &|event| observe(fold, event))?;
        let judged = evaluated.scored.into_iter().zip(evaluated.glances);
        scored.extend(judged.map(|judged| (fold, judged)));
        failures.extend(evaluated.failures);
        trainings.push(trained);
    }
    let place: HashMap<&str, usize> =
        cases.iter().enumerate().map(|(place, case)| (case.path.as_str(), place)).collect();
    scored.sort_by_key(|(_, (scored, _))| place.get(scored.case.path.as_str()).copied());
    let (fold_of, judged): (Vec<usize>, Vec<_>) = scored.into_iter().unzip();
    let classes = trainings.first().map(|first| first.bundle.manifest().classes.clone()).unwrap_or_default();
    let (scored, glances) = judged.into_iter().unzip();
    let out_of_fold = Judged { scored, glances, failures }.measured(&classes, None)?;
    let validated = CrossValidated { folds: trainings, fold_of, out_of_fold };
    write_table(job, &classes, &validated)?;
    Ok(validated)
}

/// `folds.csv`: the out-of-fold prediction of each case.
fn write_table(job: &Job, classes: &[String], validated: &CrossValidated) -> Result<(), TrainError> {
    let path = job.out.join("folds.csv");
    let write = || -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(&path)?;
        let fixed = ["path", "patient_id", "label", "fold", "prediction"].map(String::from);
        let probabilities = classes.iter().map(|class| format!("probability_{class}"));
        writer.write_record(fixed.into_iter().chain(probabilities))?;
        for (fold, Scored { case, prediction, .. }) in
            validated.fold_of.iter().zip(&validated.out_of_fold.scored)
        {
            let fixed = [&case.path, &case.patient_id, &case.label, &fold.to_string(), &prediction.class];
            let probabilities = prediction.probabilities.iter().map(ToString::to_string);
            writer.write_record(fixed.into_iter().cloned().chain(probabilities))?;
        }
        writer.flush().map_err(csv::Error::from)
    };
    write().map_err(|error| TrainError::File { path: path.clone(), source: std::io::Error::other(error) })
}
