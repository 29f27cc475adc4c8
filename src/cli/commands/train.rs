//! `pulmo train`.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;

use super::evaluate::write_evaluation;
use super::shared::{loading_bar, open_device, read_init, watch_loading};
use crate::cli::args::TrainArgs;
use crate::cli::{Exit, printer, progress};
use crate::cohort::{Case, Split, read_manifest};
use crate::train::{EpochRow, Event, Job, LeakPolicy, Recipe, evaluate, train, train_folds};

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Exit> {
    let mut recipe = Recipe::read(&args.recipe)?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let cases = read_manifest(&args.data)?;
    let compute = open_device(args.device)?;
    if recipe.tune.is_some() {
        printer::say("the recipe's [tune] is for `pulmo tune`; what it says elsewhere is trained");
    }
    let leaks = if args.allow_leaks { LeakPolicy::Allow } else { LeakPolicy::Refuse };
    let job =
        Job { recipe, cases, init: read_init(args.init.as_deref())?, out: args.out.clone(), compute, leaks };
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
    let evaluated = evaluate(&trained.bundle, &validation, &job.compute, &watch_loading(&bar))?;
    bar.finish_and_clear();
    write_evaluation(&evaluated, &args.out.join("validation"))?;
    printer::say(&format!("bundle: {}", args.out.display()));
    Ok(Exit::of_items(evaluated.failures.len(), validation.len()))
}

/// One training a fold.
fn run_folds(job: &Job, folds: usize) -> anyhow::Result<Exit> {
    let watches: Vec<Watch> = (0..folds).map(|_| Watch::new()).collect();
    let started = AtomicUsize::new(usize::MAX);
    let validated = train_folds(job, folds, &|fold, event| {
        if started.swap(fold, Ordering::Relaxed) != fold {
            printer::say(&format!("fold {fold} of {folds}"));
        }
        watches[fold].see(event);
    })?;
    watches.iter().for_each(Watch::finish);
    printer::say("every case as predicted by the fold that did not train on it:");
    write_evaluation(&validated.out_of_fold, &job.out)?;
    printer::say(&format!(
        "bundles: {}, fold-0 to fold-{}; `pulmo ensemble` makes one of them",
        job.out.display(),
        folds - 1
    ));
    let failed = validated.out_of_fold.failures.len();
    Ok(Exit::of_items(failed, failed + validated.out_of_fold.scored.len()))
}

/// Shows a run: a bar over the cases, then one over the steps of each epoch.
struct Watch {
    loading: ProgressBar,
    steps: Mutex<ProgressBar>,
}

impl Watch {
    fn new() -> Self {
        let (loading, steps) = (loading_bar(), progress::bar(0, "training"));
        steps.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        Self { loading, steps: Mutex::new(steps) }
    }

    fn see(&self, event: Event) {
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
                let mut bar = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
                if bar.is_hidden() || bar.length() == Some(0) {
                    self.loading.finish_and_clear();
                    *bar = progress::bar(epochs * steps, "");
                    bar.set_position(((epoch - 1) * steps) as u64);
                    bar.reset_eta();
                }
                bar.set_position(((epoch - 1) * steps + step) as u64);
                bar.set_message(format!("epoch {epoch}/{epochs} loss {loss:.3}"));
            }
            Event::Epoch { row, epochs } => {
                let bar = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
                bar.suspend(|| printer::say(&epoch_line(row, epochs)));
            }
        }
    }

    fn finish(&self) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
}

fn epoch_line(row: &EpochRow, epochs: usize) -> String {
    let auc = row.validation_roc_auc.map_or("undefined".to_owned(), |auc| format!("{auc:.4}"));
    format!(
        "epoch {:>3}/{epochs}  loss {:.4}  validation loss {:.4}  validation AUC {auc}{}",
        row.epoch,
        row.loss,
        row.validation_loss,
        if row.best { "  best" } else { "" }
    )
}
