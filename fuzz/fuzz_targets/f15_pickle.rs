//! F15: any bytes as a file of PyTorch, and as the pickle in a sound archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::read_torch;

fuzz_target!(|data: &[u8]| {
    let archive = pulmo_fuzz::zipped(&[("a/data.pkl", data), ("a/data/0", &[0; 64])]);
    for file in [data, &archive] {
        for tensor in read_torch(file).unwrap_or_default().values() {
            assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
        }
    }
});
