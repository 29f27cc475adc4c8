//! `pulmo train`.

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context;
use indicatif::ProgressBar;

use super::evaluate::write_evaluation;
use super::shared::{loading_bar, open_device, watch_loading};
use crate::cli::args::TrainArgs;
use crate::cli::{Exit, printer, progress};
use crate::train::{Case, EpochRow, Event, Job, Recipe, Split, evaluate, read_manifest, train};

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Exit> {
    let mut recipe = Recipe::read(&args.recipe)?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let cases = read_manifest(&args.data)?;
    let compute = open_device(args.device)?;
    let init = args.init.as_ref().map(|path| {
        std::fs::read(path).with_context(|| format!("cannot read the weights {}", path.display()))
    });
    let job = Job { recipe, cases, init: init.transpose()?, out: args.out.clone(), compute };
    let (loading, steps) = (loading_bar(), progress::bar(0, "training"));
    steps.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    let watch = Watch { loading, steps: Mutex::new(steps) };
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

/// Shows a run: a bar over the cases, then one over the steps of each epoch.
struct Watch {
    loading: ProgressBar,
    steps: Mutex<ProgressBar>,
}

impl Watch {
    fn see(&self, event: Event) {
        match event {
            Event::Loaded { .. } | Event::Failed(_) => watch_loading(&self.loading)(event),
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
