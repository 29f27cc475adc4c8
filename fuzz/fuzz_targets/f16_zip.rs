//! F16: any bytes as a zip archive: nothing lands outside its folder, nor more than the bound.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::{MAX_ARCHIVE_RATIO, RATIO_FREE_BYTES, unpack};

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| {
            let kind = entry.file_type().expect("a kind");
            assert!(kind.is_dir() || kind.is_file());
            if kind.is_dir() { bytes_below(&entry.path()) } else { entry.metadata().expect("a file").len() }
        })
        .sum()
}

fuzz_target!(|data: &[u8]| {
    pulmo_fuzz::with_folder(|root| {
        let into = root.join("into");
        std::fs::create_dir(&into).expect("a writable folder");
        _ = pulmo_fuzz::with_file(data, |path| unpack(path, &into));
        assert!(bytes_below(&into) <= RATIO_FREE_BYTES + 1 + data.len() as u64 * MAX_ARCHIVE_RATIO);
        assert_eq!(std::fs::read_dir(root).expect("a folder").count(), 1);
    });
});
