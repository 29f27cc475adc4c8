//! Why an item gives no volume.

use crate::dicom::DicomError;
use crate::files::{PictureError, VolumeFileError};
use crate::findings::{Code, Verdict};

/// Why an item gives no volume. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The file was refused when it was found.
    #[error("refused: {code}")]
    Refused {
        /// Why.
        code: Code,
    },
    /// The series makes no volume, or a volume file breaks the rules of one.
    #[error(transparent)]
    Dicom(#[from] DicomError),
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The volume file cannot be read.
    #[error(transparent)]
    VolumeFile(#[from] VolumeFileError),
    /// A volume file holds values that are no finite numbers.
    #[error("{values} values are no finite numbers")]
    NotFinite {
        /// How many.
        values: usize,
    },
}

impl IntakeError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused { code } => *code,
            Self::Dicom(error) => error.code(),
            Self::Picture(error) => error.code(),
            Self::VolumeFile(error) => error.code(),
            Self::NotFinite { .. } => Code::HuRange,
        }
    }

    /// The verdict of this error: on the file where it cannot be read, else on what it holds.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Refused { .. } | Self::Picture(_) | Self::VolumeFile(_) => Verdict::RejectFile(self.code()),
            Self::Dicom(_) | Self::NotFinite { .. } => Verdict::NotEvaluable(self.code()),
        }
    }
}
