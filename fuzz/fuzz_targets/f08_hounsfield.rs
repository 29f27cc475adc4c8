//! F8: stored values and Hounsfield units of any words against a slow reference.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pulmo_scan::dicom::{Rescale, StoredPixels};

/// The value of a word, bit by bit.
fn reference(word: u16, bits: u16, signed: bool) -> i64 {
    let weight = |bit: u16| if signed && bit + 1 == bits { -(1 << bit) } else { 1 << bit };
    (0..bits).filter(|bit| word >> bit & 1 == 1).map(weight).sum()
}

fuzz_target!(|input: (u8, bool, f64, f64, Vec<u16>)| {
    let (bits, signed, slope, intercept, words) = input;
    let bits = u16::from(bits % 16) + 1;
    let Some(file) = pulmo_fuzz::native(bits, signed, &words) else { return };
    let pixels = StoredPixels::read(Cursor::new(file)).expect("a sound file");
    let rescale = Rescale { slope, intercept };
    for (value, word) in pixels.values().zip(&words) {
        let expected = reference(*word, bits, signed);
        assert_eq!(i64::from(value), expected);
        let expected = slope * expected as f64 + intercept;
        let hu = rescale.hounsfield(value);
        assert!(hu == expected as f32 || (hu.is_nan() && expected.is_nan()));
    }
});
