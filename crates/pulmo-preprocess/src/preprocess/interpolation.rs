//! Kernels between voxels.

use serde::{Deserialize, Serialize};

/// How values between voxel centres are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The value of the nearest voxel; halfway, that of the higher index.
    Nearest,
    /// Linear between the two neighbours along each axis.
    #[default]
    Linear,
    /// Cubic convolution over four neighbours along each axis, a = -0.5
    /// (Keys 1981, doi:10.1109/TASSP.1981.1163711).
    Cubic,
}

impl Interpolation {
    /// Number by which the kernels know it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Nearest => 0,
            Self::Linear => 1,
            Self::Cubic => 2,
        }
    }

    /// Reach of the kernel to either side, in voxels.
    pub(super) fn support(self) -> f64 {
        match self {
            Self::Nearest => 0.5,
            Self::Linear => 1.0,
            Self::Cubic => 2.0,
        }
    }

    /// Weight of a voxel at `distance` voxels; for nearest, 1 within the support.
    pub(super) fn weight(self, distance: f64) -> f64 {
        let d = distance.abs();
        match self {
            Self::Nearest => f64::from(d <= 0.5),
            Self::Linear => (1.0 - d).max(0.0),
            Self::Cubic if d < 1.0 => (1.5 * d - 2.5) * d * d + 1.0,
            Self::Cubic if d < 2.0 => ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0,
            Self::Cubic => 0.0,
        }
    }
}
