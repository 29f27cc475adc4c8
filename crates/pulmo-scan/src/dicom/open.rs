//! The gate for files on disk.

use std::fs::File;
use std::path::Path;

use super::DicomError;
use super::gate::{DataSet, Scan, scan_into};
use super::held::Held;

/// A DICOM file that passed the gate.
pub(super) struct Opened {
    /// What its header says.
    pub(super) scan: Scan,
    /// The file, for its pixels.
    pub(super) file: Held,
}

/// Opens the file and reads its header; `Ok(None)` where its content is not DICOM.
///
/// What is no regular file (a pipe, a device, a folder) is never opened.
pub(super) fn open(path: &Path) -> Result<Option<Opened>, DicomError> {
    open_into(path, &mut DataSet::default())
}

/// Like [`open`]; of a file that fails, `beginning` holds what was kept before the fault.
pub(super) fn open_into(path: &Path, beginning: &mut DataSet) -> Result<Option<Opened>, DicomError> {
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::ErrorKind::InvalidInput.into()));
    }
    let file = File::open(path).and_then(Held::new).map_err(unreadable)?;
    Ok(scan_into(&mut file.reader(), beginning)?.map(|scan| Opened { scan, file }))
}

fn unreadable(source: std::io::Error) -> DicomError {
    DicomError::Unreadable { source }
}
