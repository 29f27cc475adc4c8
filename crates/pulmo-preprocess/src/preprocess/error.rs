//! What can go wrong while preprocessing.

use crate::gpu::{DeviceError, GpuError};
use pulmo_scan::findings::Code;
use pulmo_scan::geometry::GridError;
use pulmo_scan::volume::VolumeError;

/// A step that cannot be done: which one, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("step {step} ({kind}): {problem}")]
pub struct PreprocessError {
    /// The step's place in the chain, from 1; 0 where the device failed at no step of its own.
    pub step: usize,
    /// The step's kind as the TOML names it.
    pub kind: &'static str,
    /// Why it cannot be done.
    pub problem: Problem,
}

impl DeviceError for PreprocessError {
    fn device(&self) -> Option<&GpuError> {
        match &self.problem {
            Problem::Gpu(error) => Some(error),
            _ => None,
        }
    }
}

impl PreprocessError {
    /// The code of a problem with the scan or the device; `None` where the chain itself is wrong.
    pub fn code(&self) -> Option<Code> {
        match &self.problem {
            Problem::NoAnatomy { .. } => Some(Code::NoAnatomy),
            Problem::NeedsMillimetres { .. } => Some(Code::PixelSpacing),
            Problem::Constant { .. } => Some(Code::Content),
            Problem::TooManyVoxels { .. } | Problem::Gpu(GpuError::TooLarge { .. }) => Some(Code::TooLarge),
            Problem::Gpu(_) => Some(Code::Device),
            Problem::Outside { .. } | Problem::Grid(_) | Problem::Volume(_) => Some(Code::Dimensions),
            Problem::Invalid { .. } | Problem::NeedsVoxels => None,
        }
    }
}

/// Why a step cannot be done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A value of the spec is not allowed.
    #[error("{field} is {given}, but must be {allowed}")]
    Invalid {
        /// The spec's field.
        field: &'static str,
        /// What it holds.
        given: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// The step works in millimetres and the volume is a picture, which has none.
    #[error("this works in millimetres, which a picture does not have; {instead}")]
    NeedsMillimetres {
        /// What to do instead.
        instead: &'static str,
    },
    /// The anatomy the step looks for is not there.
    #[error("no {structure} found; pass a chest CT that covers it, or crop by another region")]
    NoAnatomy {
        /// What was looked for.
        structure: &'static str,
    },
    /// All voxels are equal, so that there is no spread to divide by.
    #[error("all voxels are {value}, so there is no standard deviation to divide by")]
    Constant {
        /// The value of all voxels.
        value: f64,
    },
    /// A box reaches beyond the volume.
    #[error("the box ends at {end_zyx:?}, beyond the volume's {shape_zyx:?} voxels ([z, y, x])")]
    Outside {
        /// End of the box.
        end_zyx: [usize; 3],
        /// Shape of the volume.
        shape_zyx: [usize; 3],
    },
    /// The result would be too large to work on.
    #[error("the result would have {shape_zyx:?} voxels ([z, y, x]), more than {limit} in all")]
    TooManyVoxels {
        /// Shape of the result.
        shape_zyx: [usize; 3],
        /// Voxels allowed.
        limit: usize,
    },
    /// The step depends on the voxels and was asked for passes before it had seen them.
    #[error("the step depends on the voxels, which were not given")]
    NeedsVoxels,
    /// The resulting grid is impossible.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Values and grid do not fit together.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The GPU failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

impl Problem {
    /// A value of the spec that is not allowed.
    pub(super) fn invalid(field: &'static str, given: impl std::fmt::Debug, allowed: &'static str) -> Self {
        Self::Invalid { field, given: format!("{given:?}"), allowed }
    }
}
