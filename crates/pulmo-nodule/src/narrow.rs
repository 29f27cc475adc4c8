//! From lengths to the precision of voxels.

/// The nearest number of single precision.
#[expect(clippy::cast_possible_truncation, reason = "voxels have single precision")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}
