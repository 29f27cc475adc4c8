//! Voxel values on a grid: CT volumes, masks and what can be measured on them.

pub mod anatomy;
mod block_means;
mod components;
mod distance;
mod lung_extent;
mod mask;
mod neighbours;
mod placed;
#[expect(clippy::module_inception, reason = "the volume is this room's main type")]
mod volume;

pub use block_means::block_means;
pub use components::{Components, label};
pub use distance::squared_distance_mm2;
pub use lung_extent::LungExtent;
pub use mask::Mask;
pub use neighbours::eroded;
pub use volume::{Volume, VolumeError};
