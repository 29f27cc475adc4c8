//! The search itself: rung by rung, trial by trial, going on where it was.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::mattered::mattered;
use super::ranges::value_text;
use super::record::{Record, Row, TrialOnRung, ranked, write_whole};
use super::space::{SearchSpace, Values};
use super::table::{write_mattered, write_trials};
use super::tuned::Tuned;
use super::{Rung, TuneConfig, TuneError, rungs};
use crate::bundle::sha256_hex;
use crate::cohort::rows_text;
use crate::train::{Event, Job, Prepared, Recipe, train_prepared};

/// Files of a trial that stay when it is out.
const KEPT: [&str; 4] = ["result.toml", "recipe.toml", "history.csv", "run.toml"];

/// Something that happened in a search.
#[derive(Debug)]
#[non_exhaustive]
pub enum TuneEvent<'a> {
    /// The search begins or goes on.
    Planned(&'a [Rung]),
    /// A trial begins or goes on.
    Started {
        /// The rung, from 1.
        rung: usize,
        /// The trial.
        trial: usize,
    },
    /// Something happened in its training.
    Training(Event<'a>),
    /// A trial ended, now or in an earlier process.
    Ended(&'a Row),
}

/// Searches the ranges of the job's recipe, going on with what its folder holds: `trials.csv`,
/// `what_mattered.csv`, `best.toml` and a folder for each trial on each rung, in the last one with its
/// bundle. The same recipe and cases give the same table, but for the minutes, on the CPU.
///
/// # Errors
/// [`TuneError`]; what was done stays in the folder.
pub fn tune(job: &Job, observe: &(dyn Fn(TuneEvent) + Sync)) -> Result<Tuned, TuneError> {
    let config = TuneConfig::of(&job.recipe)?;
    let space = SearchSpace::new(&job.recipe, &config)?;
    let ladder = rungs(config.trials, config.eta, job.recipe.course.epochs, config.first_epochs);
    let values = (0..config.trials).map(|trial| space.values(trial)).collect::<Result<Vec<_>, _>>()?;
    // everything impossible is found here, before any training
    values.iter().try_for_each(|values| space.recipe(values, ladder[0].epochs).map(|_| ()))?;
    claim(job)?;
    observe(TuneEvent::Planned(&ladder));
    let paths = space.paths();
    let mut search = Search { job, space, values, prepared: None };
    let (mut rows, mut going): (Vec<Row>, Vec<usize>) = (Vec::new(), (0..config.trials).collect());
    for (index, rung) in ladder.iter().enumerate() {
        going.truncate(rung.trials);
        let first = rows.len();
        let is_last = index + 1 == ladder.len();
        for trial in search.in_order(&going, rung.epochs)? {
            let place = TrialOnRung { trial, rung: index + 1, epochs: rung.epochs, is_last };
            let row = search.trial(&place, observe)?;
            observe(TuneEvent::Ended(&row));
            rows.push(row);
            save(job, "trials.csv", |path| write_trials(path, &paths, &rows))?;
        }
        going = ranked(&rows[first..]).into_iter().map(|row| row.trial).collect();
        if going.is_empty() {
            return Err(TuneError::NothingTrained { rung: index + 1, trials: rows.len() - first });
        }
    }
    let last: Vec<Row> = rows.iter().filter(|row| row.rung == ladder.len()).cloned().collect();
    let nothing = TuneError::NothingTrained { rung: ladder.len(), trials: last.len() };
    let best = ranked(&last).first().copied().cloned().ok_or(nothing)?;
    let recipe = search.space.recipe(&best.values, best.epochs)?;
    let on_first: Vec<Row> = rows.iter().filter(|row| row.rung == 1).cloned().collect();
    let mattered = mattered(&paths, search.space.ranges(), &on_first);
    let tuned = Tuned { paths, rows, best, recipe, mattered };
    write_best(job, &tuned, config.trials)?;
    save(job, "what_mattered.csv", |path| write_mattered(path, &tuned.mattered))?;
    Ok(tuned)
}

struct Search<'a> {
    job: &'a Job,
    space: SearchSpace,
    values: Vec<Values>,
    /// The cases, preprocessed by the chain of the last trial.
    prepared: Option<Prepared>,
}

impl Search<'_> {
    /// The trials so that those of one chain follow each other.
    fn in_order(&self, trials: &[usize], epochs: usize) -> Result<Vec<usize>, TuneError> {
        let mut keyed = Vec::new();
        for &trial in trials {
            let chain = self.space.recipe(&self.values[trial], epochs)?.chain;
            keyed.push((format!("{chain:?}"), trial));
        }
        keyed.sort();
        Ok(keyed.into_iter().map(|(_, trial)| trial).collect())
    }

    /// What a trial gives on a rung, from disk where it has ended.
    fn trial(&mut self, place: &TrialOnRung, observe: &(dyn Fn(TuneEvent) + Sync)) -> Result<Row, TuneError> {
        let &TrialOnRung { trial, rung, epochs, is_last } = place;
        let values = self.values[trial].clone();
        let out = self.job.out.join(format!("rung-{rung}")).join(format!("trial-{trial:03}"));
        let result = out.join("result.toml");
        let record = match Record::read(&result) {
            Some(record) => record,
            None => {
                observe(TuneEvent::Started { rung, trial });
                let recipe = self.space.recipe(&values, epochs)?;
                let record = self.train(recipe, out.clone(), observe)?;
                record.write(&result)?;
                record
            }
        };
        tidy(&out, is_last)?;
        Ok(Row::new(place, values, record))
    }

    fn train(
        &mut self,
        recipe: Recipe,
        out: PathBuf,
        observe: &(dyn Fn(TuneEvent) + Sync),
    ) -> Result<Record, TuneError> {
        let observe = &|event: Event| observe(TuneEvent::Training(event));
        let job = Job { recipe, out, ..self.job.clone() };
        let prepared = match self.prepared.take() {
            Some(prepared) if prepared.chain() == &job.recipe.chain => prepared,
            other => {
                drop(other);
                // the cache is the search's, not the trial's
                Prepared::read(&Job { out: self.job.out.clone(), ..job.clone() }, observe)?
            }
        };
        let started = Instant::now();
        let ended = train_prepared(&job, &prepared, observe);
        self.prepared = Some(prepared);
        Ok(Record::of(ended, started.elapsed().as_secs_f64())?)
    }
}

/// Takes the job's folder for this search, or finds that it is.
fn claim(job: &Job) -> Result<(), TuneError> {
    let rows = rows_text(job.cases.iter().map(|case| (case, case.split)));
    let ranges = job.recipe.tune.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("data_sha256 = \"{}\"\n", sha256_hex(rows.as_bytes()));
    text += &format!("recipe_sha256 = \"{}\"\n", sha256_hex((job.recipe.text()? + &ranges).as_bytes()));
    if let Some(init) = &job.init {
        text += &format!("init_sha256 = \"{}\"\n", sha256_hex(init));
    }
    let path = job.out.join("tune.toml");
    match std::fs::read_to_string(&path) {
        Ok(found) if found == text => Ok(()),
        Ok(_) => Err(TuneError::OtherSearch { path: job.out.clone() }),
        Err(_) => std::fs::create_dir_all(&job.out)
            .and_then(|()| write_whole(&path, &text))
            .map_err(|source| TuneError::File { path, source }),
    }
}

/// Removes what a trial that ended needs no more: its checkpoints, and before the last rung its weights.
fn tidy(out: &Path, is_last: bool) -> Result<(), TuneError> {
    remove(&out.join("checkpoints"))?;
    if is_last {
        return Ok(());
    }
    for entry in std::fs::read_dir(out).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !KEPT.contains(&&*name) && !name.starts_with("events.") {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file or folder, if it is there.
fn remove(path: &Path) -> Result<(), TuneError> {
    let removed = match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    removed.map_err(|source| TuneError::File { path: path.to_owned(), source })
}

/// Writes a table into the job's folder.
fn save(job: &Job, name: &str, write: impl Fn(&Path) -> Result<(), csv::Error>) -> Result<(), TuneError> {
    let path = job.out.join(name);
    write(&path).map_err(|error| TuneError::File { path, source: std::io::Error::other(error) })
}

/// `best.toml`: the recipe of the best trial under a note of where it comes from.
fn write_best(job: &Job, tuned: &Tuned, trials: usize) -> Result<(), TuneError> {
    let Tuned { paths, best, recipe, .. } = tuned;
    let auc = best.validation_roc_auc.map_or("undefined".to_owned(), |auc| format!("{auc:.4}"));
    let mut text = format!(
        "# Trial {} of {trials} by `pulmo tune` (pulmo {}): validation ROC AUC {auc},\n\
         # the best of all on the same validation cases and so optimistic. What was tuned:\n",
        best.trial,
        env!("CARGO_PKG_VERSION")
    );
    for (path, value) in paths.iter().zip(&best.values) {
        let value = value.as_ref().map_or("not set".to_owned(), value_text);
        text += &format!("# {path} = {value}\n");
    }
    text += &recipe.text()?;
    let path = job.out.join("best.toml");
    write_whole(&path, &text).map_err(|source| TuneError::File { path, source })
}
