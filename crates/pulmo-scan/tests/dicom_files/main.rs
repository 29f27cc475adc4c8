//! Bad files: each gets its code, in bounded time, and none is guessed at.
//!
//! Numbers in the tests' names are those of the reliability plan's cases. Files are forged byte by byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod beginnings;
mod disk;
mod other_reader;
mod pixels;
mod structure;

use std::io::Cursor;
use std::time::{Duration, Instant};

use pulmo_forge::forge::{Element, Forge, PRIVATE, Style};
use pulmo_scan::dicom::{SliceHeader, StoredPixels};
use pulmo_scan::findings::{Code, Verdict};

/// No file takes longer.
const LONGEST: Duration = Duration::from_secs(5);

const ROWS: (u16, u16) = (0x0028, 0x0010);
const INTERCEPT: (u16, u16) = (0x0028, 0x1052);
const FRAMES: (u16, u16) = (0x0028, 0x0008);
const UID: (u16, u16) = (0x0008, 0x0018);

/// What became of a file: its verdict, and Hounsfield units where they may be used.
#[derive(Debug, PartialEq)]
struct Judged {
    verdict: Verdict,
    hu: Vec<f32>,
}

fn judge(bytes: &[u8]) -> Judged {
    let start = Instant::now();
    let read = SliceHeader::read(Cursor::new(bytes)).and_then(|header| {
        let pixels = StoredPixels::read(Cursor::new(bytes))?;
        Ok((header, pixels))
    });
    let judged = match read {
        Err(error) => {
            let told = format!("{error} {error:?}");
            assert!(!told.contains("CANARY"), "{told}");
            Judged { verdict: Verdict::RejectFile(error.code().into()), hu: vec![] }
        }
        Ok((header, pixels)) => {
            let mut warnings = header.warnings.clone();
            warnings.extend(header.lossy.then_some(Code::Lossy));
            let rescale = header.rescale.unwrap();
            let hu = pixels.values().map(|value| rescale.hounsfield(value)).collect();
            Judged { verdict: Verdict::from_warnings(warnings.into_iter().map(Into::into).collect()), hu }
        }
    };
    assert!(start.elapsed() <= LONGEST, "{:?}", start.elapsed());
    judged
}

/// The Hounsfield units of [`Forge::ct`], by its own words.
fn sound_hu() -> Vec<f32> {
    Forge::ct().words().iter().map(|word| f32::from(*word) - 1024.0).collect()
}

fn ok() -> Judged {
    Judged { verdict: Verdict::Ok, hu: sound_hu() }
}

fn warned(code: Code) -> Judged {
    Judged { verdict: Verdict::OkWarn(vec![code.into()]), hu: sound_hu() }
}

fn rejected(code: Code) -> Judged {
    Judged { verdict: Verdict::RejectFile(code.into()), hu: vec![] }
}

/// The shortest of five times that a file takes: the others may wait for other programs.
fn shortest_time(forge: &Forge) -> Duration {
    let bytes = forge.bytes();
    let time = || {
        let start = Instant::now();
        judge(&bytes);
        start.elapsed()
    };
    (0..5).map(|_| time()).min().unwrap()
}

fn judge_forged(forge: &Forge) -> Judged {
    judge(&forge.bytes())
}

const STYLES: [Style; 4] = [Style::Explicit, Style::Implicit, Style::BigEndian, Style::Deflated];
/// The styles whose lengths can be compared with what is left of the file.
const PLAIN: [Style; 3] = [Style::Explicit, Style::Implicit, Style::BigEndian];

/// Pseudo-random bytes of a seed (splitmix64).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 56
    };
    (0..length).map(|_| next() as u8).collect()
}

fn private(vr: &str, bytes: &[u8]) -> Element {
    Element::bytes(PRIVATE, vr, bytes)
}
