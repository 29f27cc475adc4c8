//! F11: any bytes as a NIfTI file, compressed or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo::files::read_nifti;

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = pulmo::with_file(data, read_nifti) {
        pulmo::assert_sound(&file.volume);
    }
});
