//! F11: any bytes as a NIfTI file, compressed or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::read_nifti;

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = pulmo_fuzz::with_file(data, read_nifti) {
        pulmo_fuzz::assert_sound(&file.volume);
    }
});
