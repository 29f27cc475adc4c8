//! What was done differently because a device failed.

use serde::Serialize;

/// What a device was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// To preprocess a volume.
    Preprocess,
    /// To classify a batch of volumes.
    Predict,
    /// To make a heat map.
    HeatMap,
}

/// What was done instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// The batch was halved.
    Halved {
        /// Volumes in the batch that did not fit.
        volumes: usize,
    },
    /// The CPU did the work.
    Cpu,
}

/// How a device failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// It had too little memory for what was asked of it then.
    OutOfMemory,
    /// An array was larger than it allows.
    TooLarge,
    /// It was lost: unplugged, reset or taken away by its driver. Nothing works on it any more.
    Lost,
    /// It reported another error.
    Failed,
}

/// What was done differently because a device failed. The result is the same.
///
/// In JSON an object of `stage`, `kind` (`halved`, with `volumes`, or `cpu`), `cause` and `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setback {
    /// What the device was asked to do.
    pub stage: Stage,
    /// What was done instead.
    #[serde(flatten)]
    pub remedy: Remedy,
    /// How it failed.
    pub cause: Cause,
    /// What it said.
    pub message: String,
}

impl std::fmt::Display for Setback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.stage {
            Stage::Preprocess => "preprocessing",
            Stage::Predict => "classifying",
            Stage::HeatMap => "making a heat map",
        };
        match self.remedy {
            Remedy::Halved { volumes } => {
                write!(f, "{what}: a batch of {volumes} did not fit into the device's memory and was halved")
            }
            Remedy::Cpu => write!(f, "{what}: {}; the CPU went on, which is slower", self.message),
        }
    }
}
