//! `pulmo tune`.

use indicatif::ProgressBar;

use super::shared::{loading_bar, manifest_cases, named_positive, open_device, read_init, watch_loading};
use crate::cli::args::TuneArgs;
use crate::cli::{Exit, printer, progress};
use crate::train::{Event, Job, LeakPolicy, Recipe};
use crate::tune::{Row, Rung, TuneEvent, mattered_text, trials_text, tune};

pub(super) fn run(args: &TuneArgs) -> anyhow::Result<Exit> {
    let mut recipe = Recipe::read(&args.recipe)?;
    let cases = manifest_cases(&args.data)?;
    if let Some(positive) = &args.positive {
        recipe = named_positive(recipe.with_positive(positive, &cases))?;
    }
    let init = read_init(args.init.as_deref())?;
    let compute = open_device(args.device)?;
    let leaks = if args.allow_leaks { LeakPolicy::Allow } else { LeakPolicy::Refuse };
    let partial = args.series.partial();
    let job = Job { recipe, cases, init, out: args.out.clone(), compute, leaks, partial };
    let watch = Watch { loading: loading_bar(), epochs: progress::bar(0, "tuning") };
    let tuned = tune(&job, &|event| watch.see(event))?;
    watch.epochs.finish_and_clear();
    printer::data(&trials_text(&tuned))?;
    printer::data(&mattered_text(&tuned.mattered))?;
    printer::say(&format!(
        "best: trial {}; the best of many on the same validation cases, so optimistic: report another split's",
        tuned.best.trial
    ));
    printer::say(&format!(
        "recipe: {}; `pulmo train --recipe` takes it",
        args.out.join("best.toml").display()
    ));
    Ok(Exit::Done)
}

/// Shows a search: cases being read, then the epochs of all trials.
struct Watch {
    loading: ProgressBar,
    epochs: ProgressBar,
}

impl Watch {
    fn see(&self, event: TuneEvent) {
        match event {
            TuneEvent::Planned(ladder) => {
                let total: usize = ladder.iter().map(|rung| rung.trials * rung.epochs).sum();
                self.epochs.set_length(total as u64);
                printer::say(&plan_line(ladder, total));
            }
            TuneEvent::Started { rung, trial } => {
                self.epochs.set_message(format!("rung {rung} trial {trial}"));
            }
            TuneEvent::Training(event @ (Event::Loaded { .. } | Event::Failed(_) | Event::Warning(_))) => {
                watch_loading(&self.loading)(event);
            }
            TuneEvent::Training(Event::Step { .. }) => self.loading.finish_and_clear(),
            TuneEvent::Training(Event::Resumed { epochs }) => self.epochs.inc(epochs as u64),
            TuneEvent::Training(Event::Epoch { .. }) => self.epochs.inc(1),
            TuneEvent::Training(_) => {}
            TuneEvent::Ended(row) => self.epochs.suspend(|| printer::say(&trial_line(row))),
        }
    }
}

fn plan_line(ladder: &[Rung], total: usize) -> String {
    let rungs = ladder.iter().map(|rung| format!("{} trials of {} epochs", rung.trials, rung.epochs));
    format!("{}: {total} epochs in all", rungs.collect::<Vec<_>>().join(", then "))
}

fn trial_line(row: &Row) -> String {
    let auc = row.validation_roc_auc.map_or("undefined".to_owned(), |auc| format!("{auc:.4}"));
    format!(
        "rung {}  trial {:>3}  {} epochs  {}  validation AUC {auc}  {:.1} minutes",
        row.rung,
        row.trial,
        row.epochs,
        row.outcome.name(),
        row.minutes
    )
}
