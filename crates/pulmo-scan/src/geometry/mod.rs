//! Where voxels lie in the patient: grids, directions and boxes, without voxel values.
//!
//! Patient space is LPS in millimetres, as in DICOM (PS3.3 C.7.6.2.1.1): x grows to the
//! patient's left, y to the back, z to the head. Arrays are `[z, y, x]`: slice, row, column.
//! **A voxel's coordinates name its centre**: index 0 is the centre of the first voxel, and a
//! grid of `n` voxels with spacing `s` covers `n * s` millimetres, half a voxel beyond the
//! outer centres on either side.

mod bounding_box;
mod grid;
mod orientation;
mod whole;

pub use bounding_box::BoundingBox;
pub use grid::{Grid, GridError, Unit};
pub use orientation::{CanonicalAxes, canonical_axes};
pub use whole::whole;
