//! F12: any bytes as a MetaImage file, whose header may name the file itself as its values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::read_metaimage;

fuzz_target!(|data: &[u8]| {
    if let Ok(volume) = pulmo_fuzz::with_file(data, read_metaimage) {
        pulmo_fuzz::assert_sound(&volume);
    }
});
