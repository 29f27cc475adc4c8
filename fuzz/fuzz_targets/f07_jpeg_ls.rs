//! F7: any bytes as a frame in JPEG-LS.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pulmo_fuzz::decode_as("1.2.840.10008.1.2.4.80", data));
