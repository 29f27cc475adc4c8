//! DICOMDIR: an index of a medium, of which only its place is used.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Media Storage Directory Storage (PS3.4 annex B.5), as its file meta information names it.
const DIRECTORY_CLASS: &[u8] = b"1.2.840.10008.1.3.10";

/// Bytes in which the class must stand: preamble and the first elements of the meta information.
const MEDIA_CLASS_WITHIN: u64 = 512;

/// The folder that a path names: for a DICOMDIR, told by content, the one it lies in, as what it
/// lists lies below (PS3.10 section 8.6); every other path is itself.
///
/// The file names that a DICOMDIR lists are never read: they may point anywhere.
pub(super) fn folder_named(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if is_dicomdir(path) && folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) if is_dicomdir(path) => folder.to_path_buf(),
        _ => path.to_path_buf(),
    }
}

fn is_dicomdir(path: &Path) -> bool {
    // a pipe would be waited for
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut beginning = Vec::new();
    let read = File::open(path).map(|file| file.take(MEDIA_CLASS_WITHIN).read_to_end(&mut beginning));
    read.is_ok()
        && beginning.get(128..132) == Some(b"DICM")
        && beginning.windows(DIRECTORY_CLASS.len()).any(|bytes| bytes == DIRECTORY_CLASS)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_no_dicomdir_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("DICOMDIR");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(folder_named(&pipe), pipe);
    }
}
