//! Whole files of any bytes.

use std::cell::OnceCell;
use std::io::{Cursor, Write};
use std::path::Path;

use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

use pulmo_scan::volume::Volume;

/// Name of the one file in its folder: a header that names it as its own values is a hard case.
const NAME: &str = "input";

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Calls `read` with a file of these bytes, which lies alone in a folder and is written over each time.
pub fn with_file<T>(data: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let path = folder.path().join(NAME);
        std::fs::write(&path, data).expect("a writable folder");
        read(&path)
    })
}

/// Calls `work` with an empty folder, which is gone afterwards.
pub fn with_folder<T>(work: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a temporary folder");
    work(folder.path())
}

/// A sound zip archive, nothing compressed: damage behind a checksum is found by few inputs.
pub fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in entries {
        zip.start_file(*name, stored).expect("a new entry");
        zip.write_all(content).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// What a reader may give: as many values as its grid has voxels, at a place of finite numbers.
pub fn assert_sound(volume: &Volume) {
    let grid = volume.grid();
    assert_eq!(volume.as_slice().len(), grid.len());
    assert!(grid.origin_mm().is_finite());
    assert!(grid.spacing_mm().iter().all(|mm| mm.is_finite() && *mm > 0.0));
}
