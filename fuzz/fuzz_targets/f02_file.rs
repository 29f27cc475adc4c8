//! F2: any bytes through the gate and the decoder of their transfer syntax.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::StoredPixels;

fuzz_target!(|data: &[u8]| {
    if let Ok(pixels) = StoredPixels::read(Cursor::new(data)) {
        assert_eq!(pixels.values().count(), pixels.format().samples());
    }
});
