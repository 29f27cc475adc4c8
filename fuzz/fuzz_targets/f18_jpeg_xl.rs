//! F18: any bytes as a frame in JPEG XL.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    let syntaxes = ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112"];
    pulmo_fuzz::decode_as(syntaxes[usize::from(which & 1)], data);
});
