//! What every run does epoch after epoch: passes over its cases, checkpoints, setbacks.

use std::path::Path;

use burn::module::Module;

use super::average::{blend, decay_at};
use super::batch::Batch;
use super::checkpoint::{Checkpoint, RunIdentity};
use super::event::{EpochRow, Event};
use super::recipe::Recipe;
use super::step::Trainer;
use super::{Optimizer, TrainError};
use crate::bundle::save_weights;
use crate::gpu::{GpuError, caught};
use crate::network::Compute;
use crate::network::{Network, NetworkError};
use crate::predict::PredictError;
use crate::random::Random;

/// How often a run that diverged goes back to its last checkpoint, each time with half the learning rate.
const MAX_SETBACKS: u32 = 3;

/// A run, and the folder that holds its checkpoints.
pub(super) struct Run<'a> {
    pub recipe: &'a Recipe,
    pub out: &'a Path,
    pub identity: &'a RunIdentity,
    /// The network as it was before the first step.
    pub fresh: &'a Network,
    pub compute: &'a Compute,
}

impl Run<'_> {
    /// The newest whole checkpoint, `None` where there is none yet.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`] where the folder holds one of another run; as [`Checkpoint::read_newest`].
    pub(super) fn newest(&self) -> Result<Option<Checkpoint>, TrainError> {
        let optimizer = self.recipe.optimizer;
        Checkpoint::read_newest(&self.out.join("checkpoints"), self.identity, self.fresh, optimizer)
    }

    /// Goes on from `start` until the course is over; each epoch ends in a checkpoint, and one that
    /// diverged is tried again from the last.
    pub(super) fn go_on(
        &self,
        start: Option<Checkpoint>,
        observe: &(dyn Fn(Event) + Sync),
        epoch: impl Fn(Checkpoint) -> Result<Checkpoint, TrainError>,
    ) -> Result<Checkpoint, TrainError> {
        if let Some(checkpoint) = &start {
            observe(Event::Resumed { epochs: checkpoint.history.len() });
        }
        let device = self.compute.device();
        let start = start.unwrap_or_else(|| self.beginning());
        let mut state = self.guarded(start.history.len(), || Ok(start.onto(device)))?;
        while !is_over(&state.history, self.recipe) {
            let (epochs, setbacks) = (state.history.len(), state.setbacks);
            state = self.guarded(epochs, || match epoch(state) {
                Err(TrainError::Diverged { epoch }) if setbacks < MAX_SETBACKS => {
                    observe(Event::RolledBack { epoch, setbacks: setbacks + 1 });
                    let last = self.newest()?.unwrap_or_else(|| self.beginning());
                    Ok(Checkpoint { setbacks: setbacks + 1, ..last.onto(device) })
                }
                done => {
                    let state = done?;
                    state.write(&self.out.join("checkpoints"), self.identity)?;
                    write_history(self.out, &state.history)?;
                    Ok(state)
                }
            })?;
        }
        Ok(state)
    }

    /// Returns what `work` on the device gives, after so many epochs. burn panics on some device errors: whichever way
    /// a device fails, the run ends with one error that says how to go on.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`] where the device failed, else those of `work`.
    pub(super) fn guarded<T>(
        &self,
        epochs: usize,
        work: impl FnOnce() -> Result<T, TrainError>,
    ) -> Result<T, TrainError> {
        let error = match caught(work) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        };
        let cause = match error {
            TrainError::Device(cause)
            | TrainError::Network(NetworkError::Device(cause))
            | TrainError::Predict(PredictError::Device(cause)) => self.compute.by_cause(cause),
            // Weights and moments that cannot be read are one more sign of a device that is gone.
            error
            @ (TrainError::Weights(_) | TrainError::Checkpoint { .. } | TrainError::Diverged { .. }) => {
                match self.compute.by_cause(GpuError::Failed { message: error.to_string() }) {
                    lost @ GpuError::Lost { .. } => lost,
                    _ => return Err(error),
                }
            }
            error => return Err(error),
        };
        Err(TrainError::Interrupted { cause, epochs, out: self.out.to_owned() })
    }

    fn beginning(&self) -> Checkpoint {
        Checkpoint {
            average: (self.recipe.course.average_decay > 0.0).then(|| self.fresh.clone()),
            network: self.fresh.clone(),
            best: None,
            optimizer: Optimizer::new(self.recipe.optimizer),
            history: Vec::new(),
            setbacks: 0,
        }
    }
}

/// What an epoch begins with.
pub(super) struct EpochStart {
    /// The state before it.
    pub state: Checkpoint,
    /// The network of that state, and how it is trained.
    pub trainer: Trainer,
}

/// What the judged weights of an epoch are worth on the cases held out.
pub(super) struct Validation {
    pub loss: f64,
    /// ROC AUC, `None` where it is undefined.
    pub roc_auc: Option<f64>,
}

/// One pass over the training cases.
pub(super) struct EpochPass {
    /// The state after it; its history lacks the epoch still.
    state: Checkpoint,
    learning_rate: f64,
    loss: f64,
}

impl EpochPass {
    /// Trains on `order`, batch by batch.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] where the loss is no number; those of `batch` and of the device.
    pub(super) fn over(
        order: &[usize],
        recipe: &Recipe,
        start: EpochStart,
        batch: &dyn Fn(&[usize]) -> Result<Batch, TrainError>,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Self, TrainError> {
        let EpochStart { state, mut trainer } = start;
        let course = &recipe.course;
        let epoch = state.history.len() + 1;
        trainer.optimizer = state.optimizer;
        trainer.set_groups(&recipe.groups);
        trainer.clip_norm = course.clip_norm;
        let losses: Vec<f64> = state.history.iter().map(|row| row.validation_loss).collect();
        let mut average = state.average;
        let setbacks = i32::try_from(state.setbacks).unwrap_or(i32::MAX);
        let per_step = course.batch_size * course.accumulate;
        let steps = order.len().div_ceil(per_step);
        let (mut sum, mut rate) = (0.0, 0.0);
        for (step, cases) in order.chunks(per_step).enumerate() {
            let batches = cases.chunks(course.batch_size).map(batch);
            let batches = batches.collect::<Result<Vec<_>, _>>()?;
            let moment = (epoch - 1) as f64 + (step + 1) as f64 / steps as f64;
            rate = recipe.schedule.share(moment, course.epochs as f64, &losses) * 0.5f64.powi(setbacks);
            let mut random = Random::keyed(recipe.seed, &[epoch as u64, step as u64, 0x6472_6F70]);
            let loss = trainer.step_over(batches, rate, &mut random)?;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch });
            }
            sum += loss * cases.len() as f64;
            if let Some(older) = average.take() {
                let decay = decay_at(trainer.optimizer.steps(), course.average_decay);
                average = Some(blend(older, &trainer.network.valid(), decay));
            }
            observe(Event::Step { epoch, epochs: course.epochs, step: step + 1, steps, loss });
        }
        Ok(Self {
            learning_rate: rate * recipe.optimizer.learning_rate(),
            loss: sum / order.len().max(1) as f64,
            state: Checkpoint {
                network: trainer.network.valid(),
                average,
                optimizer: trainer.optimizer,
                best: state.best,
                history: state.history,
                setbacks: state.setbacks,
            },
        })
    }

    /// The weights to validate: the running average where one is kept.
    pub(super) fn judged(&self) -> &Network {
        self.state.average.as_ref().unwrap_or(&self.state.network)
    }

    /// Ends the epoch, its judged weights validated.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] where the loss is no number.
    pub(super) fn validated(
        self,
        validation: Validation,
        epochs: usize,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<Checkpoint, TrainError> {
        let epoch = self.state.history.len() + 1;
        let Validation { loss: validation_loss, roc_auc: validation_roc_auc } = validation;
        if !validation_loss.is_finite() {
            return Err(TrainError::Diverged { epoch });
        }
        let Self { learning_rate, loss, .. } = self;
        let row = EpochRow { epoch, learning_rate, loss, validation_loss, validation_roc_auc, best: false };
        let row = EpochRow { best: is_best(&row, &self.state.history), ..row };
        let best = row.best.then(|| save_weights(self.judged())).transpose()?;
        observe(Event::Epoch { row: &row, epochs });
        let mut state = self.state;
        state.best = best.or(state.best);
        state.history.push(row);
        Ok(state)
    }
}

/// Makes the folder of a run, and that of its checkpoints.
pub(super) fn make_folder(out: &Path) -> Result<(), TrainError> {
    let path = out.join("checkpoints");
    std::fs::create_dir_all(&path).map_err(|source| TrainError::File { path, source })
}

fn is_over(history: &[EpochRow], recipe: &Recipe) -> bool {
    let since_best = history.iter().rev().take_while(|row| !row.best).count();
    let patience = recipe.course.patience;
    history.len() >= recipe.course.epochs || (patience > 0 && !history.is_empty() && since_best >= patience)
}

/// Higher AUC, then lower loss; where AUC is undefined the loss alone.
fn is_best(row: &EpochRow, history: &[EpochRow]) -> bool {
    let key = |row: &EpochRow| (row.validation_roc_auc.unwrap_or(0.0), -row.validation_loss);
    history.iter().all(|other| key(row) > key(other))
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
