//! Files as streams, decompressed where their content says so.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Opens a regular file. What is none (a pipe, a device, a folder) is never opened, as that may wait for ever.
pub(super) fn regular(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path)?.is_file() { File::open(path) } else { Err(ErrorKind::Unsupported.into()) }
}

/// Opens a file; one that starts like gzip is decompressed.
pub(super) fn open(path: &Path) -> std::io::Result<Box<dyn Read>> {
    let mut file = BufReader::new(regular(path)?);
    let mut beginning = [0; GZIP.len()];
    let is_gzip = file.read_exact(&mut beginning).is_ok() && beginning == GZIP;
    file.seek(SeekFrom::Start(0))?;
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The first bytes of the stream: `most` of them, or fewer where it ends or fails before.
pub(super) fn beginning(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // what was read before a failure stays
    _ = from.take(most).read_to_end(&mut bytes);
    bytes
}
