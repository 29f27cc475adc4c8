//! Why a volume file cannot be read or written.

use crate::findings::Code;
use crate::geometry::GridError;
use crate::volume::VolumeError;

/// Why a volume file cannot be read or written. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeFileError {
    /// The file cannot be opened, read or written.
    #[error("the file cannot be read or written")]
    Io {
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The content is not of the format.
    #[error("the file is not of this format")]
    Format,
    /// The header breaks the rules of its format, or uses a part of it that is not supported.
    #[error("the header is malformed or not supported: {what}")]
    Header {
        /// The field.
        what: &'static str,
    },
    /// The elements are not integers of 8 to 64 bits or floating-point numbers of 32 or 64.
    #[error("elements of this type are not supported")]
    ElementType,
    /// The array is in Fortran order.
    #[error("the array is in Fortran order; save it with np.ascontiguousarray")]
    FortranOrder,
    /// The file has too few or too many axes for a volume.
    #[error("{axes} axes make no volume")]
    Axes {
        /// Axes longer than 1, or of the array.
        axes: usize,
    },
    /// The shape has more voxels than are read.
    #[error("a shape of more than {most} voxels is not read")]
    TooLarge {
        /// The bound.
        most: usize,
    },
    /// The file ends before the values that its header declares.
    #[error("the header declares {values} values, the file ends before them")]
    Short {
        /// Values declared.
        values: usize,
    },
    /// More follows the values that the header declares.
    #[error("the header declares {values} values, more follows them")]
    Long {
        /// Values declared.
        values: usize,
    },
    /// The file that a header names for its values cannot be read.
    #[error("the file that should hold the values cannot be read")]
    Values {
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The compressed content is damaged.
    #[error("the compressed content is damaged, or something else follows it")]
    Damaged,
    /// The file does not say how its axes lie in the patient.
    #[error("the file does not say how its axes lie in the patient")]
    NoOrientation,
    /// The file gives no positive spacing of its voxels.
    #[error("the file gives no positive spacing of its voxels")]
    Spacing,
    /// The two transforms of a NIfTI file cannot both be right.
    #[error("sform and qform disagree on {about}: {sform} by the sform, {qform} by the qform")]
    Transforms {
        /// What they disagree on.
        about: &'static str,
        /// What the `sform` says.
        sform: String,
        /// What the `qform` says.
        qform: String,
    },
    /// The values are packed in a way that is not read.
    #[error("values packed as {name} are not read; save them as gzip or raw")]
    Packing {
        /// The way, as the format names it.
        name: &'static str,
    },
    /// The axes are not at right angles.
    #[error("the axes are not at right angles (cosine {cosine})")]
    Skewed {
        /// The largest cosine between two axes.
        cosine: f64,
    },
    /// An archive of arrays does not tell which one is the volume.
    #[error("{arrays} arrays, and none of them is named `volume`")]
    Arrays {
        /// Arrays besides `spacing`.
        arrays: usize,
    },
    /// The volume has no size in millimetres, so it cannot be written with one.
    #[error("a volume without millimetres cannot be written in this format")]
    NoMillimetres,
    /// The values do not fit the shape to be written.
    #[error("{found} values for a shape of {expected}")]
    Count {
        /// Values of the shape.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The shape makes no grid.
    #[error("the file makes no grid")]
    Grid {
        /// What the grid says.
        #[from]
        source: GridError,
    },
    /// Values and grid do not fit together.
    #[error("the file makes no volume")]
    Volume {
        /// What the volume says.
        #[from]
        source: VolumeError,
    },
}

impl VolumeFileError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::Values { .. } => Code::Unreadable,
            Self::Format => Code::NotDicom,
            Self::Header { .. } => Code::Malformed,
            Self::ElementType | Self::FortranOrder | Self::Damaged | Self::Packing { .. } => Code::Codec,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Short { .. } => Code::Truncated,
            Self::Long { .. } | Self::Count { .. } => Code::PixelLength,
            Self::NoOrientation => Code::Orientation,
            Self::Spacing | Self::NoMillimetres => Code::PixelSpacing,
            Self::Transforms { .. } => Code::Transforms,
            Self::Skewed { .. } => Code::Tilt,
            Self::Arrays { .. } => Code::Mixed,
            Self::Axes { .. } | Self::Grid { .. } | Self::Volume { .. } => Code::Dimensions,
        }
    }
}

impl From<std::io::Error> for VolumeFileError {
    fn from(source: std::io::Error) -> Self {
        match source.kind() {
            // what the decompressors say of a broken stream
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => Self::Damaged,
            _ => Self::Io { source },
        }
    }
}
