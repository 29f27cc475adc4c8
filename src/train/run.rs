//! A whole training: data in, bundle out.

use std::path::{Path, PathBuf};

use burn::module::Module;

use super::average::{blend, decay_at};
use super::batch::Batches;
use super::checkpoint::{Checkpoint, RunIdentity};
use super::course::score;
use super::dataset::{Cache, Dataset};
use super::event::{EpochRow, Event};
use super::groups::check_groups;
use super::leaks::{LeakPolicy, check_images, check_patients};
use super::log::{RunFacts, RunLog};
use super::recipe::{ClassWeights, Recipe, ThresholdRule};
use super::step::Trainer;
use super::{Optimizer, TrainError};
use crate::bundle::{Bundle, FORMAT, Manifest, Origin, load_weights, save_weights, sha256_hex, transfer};
use crate::cohort::{Case, Split, assign, labels, rows_text};
use crate::gpu::Compute;
use crate::metrics::best_threshold_youden;
use crate::network::Network;
use crate::preprocess::Processor;
use crate::random::Random;

/// What to train on what, and where to put it.
#[derive(Debug, Clone)]
pub struct Job {
    /// How to train.
    pub recipe: Recipe,
    /// What to train on.
    pub cases: Vec<Case>,
    /// Weights to start from, as the bytes of a file for [`transfer`]; `None` draws them by the seed.
    pub init: Option<Vec<u8>>,
    /// Where checkpoints and the bundle go.
    pub out: PathBuf,
    /// What to compute on.
    pub compute: Compute,
    /// What becomes of a split that leaks.
    pub leaks: LeakPolicy,
}

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

/// The training and validation cases and their classes.
struct Data {
    classes: Vec<String>,
    train: Dataset,
    validation: Dataset,
}

/// How often a run that diverged goes back to its last checkpoint, each time with half the learning rate.
const MAX_SETBACKS: u32 = 3;

/// Trains by a recipe, going on from the newest checkpoint in the job's folder, and writes the
/// bundle with the best weights there. The same recipe, cases and seed give the same weights, bit
/// for bit, on the CPU.
///
/// # Errors
/// [`TrainError`]; what was done up to the last whole epoch stays in the folder.
pub fn train(job: &Job, observe: &(dyn Fn(Event) + Sync)) -> Result<Trained, TrainError> {
    let recipe = &job.recipe;
    let splits = assign(&job.cases, &recipe.split, recipe.seed)?;
    check_patients(&job.cases, &splits, job.leaks, observe)?;
    let run = identity(job, &splits)?;
    let checkpoints = job.out.join("checkpoints");
    std::fs::create_dir_all(&checkpoints)
        .map_err(|source| TrainError::File { path: checkpoints.clone(), source })?;
    let log = RunLog::new(&job.out, facts(job, &run));
    let observe = &|event: Event| {
        log.see(&event);
        observe(event);
    };
    let data = load(job, &splits, observe)?;
    check_images(&data.train, &data.validation, job.leaks, observe)?;
    let drawn = Network::new(&recipe.network, data.classes.len(), recipe.seed)?;
    let fresh = match &job.init {
        Some(bytes) => {
            let (network, report) = transfer(drawn, bytes)?;
            observe(Event::Transferred(&report));
            network
        }
        None => drawn,
    };
    check_groups(&recipe.groups, &fresh)
        .map_err(|what| TrainError::Recipe { path: "recipe.toml".into(), what })?;
    let resumed = Checkpoint::read_newest(&checkpoints, &run, &fresh, recipe.optimizer)?;
    log.begin()?;
    if let Some(checkpoint) = &resumed {
        observe(Event::Resumed { epochs: checkpoint.history.len() });
    }
    let beginning = || Checkpoint {
        average: (recipe.course.average_decay > 0.0).then(|| fresh.clone()),
        network: fresh.clone(),
        best: None,
        optimizer: Optimizer::new(recipe.optimizer),
        history: Vec::new(),
        setbacks: 0,
    };
    let mut state = resumed.unwrap_or_else(beginning).onto(job.compute.device());
    while !is_over(&state.history, recipe) {
        let setbacks = state.setbacks;
        state = match epoch(job, &data, state, observe) {
            Err(TrainError::Diverged { epoch }) if setbacks < MAX_SETBACKS => {
                observe(Event::RolledBack { epoch, setbacks: setbacks + 1 });
                let last = Checkpoint::read_newest(&checkpoints, &run, &fresh, recipe.optimizer)?;
                let last = last.unwrap_or_else(beginning).onto(job.compute.device());
                Checkpoint { setbacks: setbacks + 1, ..last }
            }
            done => {
                let state = done?;
                state.write(&checkpoints, &run)?;
                write_history(&job.out, &state.history)?;
                state
            }
        };
    }
    let bundle = finish(job, &data, &state, &run, fresh)?;
    bundle.write(&job.out)?;
    write_recipe(&job.out, recipe)?;
    log.finish(&bundle.manifest().weights_sha256)?;
    Ok(Trained { bundle, history: state.history, splits })
}

fn identity(job: &Job, splits: &[Split]) -> Result<RunIdentity, TrainError> {
    let rows = job.cases.iter().zip(splits).map(|(case, split)| (case, Some(*split)));
    Ok(RunIdentity {
        recipe: sha256_hex(recipe_text(&job.recipe)?.as_bytes()),
        init: job.init.as_deref().map(sha256_hex),
        data: sha256_hex(rows_text(rows).as_bytes()),
    })
}

fn facts(job: &Job, run: &RunIdentity) -> RunFacts {
    RunFacts {
        pulmo: env!("CARGO_PKG_VERSION").to_owned(),
        device: job.compute.name().to_owned(),
        seed: job.recipe.seed,
        recipe_sha256: run.recipe.clone(),
        data_sha256: run.data.clone(),
        init_sha256: run.init.clone(),
        cases: job.cases.len(),
    }
}

fn recipe_text(recipe: &Recipe) -> Result<String, TrainError> {
    toml::to_string_pretty(recipe)
        .map_err(|error| TrainError::Recipe { path: "recipe.toml".into(), what: error.to_string() })
}

fn write_recipe(out: &Path, recipe: &Recipe) -> Result<(), TrainError> {
    let path = out.join("recipe.toml");
    std::fs::write(&path, recipe_text(recipe)?).map_err(|source| TrainError::File { path, source })
}

fn load(job: &Job, splits: &[Split], observe: &(dyn Fn(Event) + Sync)) -> Result<Data, TrainError> {
    let recipe = &job.recipe;
    let classes = classes(recipe, &job.cases)?;
    let of_split = |wanted: Split| -> Vec<(&Case, usize)> {
        let chosen = job.cases.iter().zip(splits).filter(|(_, split)| **split == wanted);
        chosen
            .filter_map(|(case, _)| Some((case, classes.iter().position(|class| *class == case.label)?)))
            .collect()
    };
    let processor = job.compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    let (train_cases, validation_cases) = (of_split(Split::Train), of_split(Split::Validation));
    let bytes = recipe.course.cache_mib << 20;
    let train_bytes = bytes / (train_cases.len() + validation_cases.len()).max(1) * train_cases.len();
    let cache = |name: &str, bytes| Cache { bytes, folder: job.out.join("cache").join(name) };
    let train =
        Dataset::load(&train_cases, &recipe.chain, &processor, &cache("train", train_bytes), observe)?;
    let cache = cache("val", bytes - train_bytes);
    let validation = Dataset::load(&validation_cases, &recipe.chain, &processor, &cache, observe)?;
    if let Some(class) = (0..classes.len()).find(|class| !train.labels().contains(class)) {
        return Err(TrainError::Labels(format!(
            "no readable training case has the label `{}`",
            classes[class]
        )));
    }
    Ok(Data { classes, train, validation })
}

fn classes(recipe: &Recipe, cases: &[Case]) -> Result<Vec<String>, TrainError> {
    let found = labels(cases);
    let classes = if recipe.classes.is_empty() { found.clone() } else { recipe.classes.clone() };
    if let Some(unknown) = found.iter().find(|label| !classes.contains(label)) {
        return Err(TrainError::Labels(format!(
            "the manifest has the label `{unknown}`, which is not among the recipe's classes ({})",
            classes.join(", ")
        )));
    }
    if classes.len() < 2 {
        return Err(TrainError::Labels(
            "the manifest has only one label; training needs at least two".into(),
        ));
    }
    Ok(classes)
}

fn is_over(history: &[EpochRow], recipe: &Recipe) -> bool {
    let since_best = history.iter().rev().take_while(|row| !row.best).count();
    let patience = recipe.course.patience;
    history.len() >= recipe.course.epochs || (patience > 0 && !history.is_empty() && since_best >= patience)
}

/// One pass over the training cases, then a look at the validation cases.
fn epoch(
    job: &Job,
    data: &Data,
    state: Checkpoint,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Checkpoint, TrainError> {
    let (recipe, course) = (&job.recipe, &job.recipe.course);
    let number = state.history.len() + 1;
    let mut trainer = Trainer::new(state.network, recipe.optimizer, data.classes.len(), job.compute.device());
    trainer.optimizer = state.optimizer;
    trainer.loss = course.loss;
    trainer.set_groups(&recipe.groups);
    trainer.class_weights = class_weights(&course.class_weights, data);
    trainer.label_smoothing = course.label_smoothing;
    trainer.clip_norm = course.clip_norm;
    trainer.dropout = recipe.network.dropout;
    let losses: Vec<f64> = state.history.iter().map(|row| row.validation_loss).collect();
    let mut average = state.average;
    let setbacks = i32::try_from(state.setbacks).unwrap_or(i32::MAX);
    let batches = Batches { recipe, cases: &data.train, compute: &job.compute, epoch: number };
    let order = batches.order();
    let per_step = course.batch_size * course.accumulate;
    let steps = order.len().div_ceil(per_step);
    let (mut sum, mut rate) = (0.0, 0.0);
    for (step, cases) in order.chunks(per_step).enumerate() {
        let batches = cases.chunks(course.batch_size).map(|cases| batches.of(cases));
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        let moment = (number - 1) as f64 + (step + 1) as f64 / steps as f64;
        rate = recipe.schedule.share(moment, course.epochs as f64, &losses) * 0.5f64.powi(setbacks);
        let mut random = Random::keyed(recipe.seed, &[number as u64, step as u64, 0x6472_6F70]);
        let loss = trainer.step_over(batches, rate, &mut random)?;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: number });
        }
        sum += loss * cases.len() as f64;
        if let Some(older) = average.take() {
            let decay = decay_at(trainer.optimizer.steps(), course.average_decay);
            average = Some(blend(older, &trainer.network.valid(), decay));
        }
        observe(Event::Step { epoch: number, epochs: course.epochs, step: step + 1, steps, loss });
    }
    let network = trainer.network.valid();
    let judged = average.as_ref().unwrap_or(&network);
    let scores = score(judged, &recipe.network, &data.validation, job.compute.device())?;
    if !scores.loss.is_finite() {
        return Err(TrainError::Diverged { epoch: number });
    }
    let mut row = EpochRow {
        epoch: number,
        learning_rate: rate * recipe.optimizer.learning_rate(),
        loss: sum / data.train.len() as f64,
        validation_loss: scores.loss,
        validation_roc_auc: scores.roc_auc(data.validation.labels()),
        best: false,
    };
    row.best = is_best(&row, &state.history);
    let best = if row.best { Some(save_weights(judged)?) } else { state.best };
    observe(Event::Epoch { row: &row, epochs: course.epochs });
    let mut history = state.history;
    history.push(row);
    Ok(Checkpoint { network, average, best, optimizer: trainer.optimizer, history, setbacks: state.setbacks })
}

/// Higher AUC, then lower loss; where AUC is undefined the loss alone.
fn is_best(row: &EpochRow, history: &[EpochRow]) -> bool {
    let key = |row: &EpochRow| (row.validation_roc_auc.unwrap_or(0.0), -row.validation_loss);
    history.iter().all(|other| key(row) > key(other))
}

fn class_weights(rule: &ClassWeights, data: &Data) -> Vec<f32> {
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

fn write_history(out: &Path, history: &[EpochRow]) -> Result<(), TrainError> {
    let path = out.join("history.csv");
    let write = || -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(&path)?;
        history.iter().try_for_each(|row| writer.serialize(row))?;
        writer.flush().map_err(csv::Error::from)
    };
    write().map_err(|error| TrainError::File { path: path.clone(), source: std::io::Error::other(error) })
}

/// The bundle of the best weights, its threshold chosen on the validation cases.
fn finish(
    job: &Job,
    data: &Data,
    state: &Checkpoint,
    run: &RunIdentity,
    fresh: Network,
) -> Result<Bundle, TrainError> {
    let recipe = &job.recipe;
    let weights = match &state.best {
        Some(best) => best.clone(),
        None => save_weights(&state.network)?,
    };
    let device = job.compute.device();
    let network = load_weights(fresh, &weights)?.to_device(device);
    let scores = score(&network, &recipe.network, &data.validation, device)?;
    let labels = data.validation.labels();
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
    let youden =
        || scores.ranking(labels, 1).and_then(|ranking| best_threshold_youden(&ranking)).map(|t| t as f32);
    let threshold = match recipe.course.threshold {
        _ if data.classes.len() != 2 => None,
        ThresholdRule::Half => Some(0.5),
        ThresholdRule::Youden => Some(youden().unwrap_or(0.5)),
    };
    let origin = Origin {
        pulmo: env!("CARGO_PKG_VERSION").to_owned(),
        device: job.compute.name().to_owned(),
        seed: recipe.seed,
        recipe_sha256: run.recipe.clone(),
        init_sha256: run.init.clone(),
        data_sha256: run.data.clone(),
        train_cases: data.train.len(),
        validation_cases: data.validation.len(),
        epoch: state.history.iter().rev().find(|row| row.best).map_or(state.history.len(), |row| row.epoch),
        validation_roc_auc: scores.roc_auc(labels),
    };
    let manifest = Manifest {
        format: FORMAT,
        name: recipe.name.clone(),
        description: recipe.description.clone(),
        classes: data.classes.clone(),
        threshold,
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: recipe.augment.mirrors(),
        chain: recipe.chain.clone(),
        golden: None,
        calibration: None,
        origin,
    };
    Ok(Bundle::new(manifest, recipe.network.clone(), weights)?)
}
