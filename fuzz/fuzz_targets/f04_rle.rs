//! F4: any bytes as a frame in RLE Lossless.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pulmo_fuzz::decode_as("1.2.840.10008.1.2.5", data));
