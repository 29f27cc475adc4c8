//! What a trial gave, in memory and on disk.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TuneError;
use super::space::Values;
use crate::gpu::GpuError;
use crate::network::NetworkError;
use crate::train::{EpochRow, TrainError, Trained};

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was trained.
    Trained,
    /// Its loss stopped being a number.
    Diverged,
    /// It does not fit the device's memory.
    OutOfMemory,
    /// Its network cannot read its images.
    Unfit,
}

impl Outcome {
    /// As in `trials.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trained => "trained",
            Self::Diverged => "diverged",
            Self::OutOfMemory => "out of memory",
            Self::Unfit => "unfit",
        }
    }

    /// The outcome of a trial that failed through its own values; `None` where they are not to blame.
    fn of(error: &TrainError) -> Option<Self> {
        match error {
            TrainError::Diverged { .. } => Some(Self::Diverged),
            TrainError::Device(cause) | TrainError::Interrupted { cause, .. }
                if matches!(cause, GpuError::OutOfMemory { .. } | GpuError::TooLarge { .. }) =>
            {
                Some(Self::OutOfMemory)
            }
            TrainError::Network(NetworkError::Device(_)) => None,
            TrainError::Network(_) => Some(Self::Unfit),
            _ => None,
        }
    }
}

/// `result.toml`: what a trial gave on one rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    outcome: Outcome,
    best_epoch: Option<usize>,
    validation_roc_auc: Option<f64>,
    validation_loss: Option<f64>,
    seconds: f64,
}

impl Record {
    /// What came of a training that took so many seconds.
    ///
    /// # Errors
    /// Those of a training that failed through no fault of its values.
    pub(super) fn of(ended: Result<Trained, TrainError>, seconds: f64) -> Result<Self, TrainError> {
        let (outcome, best): (Outcome, Option<EpochRow>) = match ended {
            Ok(trained) => (Outcome::Trained, trained.history.into_iter().rev().find(|row| row.best)),
            Err(error) => (Outcome::of(&error).ok_or(error)?, None),
        };
        Ok(Self {
            outcome,
            best_epoch: best.as_ref().map(|row| row.epoch),
            validation_roc_auc: best.as_ref().and_then(|row| row.validation_roc_auc),
            validation_loss: best.as_ref().map(|row| row.validation_loss),
            seconds,
        })
    }

    /// Reads the record of a trial that ended; `None` where it has not.
    pub(super) fn read(path: &Path) -> Option<Self> {
        toml::from_str(&std::fs::read_to_string(path).ok()?).ok()
    }

    /// Writes the record, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), TuneError> {
        let text = toml::to_string(self).map_err(std::io::Error::other);
        text.and_then(|text| write_whole(path, &text))
            .map_err(|source| TuneError::File { path: path.to_owned(), source })
    }
}

/// Writes a file beside its name and renames it, so that it is never found half written.
pub(super) fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("tmp");
    std::fs::write(&partial, text)?;
    std::fs::rename(&partial, path)
}

/// A trial on one rung, as in `trials.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The trial; 0 is the recipe as it is.
    pub trial: usize,
    /// Its value of each range, in the order of [`super::Tuned::paths`]; `None` where the recipe has none.
    pub values: Values,
    /// The rung, from 1.
    pub rung: usize,
    /// Epochs it was given.
    pub epochs: usize,
    /// The epoch of the best weights, from 1.
    pub best_epoch: Option<usize>,
    /// ROC AUC on the validation cases at that epoch.
    pub validation_roc_auc: Option<f64>,
    /// Loss on them.
    pub validation_loss: Option<f64>,
    /// Time taken by the process that ended it.
    pub minutes: f64,
    /// How it ended.
    pub outcome: Outcome,
}

/// A trial on a rung.
pub(super) struct TrialOnRung {
    pub(super) trial: usize,
    /// From 1.
    pub(super) rung: usize,
    pub(super) epochs: usize,
    pub(super) is_last: bool,
}

impl Row {
    pub(super) fn new(place: &TrialOnRung, values: Values, record: Record) -> Self {
        let &TrialOnRung { trial, rung, epochs, .. } = place;
        Self {
            trial,
            values,
            rung,
            epochs,
            best_epoch: record.best_epoch,
            validation_roc_auc: record.validation_roc_auc,
            validation_loss: record.validation_loss,
            minutes: record.seconds / 60.0,
            outcome: record.outcome,
        }
    }
}

/// The trained rows, best first: by area, then by loss, then by number.
pub(super) fn ranked(rows: &[Row]) -> Vec<&Row> {
    let mut trained: Vec<&Row> = rows.iter().filter(|row| row.outcome == Outcome::Trained).collect();
    let area = |row: &Row| row.validation_roc_auc.unwrap_or(f64::NEG_INFINITY);
    let loss = |row: &Row| row.validation_loss.unwrap_or(f64::INFINITY);
    trained.sort_by(|a, b| {
        let by_area = area(b).total_cmp(&area(a));
        by_area.then(loss(a).total_cmp(&loss(b))).then(a.trial.cmp(&b.trial))
    });
    trained
}
