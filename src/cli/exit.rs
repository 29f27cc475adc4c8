//! Exit codes: whether the work was done, never the clinical answer.

use std::process::{ExitCode, Termination};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done: 0.
    Done,
    /// Nothing could be done: 1.
    Nothing,
    /// The command line is wrong: 2.
    Usage,
    /// Some items failed, or an audit found faults: 3.
    Partly,
}

/// A mistake in what was typed, found after the command line was parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

impl Exit {
    /// The exit that an error means.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        if error.is::<UsageError>() { Self::Usage } else { Self::Nothing }
    }

    /// The exit for `failed` of `total` items.
    pub(super) fn of_items(failed: usize, total: usize) -> Self {
        match failed {
            0 => Self::Done,
            all if all == total => Self::Nothing,
            _ => Self::Partly,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Nothing => 1,
            Self::Usage => 2,
            Self::Partly => 3,
        })
    }
}
