//! F1: any bytes through the gate. Run with `-malloc_limit_mb=64`: it never allocates more at once.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::SliceHeader;

fuzz_target!(|data: &[u8]| {
    let first = SliceHeader::read(Cursor::new(data)).map_err(|error| error.code());
    let again = SliceHeader::read(Cursor::new(data)).map_err(|error| error.code());
    assert_eq!(first, again);
});
