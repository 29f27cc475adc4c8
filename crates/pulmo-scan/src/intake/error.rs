//! Why an item gives no volume.

use crate::dicom::DicomError;
use crate::files::{PictureError, VolumeFileError};
use crate::findings::{Code, Reason, Verdict};

/// Why an item gives no volume. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The file was refused when it was found.
    #[error("{}", .reason.message)]
    Refused {
        /// Why.
        reason: Reason,
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
            Self::Refused { reason } => reason.code,
            Self::Dicom(error) => error.code(),
            Self::Picture(error) => error.code(),
            Self::VolumeFile(error) => error.code(),
            Self::NotFinite { .. } => Code::HuRange,
        }
    }

    /// The code of this error with its sentence.
    pub fn reason(&self) -> Reason {
        Reason::new(self.code(), self.to_string())
    }

    /// The verdict of this error: on the file where it cannot be read, else on what it holds.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Refused { .. } | Self::Picture(_) | Self::VolumeFile(_) => {
                Verdict::RejectFile(self.reason())
            }
            Self::Dicom(_) | Self::NotFinite { .. } => Verdict::NotEvaluable(self.reason()),
        }
    }
}
