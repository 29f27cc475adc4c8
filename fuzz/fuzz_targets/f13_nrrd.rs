//! F13: any bytes as an NRRD file, whose header may name the file itself as its values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::read_nrrd;

fuzz_target!(|data: &[u8]| {
    if let Ok(volume) = pulmo_fuzz::with_file(data, read_nrrd) {
        pulmo_fuzz::assert_sound(&volume);
    }
});
