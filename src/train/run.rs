//! A whole training: data in, bundle out.

use std::time::SystemTime;

use super::batch::Batches;
use super::checkpoint::{Checkpoint, RunIdentity};
use super::course::{answered, ranking, roc_auc, score};
use super::domain::with_domain;
use super::epochs::{EpochPass, EpochStart, Run, Validation, make_folder};
use super::event::{EpochRow, Event};
use super::groups::check_groups;
use super::job::Job;
use super::log::{RunFacts, RunLog};
use super::prepared::Prepared;
use super::recipe::{ClassWeights, ThresholdRule};
use super::recipe_error::RecipeError;
use super::step::Trainer;
use super::{Loss, TrainError};
use crate::bundle::{Bundle, FORMAT, Manifest, Origin, save_weights, transfer};
use crate::cohort::Split;
use crate::metrics::best_threshold_youden;
use crate::network::Network;
use crate::predict::Predictor;

/// The threshold where nothing speaks for another.
const HALF: f32 = 0.5;

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// The bundle, as written into the job's folder.
    pub bundle: Bundle,
    /// Every epoch.
    pub history: Vec<EpochRow>,
    /// The split of each case of the job.
    pub splits: Vec<Split>,
}

/// Trains by a recipe, going on from the newest checkpoint in the job's folder, and writes the
/// bundle with the best weights there. The same recipe, cases and seed give the same weights, bit
/// for bit, on the CPU.
///
/// # Errors
/// [`TrainError`]; what was done up to the last whole epoch stays in the folder.
pub fn train(job: &Job, observe: &(dyn Fn(Event) + Sync)) -> Result<Trained, TrainError> {
    let started = SystemTime::now();
    let prepared = Prepared::read(job, observe)?;
    work(job, &prepared, started, observe)
}

/// As [`train`], on cases that were read before: several trainings can share them.
///
/// # Errors
/// As [`train`]; [`TrainError::Recipe`] where `prepared` was read for other cases or another chain.
pub fn train_prepared(
    job: &Job,
    prepared: &Prepared,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Trained, TrainError> {
    prepared.check(job)?;
    work(job, prepared, SystemTime::now(), observe)
}

fn work(
    job: &Job,
    data: &Prepared,
    started: SystemTime,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Trained, TrainError> {
    let recipe = &job.recipe;
    if matches!(recipe.course.loss, Loss::Contrastive { .. }) {
        return Err(RecipeError::ContrastiveWithLabels.into());
    }
    let identity = RunIdentity::of(recipe, job.init.as_deref(), &data.rows_sha256)?;
    make_folder(&job.out)?;
    let cases = [job.cases.len(), data.unreadable()];
    let log = RunLog::new(&job.out, RunFacts::of(&job.compute, recipe.seed, &identity, cases), started);
    let observe = &|event: Event| {
        log.see(&event);
        observe(event);
    };
    let drawn = Network::new(&recipe.network, data.classes.len(), recipe.seed)?;
    let fresh = match &job.init {
        Some(bytes) => {
            let (network, report) = transfer(drawn, bytes)?;
            observe(Event::Transferred(&report));
            network
        }
        None => drawn,
    };
    check_groups(&recipe.groups, &fresh)?;
    let epochs = Run { recipe, out: &job.out, identity: &identity, fresh: &fresh, compute: &job.compute };
    let newest = epochs.newest()?;
    log.begin()?;
    let state = epochs.go_on(newest, observe, |state| epoch(job, data, state, observe))?;
    let finished = || with_domain(finish(job, data, &state, &identity)?, job, data, observe);
    let bundle = epochs.guarded(state.history.len(), finished)?;
    bundle.write(&job.out)?;
    recipe.write(&job.out)?;
    log.finish(&bundle.manifest().weights_sha256)?;
    Ok(Trained { bundle, history: state.history, splits: data.splits.clone() })
}

/// One pass over the training cases, then a look at the validation cases.
fn epoch(
    job: &Job,
    data: &Prepared,
    state: Checkpoint,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Checkpoint, TrainError> {
    let (recipe, course) = (&job.recipe, &job.recipe.course);
    let number = state.history.len() + 1;
    let mut trainer =
        Trainer::new(state.network.clone(), recipe.optimizer, data.classes.len(), job.compute.device())
            .counted_by(&job.compute);
    trainer.loss = course.loss;
    trainer.class_weights = class_weights(&course.class_weights, data);
    trainer.label_smoothing = course.label_smoothing;
    trainer.dropout = recipe.network.dropout;
    let batches = Batches { recipe, cases: &data.train, compute: &job.compute, epoch: number };
    let batch = |cases: &[usize]| batches.of(cases);
    let pass = EpochPass::over(&batches.order(), recipe, EpochStart { state, trainer }, &batch, observe)?;
    let scores = score(pass.judged(), &recipe.network, &data.validation, &job.compute)?;
    let roc_auc = roc_auc(&scores.probabilities, data.validation.labels());
    pass.validated(Validation { loss: scores.loss, roc_auc }, course.epochs, observe)
}

fn class_weights(rule: &ClassWeights, data: &Prepared) -> Vec<f32> {
    let (classes, labels) = (data.classes.len(), data.train.labels());
    match rule {
        ClassWeights::Equal => vec![1.0; classes],
        ClassWeights::Given(weights) => {
            (0..classes).map(|c| weights.get(c).copied().unwrap_or(1.0)).collect()
        }
        #[expect(clippy::cast_possible_truncation, reason = "class weights are f32")]
        ClassWeights::Balanced => (0..classes)
            .map(|class| {
                let count = labels.iter().filter(|label| **label == class).count();
                (labels.len() as f64 / (classes * count.max(1)) as f64) as f32
            })
            .collect(),
    }
}

/// The bundle of the best weights, its threshold chosen on what it predicts for the validation cases.
fn finish(job: &Job, data: &Prepared, state: &Checkpoint, run: &RunIdentity) -> Result<Bundle, TrainError> {
    let recipe = &job.recipe;
    let weights = match &state.best {
        Some(best) => best.clone(),
        None => save_weights(&state.network)?,
    };
    let is_binary = data.classes.len() == 2;
    let manifest = Manifest {
        format: FORMAT,
        name: recipe.name.clone(),
        description: recipe.description.clone(),
        classes: data.classes.clone(),
        threshold: is_binary.then_some(HALF),
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: recipe.augment.mirrors(),
        chain: recipe.chain.clone(),
        golden: None,
        calibration: None,
        domain: None,
        origin: origin(job, data, state, run),
    };
    let bundle = Bundle::new(manifest, recipe.network.clone(), weights)?;
    let predictor = Predictor::new(&bundle, &job.compute);
    let answers = answered(&predictor, &data.validation)?;
    let said: Vec<Vec<f32>> = answers.into_iter().map(|answer| answer.prediction.probabilities).collect();
    let labels = data.validation.labels();
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
    let youden =
        || ranking(&said, labels, 1).and_then(|ranking| best_threshold_youden(&ranking)).map(|t| t as f32);
    let threshold = match recipe.course.threshold {
        _ if !is_binary => None,
        ThresholdRule::Half => Some(HALF),
        ThresholdRule::Youden => Some(youden().unwrap_or(HALF)),
    };
    Ok(bundle.validated(threshold, roc_auc(&said, labels))?)
}

/// Where the weights come from.
fn origin(job: &Job, data: &Prepared, state: &Checkpoint, run: &RunIdentity) -> Origin {
    Origin {
        pulmo: env!("CARGO_PKG_VERSION").to_owned(),
        device: job.compute.name().to_owned(),
        seed: job.recipe.seed,
        recipe_sha256: run.recipe.clone(),
        init_sha256: run.init.clone(),
        data_sha256: run.data.clone(),
        train_cases: data.train.len(),
        validation_cases: data.validation.len(),
        epoch: state.history.iter().rev().find(|row| row.best).map_or(state.history.len(), |row| row.epoch),
        validation_roc_auc: None,
    }
}
