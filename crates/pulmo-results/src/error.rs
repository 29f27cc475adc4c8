//! Why results cannot be written.

use std::path::PathBuf;

use pulmo_scan::dicom::WriteError;

/// Why results cannot be written as DICOM. None of it tells who was scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultsError {
    /// The scan comes from a volume file or a picture.
    #[error("the scan is no DICOM series, so there is no patient and no study to write results for")]
    NoDicom,
    /// The scan's files do not say what every object that is made of them must repeat.
    #[error("the scan's files have no {attribute}, so results cannot be filed with them")]
    Unnamed {
        /// The attribute's name.
        attribute: &'static str,
    },
    /// The scan's images have no SOP Instance UIDs, or share them.
    #[error("the scan's images have no SOP Instance UIDs of their own, so results cannot refer to them")]
    Unreferable,
    /// The axes within the frames are not perpendicular.
    #[error(
        "the volume's rows and columns are not perpendicular (cosine {cosine}), as those of DICOM images are"
    )]
    Skewed {
        /// Cosine of the angle between them.
        cosine: f64,
    },
    /// A side is longer than DICOM's 16-bit Rows and Columns can say.
    #[error("{rows} x {columns} pixels do not fit a DICOM image")]
    TooLarge {
        /// Rows of a slice.
        rows: usize,
        /// Columns of a slice.
        columns: usize,
    },
    /// A mask lies neither on the volume's grid nor on a window of it.
    #[error("the mask of {what} lies on another grid than the volume")]
    OffGrid {
        /// What the mask is of, such as `nodule 3`.
        what: String,
    },
    /// More segments than can be numbered.
    #[error("{segments} segments are more than DICOM can number")]
    TooManySegments {
        /// How many there are.
        segments: usize,
    },
    /// The folder cannot be made.
    #[error("cannot make {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An object cannot be encoded or written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
