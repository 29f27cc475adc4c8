//! What a file that holds one volume gives.

use super::VolumeFileWarning;
use crate::volume::Volume;

/// What a volume file gives.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeFile {
    /// Its values, where the file says that they lie.
    pub volume: Volume,
    /// What is in doubt about them.
    pub warnings: Vec<VolumeFileWarning>,
}

impl From<Volume> for VolumeFile {
    fn from(volume: Volume) -> Self {
        Self { volume, warnings: Vec::new() }
    }
}
