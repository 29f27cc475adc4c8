//! F5: any bytes as a frame in JPEG: lossless, baseline and extended.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for transfer_syntax in ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"] {
        pulmo_fuzz::decode_as(transfer_syntax, data);
    }
});
