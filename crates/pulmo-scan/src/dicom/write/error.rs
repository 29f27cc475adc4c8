//! Why a DICOM object cannot be written.

use std::path::PathBuf;

/// Why a DICOM object cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The description names another number of files than the volume has slices.
    #[error("{names} file names for {slices} slices")]
    FileNames {
        /// Names given.
        names: usize,
        /// Slices of the volume.
        slices: usize,
    },
    /// The volume has no size in millimetres: it comes from a picture.
    #[error("a volume without millimetres cannot be written as CT")]
    NoMillimetres,
    /// A side is longer than DICOM's 16-bit Rows and Columns can say.
    #[error("{rows} x {columns} pixels do not fit a DICOM image")]
    TooLarge {
        /// Rows of a slice.
        rows: usize,
        /// Columns of a slice.
        columns: usize,
    },
    /// The folder or a file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The DICOM encoder refused an object.
    #[error("cannot encode {path}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        source: Box<dicom_object::WriteError>,
    },
    /// The DICOM encoder refused an object before there was a file.
    #[error("cannot encode a DICOM object")]
    Content {
        /// The encoder's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The DICOM encoder refused an object's file meta group.
    #[error("cannot encode the file meta group of {path}")]
    Meta {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        source: Box<dicom_object::WithMetaError>,
    },
}
