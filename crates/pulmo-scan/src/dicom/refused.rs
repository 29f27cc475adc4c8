//! A file that cannot be used, and why.

use std::path::{Path, PathBuf};

use glam::DVec3;

use crate::findings::{Reason, Verdict};

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub verdict: Verdict,
    /// Image Position (Patient), where its header still tells it.
    pub position_mm: Option<DVec3>,
}

impl Refused {
    pub(super) fn new(path: &Path, reason: impl Into<Reason>) -> Self {
        Self { path: path.to_path_buf(), verdict: Verdict::RejectFile(reason.into()), position_mm: None }
    }
}
