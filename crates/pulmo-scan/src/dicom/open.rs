//! The gate for files on disk.

use std::fs::File;
use std::path::Path;

use super::DicomError;
use super::gate::{DataSet, FileHeader, read_file_header_into};
use super::open_file::OpenFile;

/// A DICOM file that passed the gate.
pub(super) struct DicomFile {
    /// What its header says.
    pub(super) header: FileHeader,
    /// The file, for its pixels.
    pub(super) file: OpenFile,
}

/// Opens the file and reads its header; `Ok(None)` where its content is not DICOM.
///
/// What is no regular file (a pipe, a device, a folder) is never opened.
pub(super) fn open(path: &Path) -> Result<Option<DicomFile>, DicomError> {
    open_into(path, &mut DataSet::default())
}

/// Like [`open`]; of a file that fails, `beginning` holds what was kept before the fault.
pub(super) fn open_into(path: &Path, beginning: &mut DataSet) -> Result<Option<DicomFile>, DicomError> {
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::ErrorKind::InvalidInput.into()));
    }
    let file = File::open(path).and_then(OpenFile::new).map_err(unreadable)?;
    Ok(read_file_header_into(&mut file.reader(), beginning)?.map(|header| DicomFile { header, file }))
}

fn unreadable(source: std::io::Error) -> DicomError {
    DicomError::Unreadable { source }
}
