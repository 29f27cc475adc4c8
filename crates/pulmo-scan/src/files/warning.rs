//! What a volume file leaves in doubt, although it can be read.

use crate::findings::Code;

/// What a volume file leaves in doubt, although it can be read. Each has one [`Code`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeFileWarning {
    /// A NIfTI file whose two transforms differ by a rigid motion, as those of a registered scan do.
    #[error(
        "the sform lies {degrees:.1} degrees and {shift_mm:.1} mm from the qform, as in a scan that was \
         registered to another; the sform was taken"
    )]
    Registered {
        /// The largest angle between an axis of one and the same axis of the other.
        degrees: f64,
        /// How far apart the transforms place the first voxel.
        shift_mm: f64,
    },
    /// A NIfTI file whose `sform` is sound and whose `qform` cannot be computed.
    #[error("the qform is no rotation of positive voxels; the sform was taken")]
    Qform,
    /// A NIfTI file whose `pixdim` contradicts its only transform.
    #[error("pixdim says that a voxel is {pixdim}, the sform {sform}; the sform was taken")]
    Pixdim {
        /// The size by the `sform`.
        sform: String,
        /// The size by `pixdim`.
        pixdim: String,
    },
}

impl VolumeFileWarning {
    /// The stable code of this warning.
    pub fn code(&self) -> Code {
        match self {
            Self::Registered { .. } | Self::Qform | Self::Pixdim { .. } => Code::Transforms,
        }
    }
}
