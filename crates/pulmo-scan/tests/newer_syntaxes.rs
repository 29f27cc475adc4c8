//! JPEG XL, high-throughput JPEG 2000, and frames without image coding: right samples or a code, in bounded memory.
//!
//! ORIGIN of the codestreams and their samples: `golden/codecs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Cursor;

use pulmo_forge::counting::{Counting, HELD, PEAK};
use pulmo_forge::ct::{BITS_ALLOCATED, COLUMNS, CtSlice, ROWS};
use pulmo_forge::encoders::encapsulated;
use pulmo_forge::forge::deflate;
use pulmo_scan::dicom::StoredPixels;
use pulmo_scan::findings::Code;

const JPEG_XL_LOSSLESS: &str = "1.2.840.10008.1.2.4.110";
const JPEG_XL_OF_JPEG: &str = "1.2.840.10008.1.2.4.111";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.112";
const HTJ2K: [&str; 3] = ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"];
const IN_FRAGMENTS: &str = "1.2.840.10008.1.2.1.98";
const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";

/// Rows and columns of the golden image.
const SIDES: [u16; 2] = [24, 40];

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/golden/codecs/{name}")).unwrap()
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// The golden image's upper bits.
fn image(bits: u16) -> Vec<u16> {
    words(&golden("image.u16")).iter().map(|word| word >> (16 - bits)).collect()
}

/// How a header says that samples are stored.
#[derive(Debug, Clone, Copy)]
struct Header {
    sides: [u16; 2],
    stored: u16,
    allocated: u16,
    representation: u16,
}

impl Header {
    fn of_bits(stored: u16) -> Self {
        Self { sides: SIDES, stored, allocated: if stored <= 8 { 8 } else { 16 }, representation: 0 }
    }

    fn file(self, transfer_syntax: &str, frame: &[u8]) -> Vec<u8> {
        let mut slice = CtSlice::at(0.0);
        slice.word(ROWS, self.sides[0]);
        slice.word(COLUMNS, self.sides[1]);
        slice.format(self.stored, self.representation);
        slice.word(BITS_ALLOCATED, self.allocated);
        encapsulated(&slice, transfer_syntax, &[frame])
    }

    fn read(self, transfer_syntax: &str, frame: &[u8]) -> Result<Vec<u16>, Code> {
        let answer = StoredPixels::read(Cursor::new(self.file(transfer_syntax, frame)));
        answer.map(|pixels| pixels.words().to_vec()).map_err(|error| error.code())
    }
}

fn farthest(found: &[u16], expected: &[u16]) -> u16 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn lossless_jpeg_xl_is_exact() {
    for (name, bits) in [("8", 8), ("10", 10), ("12", 12), ("12-boxed", 12), ("16", 16)] {
        let codestream = golden(&format!("lossless-{name}.jxl"));
        for transfer_syntax in [JPEG_XL_LOSSLESS, JPEG_XL] {
            let found = Header::of_bits(bits).read(transfer_syntax, &codestream);
            assert_eq!(found, Ok(image(bits)), "{name}");
        }
    }
    // fewer bits than are allocated stand in the low ones
    let header = Header { allocated: 16, ..Header::of_bits(8) };
    assert_eq!(header.read(JPEG_XL_LOSSLESS, &golden("lossless-8.jxl")), Ok(image(8)));
    // without loss, the bits of signed values come back as they went in
    let signed = Header { representation: 1, ..Header::of_bits(16) };
    assert_eq!(signed.read(JPEG_XL_LOSSLESS, &golden("lossless-16.jxl")), Ok(image(16)));
}

#[test]
fn lossy_jpeg_xl_is_what_its_own_decoder_gives() {
    for (name, bits, transfer_syntax) in [("lossy-12", 12, JPEG_XL), ("recompressed-8", 8, JPEG_XL_OF_JPEG)] {
        let found = Header::of_bits(bits).read(transfer_syntax, &golden(&format!("{name}.jxl"))).unwrap();
        let difference = farthest(&found, &words(&golden(&format!("{name}.jxl.u16"))));
        assert!(difference <= 1, "{name}: {difference}");
    }
}

#[test]
fn lossless_htj2k_is_exact() {
    for (name, bits) in [("8", 8), ("12", 12), ("16", 16)] {
        for transfer_syntax in HTJ2K {
            let codestream = golden(&format!("lossless-{name}.jph"));
            assert_eq!(Header::of_bits(bits).read(transfer_syntax, &codestream), Ok(image(bits)), "{name}");
        }
    }
    let signed = Header { representation: 1, ..Header::of_bits(16) };
    let expected = image(16).iter().map(|word| word ^ 0x8000).collect();
    assert_eq!(signed.read(HTJ2K[0], &golden("lossless-16-signed.jph")), Ok(expected));
}

#[test]
fn lossy_htj2k_is_what_its_own_decoder_gives() {
    let found = Header::of_bits(12).read(HTJ2K[2], &golden("lossy-12.jph")).unwrap();
    let difference = farthest(&found, &words(&golden("lossy-12.jph.u16")));
    assert!(difference <= 1, "{difference}");
}

#[test]
fn another_image_than_the_header_says_is_refused() {
    for (codestream, transfer_syntax) in [("lossless-12.jxl", JPEG_XL), ("lossless-12.jph", HTJ2K[0])] {
        let codestream = golden(codestream);
        let sound = Header::of_bits(12);
        assert!(sound.read(transfer_syntax, &codestream).is_ok());
        for sides in [[24, 41], [25, 40], [40, 24], [1, 960], [12, 40], [512, 512]] {
            let answer = Header { sides, ..sound }.read(transfer_syntax, &codestream);
            assert_eq!(answer, Err(Code::CodecDimensions), "{sides:?}");
        }
        let narrow = Header { stored: 8, allocated: 8, ..sound };
        assert_eq!(narrow.read(transfer_syntax, &codestream), Err(Code::CodecDimensions));
        let signed = Header { representation: 1, ..sound };
        assert_eq!(signed.read(transfer_syntax, &codestream), Err(Code::CodecSign));
    }
}

#[test]
fn loss_in_a_lossless_syntax_is_refused() {
    let lossy = golden("lossy-12.jxl");
    assert_eq!(Header::of_bits(12).read(JPEG_XL_LOSSLESS, &lossy), Err(Code::Codec));
}

#[test]
fn cut_codestreams_are_refused() {
    for (name, bits, transfer_syntax) in [
        ("lossless-12.jxl", 12, JPEG_XL_LOSSLESS),
        ("lossless-12-boxed.jxl", 12, JPEG_XL_LOSSLESS),
        ("lossy-12.jxl", 12, JPEG_XL),
        ("recompressed-8.jxl", 8, JPEG_XL_OF_JPEG),
        ("lossless-8.jph", 8, HTJ2K[0]),
        ("lossy-12.jph", 12, HTJ2K[2]),
    ] {
        let whole = golden(name);
        let header = Header::of_bits(bits);
        // the end marker of JPEG 2000 alone may be lost, where its tile-parts tell their lengths; and where a fragment is
        // padded to an even length, a lost last byte is no cut but a changed byte, for which there is no checksum
        let least = whole.len() - if name.ends_with("jph") { 2 } else { 1 };
        for end in (0..least).rev() {
            let answer = header.read(transfer_syntax, &whole[..end]);
            assert!(answer.is_err(), "{name} of {} bytes cut at {end}", whole.len());
        }
    }
}

/// Flipped bits may change pixels, but neither panic nor take memory.
#[test]
fn flipped_bits_are_survived_in_little_memory() {
    let mut most = 0;
    for (name, bits, transfer_syntax) in [
        ("lossless-12.jxl", 12, JPEG_XL_LOSSLESS),
        ("lossless-12-boxed.jxl", 12, JPEG_XL_LOSSLESS),
        ("lossy-12.jxl", 12, JPEG_XL),
        ("recompressed-8.jxl", 8, JPEG_XL_OF_JPEG),
        ("lossless-12.jph", 12, HTJ2K[0]),
        ("lossy-12.jph", 12, HTJ2K[2]),
    ] {
        let whole = golden(name);
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let before = HELD.get();
            PEAK.set(before);
            if let Ok(found) = Header::of_bits(bits).read(transfer_syntax, &flipped) {
                assert_eq!(found.len(), 960);
            }
            most = most.max(PEAK.get() - before);
        }
    }
    eprintln!("at most {} KiB", most >> 10);
    assert!(most < 16 << 20, "{most} bytes");
}

#[test]
fn frames_without_image_coding_are_exact() {
    for (bits, sides) in [(12, SIDES), (16, SIDES), (8, SIDES), (8, [3, 5])] {
        let header = Header { sides, ..Header::of_bits(bits) };
        let samples: Vec<u16> = image(bits)[..usize::from(sides[0] * sides[1])].to_vec();
        let bytes: Vec<u8> = match header.allocated {
            8 => samples.iter().map(|word| *word as u8).collect(),
            _ => samples.iter().flat_map(|word| word.to_le_bytes()).collect(),
        };
        assert_eq!(header.read(IN_FRAGMENTS, &bytes), Ok(samples.clone()), "{bits} bits");
        assert_eq!(header.read(DEFLATED_FRAMES, &deflate(bytes.as_slice())), Ok(samples), "{bits} bits");
        let short = &bytes[..bytes.len() - 2];
        let long = [&bytes[..], &[0; 2]].concat();
        for wrong in [short, &long] {
            assert_eq!(header.read(IN_FRAGMENTS, wrong), Err(Code::Codec), "{bits} bits");
            assert_eq!(header.read(DEFLATED_FRAMES, &deflate(wrong)), Err(Code::Codec), "{bits} bits");
        }
    }
    assert_eq!(Header::of_bits(12).read(DEFLATED_FRAMES, &[0xFF; 900]), Err(Code::Codec));
}

/// 8 MiB of zeros in some 40 KiB, for an image of 2 KiB.
#[test]
fn a_frame_that_inflates_without_end_takes_little_memory() {
    let bomb = deflate(std::io::Read::take(std::io::repeat(0), 8 << 20));
    let file = Header::of_bits(12).file(DEFLATED_FRAMES, &bomb);
    let before = HELD.get();
    PEAK.set(before);
    let answer = StoredPixels::read(Cursor::new(&file)).map_err(|error| error.code());
    assert_eq!(answer, Err(Code::Codec));
    assert!(PEAK.get() - before < 1 << 20, "{}", PEAK.get() - before);
}

#[test]
fn a_codestream_in_two_fragments_is_one() {
    let codestream = golden("lossless-12.jxl");
    let (head, tail) = codestream.split_at(300);
    let mut slice = CtSlice::at(0.0);
    slice.word(ROWS, SIDES[0]);
    slice.word(COLUMNS, SIDES[1]);
    let file = encapsulated(&slice, JPEG_XL_LOSSLESS, &[head, tail]);
    assert_eq!(StoredPixels::read(Cursor::new(file)).unwrap().words(), image(12));
}
