//! What a run leaves for its reader: `run.toml` and TensorBoard's event files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pulmo_system::peak_bytes;
use serde::Serialize;

use super::TrainError;
use super::checkpoint::RunIdentity;
use super::event::{EpochRow, Event};
use super::tensorboard::EventWriter;
use crate::network::Compute;

/// What is known of a run before it starts.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunFacts {
    /// Version of pulmo.
    pub(super) pulmo: String,
    /// The device.
    pub(super) device: String,
    /// Seed of weights, split, order and augmentation.
    pub(super) seed: u64,
    /// SHA-256 of the recipe.
    pub(super) recipe_sha256: String,
    /// SHA-256 of the manifest's rows.
    pub(super) data_sha256: String,
    /// SHA-256 of the weights that training started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) init_sha256: Option<String>,
    /// Cases in the manifest.
    pub(super) cases: usize,
    /// Training and validation cases among them that could not be read.
    pub(super) unreadable_cases: usize,
}

impl RunFacts {
    /// The facts of a run of so many cases, of which so many could not be read.
    pub(super) fn of(
        compute: &Compute,
        seed: u64,
        run: &RunIdentity,
        [cases, unreadable_cases]: [usize; 2],
    ) -> Self {
        Self {
            pulmo: env!("CARGO_PKG_VERSION").to_owned(),
            device: compute.name().to_owned(),
            seed,
            recipe_sha256: run.recipe.clone(),
            data_sha256: run.data.clone(),
            init_sha256: run.init.clone(),
            cases,
            unreadable_cases,
        }
    }
}

/// `run.toml`.
#[derive(Debug, Serialize)]
struct RunManifest<'a> {
    status: &'static str,
    /// UTC.
    started: String,
    /// Seconds since then, of this process alone.
    seconds: f64,
    /// Epochs done, those before an interruption included.
    epochs: usize,
    /// Epochs done before this process started.
    resumed_after: usize,
    threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights_sha256: Option<&'a str>,
    #[serde(flatten)]
    facts: &'a RunFacts,
}

/// Writes the files of a run as it goes; TensorBoard takes several event files in one folder, one
/// for each process that worked on the run, as one.
#[derive(Debug)]
pub(super) struct RunLog {
    out: PathBuf,
    facts: RunFacts,
    started: SystemTime,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Option<EventWriter<BufWriter<File>>>,
    epochs: usize,
    resumed_after: usize,
    /// The first error; told at the end, since a log must not stop a run.
    failed: Option<io::Error>,
}

impl RunLog {
    /// The log of a run in the folder `out`; nothing is written yet, since the folder may turn out
    /// to hold another run.
    pub(super) fn new(out: &Path, facts: RunFacts, started: SystemTime) -> Self {
        Self { out: out.to_owned(), facts, started, state: Mutex::new(State::default()) }
    }

    /// Writes `run.toml` as that of a run under way.
    ///
    /// # Errors
    /// [`TrainError::File`] where it cannot be written.
    pub(super) fn begin(&self) -> Result<(), TrainError> {
        self.write_manifest("running", None)
    }

    /// Takes notice of an event.
    pub(super) fn see(&self, event: &Event) {
        let mut state = self.state();
        let result = match event {
            Event::Resumed { epochs } => {
                (state.resumed_after, state.epochs) = (*epochs, *epochs);
                Ok(())
            }
            Event::Step { epoch, step, steps, loss, .. } => {
                self.scalars(&mut state, (epoch - 1) * steps + step, &[("step/loss", *loss)])
            }
            Event::Epoch { row, .. } => {
                state.epochs = row.epoch;
                self.scalars(&mut state, row.epoch, &epoch_scalars(row))
                    .and_then(|()| state.events.as_mut().map_or(Ok(()), EventWriter::flush))
            }
            _ => Ok(()),
        };
        if let (Err(error), None) = (result, &state.failed) {
            state.failed = Some(error);
        }
    }

    /// Ends the log: the run gave weights of this hash.
    ///
    /// # Errors
    /// [`TrainError::File`] where any part of the log could not be written.
    pub(super) fn finish(self, weights_sha256: &str) -> Result<(), TrainError> {
        let failed = self.state().failed.take();
        if let Some(source) = failed {
            return Err(TrainError::File { path: self.out.clone(), source });
        }
        self.write_manifest("finished", Some(weights_sha256))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scalars(&self, state: &mut State, step: usize, scalars: &[(&str, f64)]) -> io::Result<()> {
        let now = since_1970(SystemTime::now()).as_secs_f64();
        let mut events = match state.events.take() {
            Some(events) => events,
            None => {
                let name = format!("events.out.tfevents.{:.6}.pulmo", now);
                EventWriter::new(BufWriter::new(File::create(self.out.join(name))?), now)?
            }
        };
        events.scalars(now, step as u64, scalars)?;
        state.events = Some(events);
        Ok(())
    }

    fn write_manifest(&self, status: &'static str, weights: Option<&str>) -> Result<(), TrainError> {
        let path = self.out.join("run.toml");
        let state = self.state();
        let manifest = RunManifest {
            status,
            started: utc(since_1970(self.started).as_secs()),
            seconds: self.started.elapsed().unwrap_or_default().as_secs_f64(),
            epochs: state.epochs,
            resumed_after: state.resumed_after,
            threads: rayon::current_num_threads(),
            peak_memory_mib: peak_bytes().map(|bytes| bytes as f64 / f64::from(1 << 20)),
            weights_sha256: weights,
            facts: &self.facts,
        };
        let text = toml::to_string_pretty(&manifest)
            .map_err(|error| TrainError::File { path: path.clone(), source: io::Error::other(error) })?;
        std::fs::write(&path, text).map_err(|source| TrainError::File { path, source })
    }
}

fn epoch_scalars(row: &EpochRow) -> Vec<(&'static str, f64)> {
    let mut scalars = vec![
        ("train/loss", row.loss),
        ("train/learning_rate", row.learning_rate),
        ("validation/loss", row.validation_loss),
    ];
    scalars.extend(row.validation_roc_auc.map(|auc| ("validation/roc_auc", auc)));
    scalars
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970 as `2026-11-21T09:30:00Z`. The calendar repeats every 400 years of 146 097
/// days; counting years from March puts the leap day last.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * era + year + late;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        // GNU date: date -u -d @SECONDS +%FT%TZ
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_795_253_400, "2026-11-21T09:30:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(utc(seconds), text);
        }
    }

    fn facts() -> RunFacts {
        RunFacts {
            pulmo: "0".into(),
            device: "cpu".into(),
            seed: 7,
            recipe_sha256: "r".into(),
            data_sha256: "d".into(),
            init_sha256: None,
            cases: 3,
            unreadable_cases: 0,
        }
    }

    #[test]
    fn the_manifest_tells_how_far_the_run_came() {
        let folder = tempfile::tempdir().unwrap();
        let read = || {
            let text = std::fs::read_to_string(folder.path().join("run.toml")).unwrap();
            text.parse::<toml::Table>().unwrap()
        };
        let log = RunLog::new(folder.path(), facts(), SystemTime::now());
        log.begin().unwrap();
        assert_eq!(read()["status"].as_str(), Some("running"));
        log.see(&Event::Resumed { epochs: 4 });
        log.see(&Event::Step { epoch: 5, epochs: 5, step: 1, steps: 1, loss: 0.5 });
        let row = EpochRow {
            epoch: 5,
            learning_rate: 0.1,
            loss: 0.5,
            validation_loss: 0.4,
            validation_roc_auc: None,
            best: true,
        };
        log.see(&Event::Epoch { row: &row, epochs: 5 });
        log.finish("hash").unwrap();
        let run = read();
        assert_eq!(
            (run["status"].as_str(), run["weights_sha256"].as_str()),
            (Some("finished"), Some("hash"))
        );
        assert_eq!((run["epochs"].as_integer(), run["resumed_after"].as_integer()), (Some(5), Some(4)));
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let events: Vec<_> = files.filter(|path| path.to_string_lossy().contains("tfevents")).collect();
        assert_eq!(events.len(), 1);
        let bytes = std::fs::read(&events[0]).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("step/loss") && holds("validation/loss") && !holds("validation/roc_auc"));
    }
}
