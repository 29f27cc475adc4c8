//! Why a nodule cannot be found, outlined or measured.

use pulmo_scan::geometry::GridError;
use pulmo_scan::volume::VolumeError;

/// Why a nodule cannot be found, outlined or measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoduleError {
    /// The volume has no size in millimetres, so that nothing in it can be measured.
    #[error("the volume's voxels have no size in millimetres")]
    NoMillimetres,
    /// The place asked for lies outside the volume.
    #[error("the place lies outside the volume")]
    Outside,
    /// Nothing denser than the lung around it lies at the place asked for.
    #[error(
        "nothing stands out at this place: {level_hu:.0} HU where the lung around it has {lung_hu:.0} HU"
    )]
    Nothing {
        /// What lies there.
        level_hu: f32,
        /// The aerated lung around it.
        lung_hu: f32,
    },
    /// A length asked for is not a positive number within what can be worked with.
    #[error("{what} is {found} mm, not within {least} to {most} mm")]
    Length {
        /// Which length.
        what: &'static str,
        /// The length asked for.
        found: f64,
        /// The least possible.
        least: f64,
        /// The most possible.
        most: f64,
    },
    /// A grid cannot be made.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Values and grid do not fit.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}
