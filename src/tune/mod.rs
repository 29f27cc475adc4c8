//! A search over ranges in a recipe: random trials, most of them ended early.
//!
//! The recipe's `[tune]` table says what may change and how far:
//!
//! ```toml
//! [tune]
//! trials = 27                 # trial 0 is the recipe as it is, the others are drawn
//! eta = 3                     # one trial in three goes on, to three times as many epochs
//!
//! [tune.ranges]
//! optimizer.learning_rate = { from = 1e-4, to = 1e-2, scale = "log" }
//! network.dropout = { from = 0.0, to = 0.5 }
//! course.batch_size = { choices = [8, 16, 32] }
//! ```
//!
//! Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943; as in Hyperband, Li et al. 2018,
//! arXiv:1603.06560): all trials are trained for few epochs, the best `1 / eta` of them for `eta` times as
//! many, and so on up to the recipe's own. Each rung costs about as much as the others.
//!
//! A trial that goes on starts anew, with its schedule (warm-up, decay, patience) drawn out to the new
//! number of epochs: a rate that had already fallen would have to be raised again, and the last rung would
//! be no training that `pulmo train` could repeat. All trials have the recipe's seed, so they begin with
//! the same split and, where the networks are alike, the same weights. Cases are decoded and preprocessed
//! once for all trials with the same chain.
//!
//! The score is the best validation ROC AUC of a trial's epochs, ties by the loss of that epoch. It is the
//! best of many on the same cases and so optimistic: report another split's.

mod config;
mod error;
mod halving;
mod mattered;
mod ranges;
mod ranges_error;
mod record;
mod search;
mod space;
mod table;
mod tuned;

pub use config::TuneConfig;
pub use error::TuneError;
pub use halving::{Rung, rungs};
pub use mattered::{Group, Mattered, Measure};
pub use ranges::{Range, RangeScale};
pub use ranges_error::{PathError, RangeError, RangesError, ValuesError};
pub use record::{Outcome, Row};
pub use search::{TuneEvent, tune};
pub use table::{mattered_text, trials_text};
pub use tuned::Tuned;
