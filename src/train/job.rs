//! What a training is asked to do.

use std::path::PathBuf;

use super::leaks::LeakPolicy;
use super::recipe::Recipe;
use crate::cohort::Case;
use crate::dicom::Partial;
use crate::network::Compute;

/// What to train on what, and where to put it.
#[derive(Debug, Clone)]
pub struct Job {
    /// How to train.
    pub recipe: Recipe,
    /// What to train on.
    pub cases: Vec<Case>,
    /// Weights to start from, as the bytes of a file for [`transfer`](crate::bundle::transfer); `None` draws them by the seed.
    pub init: Option<Vec<u8>>,
    /// Where checkpoints and the bundle go.
    pub out: PathBuf,
    /// What to compute on.
    pub compute: Compute,
    /// What becomes of a split that leaks.
    pub leaks: LeakPolicy,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
}
