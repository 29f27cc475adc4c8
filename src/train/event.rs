//! What a run tells while it works; how it is shown is the caller's business.

use serde::{Deserialize, Serialize};

use super::dataset::Failure;

/// One epoch, as in `history.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// From 1.
    pub epoch: usize,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean training loss.
    pub loss: f64,
    /// Loss on the validation cases, without class weights or smoothing.
    pub validation_loss: f64,
    /// ROC AUC on the validation cases (mean over classes, one against the rest, for more than
    /// two); `None` where it is undefined.
    pub validation_roc_auc: Option<f64>,
    /// Whether these are the best weights so far.
    pub best: bool,
}

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A case was read and preprocessed, or failed.
    Loaded {
        /// Cases done.
        done: usize,
        /// Cases in all.
        total: usize,
    },
    /// A case cannot be used.
    Failed(&'a Failure),
    /// The run goes on from a checkpoint.
    Resumed {
        /// Epochs that were done.
        epochs: usize,
    },
    /// The loss was no number: the run went back to its last checkpoint.
    RolledBack {
        /// The epoch that failed, from 1.
        epoch: usize,
        /// How often this has happened; each time halves the learning rate.
        setbacks: u32,
    },
    /// A training step was made.
    Step {
        /// Epoch, from 1.
        epoch: usize,
        /// Epochs at most.
        epochs: usize,
        /// Steps made in this epoch.
        step: usize,
        /// Steps in an epoch.
        steps: usize,
        /// The step's loss.
        loss: f64,
    },
    /// An epoch ended.
    Epoch {
        /// Its row.
        row: &'a EpochRow,
        /// Epochs at most.
        epochs: usize,
    },
}
