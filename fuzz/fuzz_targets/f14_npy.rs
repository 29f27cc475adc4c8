//! F14: any bytes as a NumPy array, as an archive of arrays, and as the array in a sound archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulmo_scan::files::{read_npy, read_npy_volume, read_npz};

fuzz_target!(|data: &[u8]| {
    if let Ok(array) = pulmo_fuzz::with_file(data, read_npy) {
        assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
    }
    let spacing: &[u8] =
        b"\x93NUMPY\x01\0\x36\0{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}\x01\x02\x03";
    let archive = pulmo_fuzz::zipped(&[("volume.npy", data), ("spacing.npy", spacing)]);
    let volumes = [
        pulmo_fuzz::with_file(data, |path| read_npy_volume(path, None)),
        pulmo_fuzz::with_file(data, read_npz),
        pulmo_fuzz::with_file(&archive, read_npz),
    ];
    for volume in volumes.into_iter().flatten() {
        pulmo_fuzz::assert_sound(&volume);
    }
});
