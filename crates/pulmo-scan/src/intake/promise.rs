//! What the headers of an item promise, before any value is read.

use super::Item;
use super::item::Source;
use crate::files::{picture_pixels, volume_voxels};

/// Bytes of a voxel in memory.
const VOXEL_BYTES: usize = size_of::<f32>();

impl Item {
    /// The bytes that the item's volume takes in memory, as far as its headers tell: 4 for each voxel.
    /// Those of a file whose header cannot be read are 0: it will not load.
    pub fn promised_bytes(&self) -> usize {
        let voxels = match &self.source {
            Source::Series(series) => series.slices.iter().map(|slice| slice.header.format.samples()).sum(),
            Source::VolumeFile(format, file) => volume_voxels(file, *format).unwrap_or(0),
            Source::Picture(file) => picture_pixels(file).unwrap_or(0),
            Source::Refused(_) => 0,
        };
        voxels.saturating_mul(VOXEL_BYTES)
    }
}
