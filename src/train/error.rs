//! What can go wrong in training and evaluation.

use std::path::{Path, PathBuf};

use super::recipe_error::RecipeError;
use crate::bundle::{BundleError, WeightsError};
use crate::cohort::{CohortError, Failure};
use crate::domain::DomainError;
use crate::findings::Code;
use crate::gpu::GpuError;
use crate::metrics::MetricsError;
use crate::network::NetworkError;
use crate::predict::PredictError;

/// Why a training or an evaluation cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The cases cannot be divided.
    #[error(transparent)]
    Cohort(#[from] CohortError),
    /// The recipe cannot be used.
    #[error("recipe {}: {problem}", path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// What is wrong.
        problem: Box<RecipeError>,
    },
    /// What is trained on would be measured too.
    #[error("{0}; `pulmo audit` shows all of them, and --allow-leaks trains nevertheless")]
    Leak(String),
    /// The labels do not fit the classes.
    #[error("labels: {0}")]
    Labels(String),
    /// None of the cases could be read.
    #[error("none of the {cases} cases could be read; the first that failed is {first}")]
    NoCases {
        /// Cases that were asked for.
        cases: usize,
        /// The first failure.
        first: Failure,
    },
    /// The folder holds a run of another recipe or other data.
    #[error("{} holds a run with another {what}; choose another --out or remove it", path.display())]
    OtherRun {
        /// The output folder.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// The loss or the weights stopped being numbers.
    #[error("training diverged in epoch {epoch}: the loss is not a number; lower the learning rate")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// No checkpoint in the folder is whole.
    #[error("checkpoint {}: {what}", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The device failed.
    #[error("{0}; where this is a GPU, --device cpu may go on")]
    Device(#[from] GpuError),
    /// The device failed in a run, whose checkpoint is kept.
    #[error("DEVICE: {cause}; {}", way_on(cause, *epochs, out))]
    Interrupted {
        /// What the device said.
        cause: GpuError,
        /// Epochs that were done.
        epochs: usize,
        /// The folder of the run.
        out: PathBuf,
    },
    /// The weights cannot be read from the device or put back.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot be built or fed.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The bundle cannot be read or written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// There is no domain of the cases.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The predictor failed.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The predictions cannot be measured.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

impl TrainError {
    /// The code of what went wrong, where it has one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Device(_)
            | Self::Interrupted { .. }
            | Self::Network(NetworkError::Device(_))
            | Self::Predict(PredictError::Device(_)) => Some(Code::Device),
            Self::NoCases { first, .. } => first.code,
            _ => None,
        }
    }
}

impl From<RecipeError> for TrainError {
    /// What is wrong with the recipe of a run, which is told by the name that it has there.
    fn from(problem: RecipeError) -> Self {
        Self::Recipe { path: "recipe.toml".into(), problem: problem.into() }
    }
}

/// How to go on after a device failed.
fn way_on(cause: &GpuError, epochs: usize, out: &Path) -> String {
    let kept = match epochs {
        0 => "no epoch was done yet, so the same command begins anew".to_owned(),
        _ => format!("epoch {epochs} is kept in {}, from where the same command goes on", out.display()),
    };
    let smaller = match cause {
        GpuError::OutOfMemory { .. } | GpuError::TooLarge { .. } => {
            ", or a recipe with a smaller batch_size and a larger accumulate begins a run of its own"
        }
        _ => "",
    };
    format!("{kept}, also with --device cpu{smaller}")
}
