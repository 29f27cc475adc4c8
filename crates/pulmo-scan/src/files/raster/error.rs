//! Why a file gives no picture.

use image::ImageError;

use super::limits::MAX_PICTURE_SIDE;
use crate::findings::Code;
use crate::geometry::GridError;
use crate::volume::VolumeError;

/// Why a file gives no picture. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be opened or read.
    #[error("the picture cannot be read")]
    Unreadable {
        /// What the operating system says.
        #[from]
        source: std::io::Error,
    },
    /// The content is none of the formats read.
    #[error("the file is no PNG, JPEG, TIFF or BMP picture")]
    Format,
    /// The picture exceeds the limits of size.
    #[error("the picture is larger than {MAX_PICTURE_SIDE} pixels a side")]
    TooLarge,
    /// The file ends before its picture does, whatever a decoder would make up for the rest.
    #[error("the file is cut off: it ends before the picture does; copy or export it again")]
    Truncated,
    /// The file holds several pictures.
    #[error(
        "the file holds {pages} pictures (pages or frames), and nothing says which one is meant; save each \
         as a file of its own, or a stack of slices as NIfTI, MetaImage or .npy"
    )]
    Pages {
        /// How many; at least 2.
        pages: usize,
    },
    /// The pixels are of an unusual kind.
    #[error("pictures of this kind are not read: {what}")]
    Pixels {
        /// The kind.
        what: String,
    },
    /// The content contradicts itself.
    #[error("the picture is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// The decoder failed.
    #[error("the picture is damaged and cannot be decoded")]
    Decode {
        /// What the decoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The picture has no pixels.
    #[error("the picture is empty")]
    Empty {
        /// What the grid says.
        #[from]
        source: GridError,
    },
    /// Pixels and grid do not fit together.
    #[error("the picture has another size than it states")]
    Volume {
        /// What the volume says.
        #[from]
        source: VolumeError,
    },
}

impl PictureError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::Unreadable,
            Self::Format => Code::NotDicom,
            Self::TooLarge => Code::TooLarge,
            Self::Truncated => Code::Truncated,
            Self::Pages { .. } => Code::Pages,
            Self::Empty { .. } | Self::Volume { .. } => Code::Dimensions,
            Self::Pixels { .. } | Self::Damaged { .. } | Self::Decode { .. } => Code::Codec,
        }
    }

    /// The error of a decoder that came to the end of the file.
    fn of_io(source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Decode { source: source.into() },
        }
    }
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::IoError(source) => Self::of_io(source),
            ImageError::Unsupported(error) => Self::Pixels { what: error.to_string() },
            source => Self::Decode { source: source.into() },
        }
    }
}

impl From<tiff::TiffError> for PictureError {
    fn from(error: tiff::TiffError) -> Self {
        match error {
            tiff::TiffError::LimitsExceeded => Self::TooLarge,
            tiff::TiffError::IoError(source) => Self::of_io(source),
            tiff::TiffError::UnsupportedError(error) => Self::Pixels { what: error.to_string() },
            source => Self::Decode { source: source.into() },
        }
    }
}
