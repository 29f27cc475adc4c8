//! From a manifest and a recipe to a bundle, and from a bundle and a manifest to metrics.
//!
//! A run is decided by its recipe, its data and its seed alone: everything random is drawn from
//! streams keyed by epoch and case, so neither threads nor interruptions change it. Each epoch ends
//! in a checkpoint; a run that is started again goes on from the newest whole one.

mod augment;
mod average;
mod baseline;
mod batch;
mod calibrate;
mod checkpoint;
mod course;
mod dataset;
mod domain;
mod epochs;
mod error;
mod evaluate;
mod event;
mod folds;
mod groups;
mod job;
mod leaks;
mod log;
mod logistic;
mod loss;
mod mix;
mod optimizer;
mod prepared;
mod pretrain;
mod recipe;
mod recipe_error;
mod run;
mod schedule;
mod seen;
mod sketch;
mod step;
mod tensorboard;

pub use augment::AugmentConfig;
pub use baseline::{Baseline, Training};
pub use batch::{Batch, Changing, changed_bags};
pub use calibrate::{Calibrated, CalibrationJob, calibrate, with_calibration};
pub use dataset::Dataset;
pub use domain::{DomainJob, fit_domain};
pub use error::TrainError;
pub use evaluate::{Evaluated, Scored, evaluate};
pub use event::{EpochRow, Event};
pub use folds::{CrossValidated, train_folds};
pub use groups::ParameterGroup;
pub use job::Job;
pub use leaks::LeakPolicy;
pub use loss::Loss;
pub use mix::{Mix, MixConfig};
pub use optimizer::{Optimizer, OptimizerConfig};
pub use prepared::Prepared;
pub use pretrain::{PretrainJob, Pretrained, pretrain};
pub use recipe::{ClassWeights, CourseConfig, Recipe, Sampling, ThresholdRule};
pub use recipe_error::RecipeError;
pub use run::{Trained, train, train_prepared};
pub use schedule::{Decay, ScheduleConfig};
pub use sketch::{Glance, Sketch};
pub use step::Trainer;
