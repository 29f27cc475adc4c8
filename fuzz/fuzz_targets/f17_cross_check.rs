//! F17: any bytes, and any bytes as a frame of any coding, by both readers: the same stored pixels, or one refuses. Run with
//! `-malloc_limit_mb=64`: what the second reader gets must not make it take more.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::{Agreement, compare_readers};

/// The syntaxes that both readers decode.
const SYNTAXES: [&str; 9] = [
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.1",
];

fuzz_target!(|data: &[u8]| {
    let Some((&which, rest)) = data.split_first() else { return };
    let file = match SYNTAXES.get(usize::from(which)) {
        Some(syntax) => pulmo_fuzz::framed(syntax, rest),
        None => Some(rest.to_vec()),
    };
    let Some(file) = file else { return };
    let agreement = compare_readers(Cursor::new(&file));
    assert!(!matches!(agreement, Agreement::Differ(_)), "{agreement:?}");
});
