//! `pulmo train`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

use super::evaluate::write_evaluation;
use super::shared::{loading_bar, manifest_cases, named_positive, open_device, read_init, watch_loading};
use crate::cli::args::TrainArgs;
use crate::cli::live::Live;
use crate::cli::{Exit, printer};
use crate::cohort::{Case, Split, labels};
use crate::engine::{Engine, Outside};
use crate::train::{EpochRow, Event, Job, LeakPolicy, Recipe, evaluate, train, train_folds};

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Exit> {
    let mut recipe = Recipe::read(&args.recipe)?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let cases = manifest_cases(&args.data)?;
    if let Some(positive) = &args.positive {
        recipe = named_positive(recipe.with_positive(positive, &cases))?;
    }
    say_positive(&recipe, &cases);
    let compute = open_device(args.device)?;
    if recipe.tune.is_some() {
        printer::say("the recipe's [tune] is for `pulmo tune`; what it says elsewhere is trained");
    }
    let leaks = if args.allow_leaks { LeakPolicy::Allow } else { LeakPolicy::Refuse };
    let job = Job {
        recipe,
        cases,
        init: read_init(args.init.as_deref())?,
        out: args.out.clone(),
        compute,
        leaks,
        partial: args.series.partial(),
    };
    let folds = args.folds.unwrap_or(job.recipe.split.folds);
    if folds > 0 {
        return run_folds(&job, folds);
    }
    let watch = Watch::new();
    let trained = train(&job, &|event| watch.see(event))?;
    watch.finish();
    let validation: Vec<Case> = job
        .cases
        .iter()
        .zip(&trained.splits)
        .filter(|(_, split)| **split == Split::Validation)
        .map(|(case, _)| case.clone())
        .collect();
    printer::say("the best weights on the validation cases (they were chosen there, so this is optimistic):");
    let bar = loading_bar();
    let engine =
        Engine::new(&trained.bundle, &job.compute).with_partial(job.partial).with_outside(Outside::Warn);
    let evaluated = evaluate(&engine, &validation, &watch_loading(&bar))?;
    bar.finish_and_clear();
    write_evaluation(&evaluated, &args.out.join("validation"))?;
    printer::say(&format!("bundle: {}", args.out.display()));
    Ok(Exit::of_items(evaluated.failures.len(), validation.len()))
}

/// Says which of two classes is the positive one, and why.
fn say_positive(recipe: &Recipe, cases: &[Case]) {
    let (classes, why) = match recipe.classes.as_slice() {
        [] => (labels(cases), "the last in alphabetical order; --positive NAME chooses"),
        given => (given.to_vec(), "as the recipe or --positive says"),
    };
    if let [_, positive] = classes.as_slice() {
        printer::say(&format!("positive class: {positive} ({why})"));
    }
}

/// One training a fold.
fn run_folds(job: &Job, folds: usize) -> anyhow::Result<Exit> {
    let watches: Vec<Watch> = (0..folds).map(|_| Watch::new()).collect();
    let started = AtomicUsize::new(usize::MAX);
    let validated = train_folds(job, folds, &|fold, event| {
        let before = started.swap(fold, Ordering::Relaxed);
        if before != fold {
            if let Some(watch) = watches.get(before) {
                watch.finish();
            }
            printer::say(&format!("fold {fold} of {folds}"));
        }
        watches[fold].see(event);
    })?;
    watches.iter().for_each(Watch::finish);
    printer::say(
        "every case as predicted by the fold that did not train on it (which chose its epoch and threshold there, so this is \
         a little optimistic):",
    );
    write_evaluation(&validated.out_of_fold, &job.out)?;
    printer::say(&format!(
        "bundles: {}, fold-0 to fold-{}; `pulmo ensemble` makes one of them",
        job.out.display(),
        folds - 1
    ));
    let failed = validated.out_of_fold.failures.len();
    Ok(Exit::of_items(failed, failed + validated.out_of_fold.scored.len()))
}

/// Shows a run: a bar over the cases, then how its epochs go.
pub(super) struct Watch {
    loading: ProgressBar,
    live: Mutex<Option<Live>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { loading: loading_bar(), live: Mutex::new(None) }
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn see(&self, event: Event) {
        match event {
            Event::Loaded { .. } | Event::Failed(_) | Event::Warning(_) => {
                watch_loading(&self.loading)(event)
            }
            Event::Transferred(report) => printer::say(&report.to_string()),
            Event::Resumed { epochs } => printer::say(&format!("going on after epoch {epochs}")),
            Event::RolledBack { epoch, setbacks } => printer::say(&format!(
                "the loss was no number in epoch {epoch}: back to the last checkpoint, learning rate halved (setback {setbacks})"
            )),
            Event::Step { epoch, epochs, step, steps, loss } => {
                self.loading.finish_and_clear();
                let before = (epoch - 1) * steps;
                let mut live = self.live();
                let live = live.get_or_insert_with(|| Live::new(before, epochs * steps));
                live.step(before + step, format!("epoch {epoch}/{epochs} loss {loss:.3}"));
            }
            Event::Epoch { row, epochs } => {
                let told = epoch_line(row, epochs);
                match self.live().as_mut() {
                    Some(live) => live.epoch(row, &told),
                    None => printer::say(&told),
                }
            }
        }
    }

    pub(super) fn finish(&self) {
        if let Some(live) = self.live().take() {
            live.finish();
        }
    }
}

fn epoch_line(row: &EpochRow, epochs: usize) -> String {
    let auc = row.validation_roc_auc.map_or(String::new(), |auc| format!("  validation AUC {auc:.4}"));
    format!(
        "epoch {:>3}/{epochs}  loss {:.4}  validation loss {:.4}{auc}{}",
        row.epoch,
        row.loss,
        row.validation_loss,
        if row.best { "  best" } else { "" }
    )
}
