//! Pixel Data against the header that describes them.

use std::time::Duration;

use crate::{
    FRAMES, INTERCEPT, Judged, ROWS, STYLES, judge, judge_forged, ok, rejected, shortest_time, warned,
};
use pulmo_forge::forge::{self, Body, Element, Forge, PIXEL_DATA, SIDE, Style};
use pulmo_scan::findings::{Code, Verdict};

#[test]
fn case_027_028_no_rows_or_too_many() {
    for (tag, side) in [(ROWS, 0), ((0x0028, 0x0011), 0), (ROWS, 65535), ((0x0028, 0x0011), 4097)] {
        assert_eq!(judge_forged(&Forge::ct().with(Element::word(tag, side))), rejected(Code::Dimensions));
    }
    let forge = Forge::ct()
        .with(Element::word(ROWS, 65535))
        .with(Element::word((0x0028, 0x0011), 65535))
        .with(Element::bytes(PIXEL_DATA, "OW", b""));
    assert_eq!(judge_forged(&forge), rejected(Code::Dimensions));
    assert!(shortest_time(&forge) < Duration::from_millis(10));
}

#[test]
fn case_029_rows_as_ul() {
    for (vr, bytes) in [("UL", &b"\x08\0\0\0"[..]), ("SL", b"\x08\0\0\0"), ("IS", b"8 "), ("OB", b"\x08\0")] {
        let forge = Forge::ct().with(Element::bytes(ROWS, vr, bytes));
        assert_eq!(judge_forged(&forge), rejected(Code::ValueRepresentation), "{vr}");
    }
    // four bytes where the encoding names no VR
    let forge = Forge::styled(Style::Implicit).with(Element::bytes(ROWS, "UL", b"\x08\0\0\0"));
    assert_eq!(judge_forged(&forge), rejected(Code::Dimensions));
}

#[test]
fn case_030_number_of_frames() {
    for text in ["-1", "0", "2000000000", "abc", "1.5", "1e1", "4097", "99999999999999999999", "1,0"] {
        let forge = Forge::ct().with(Element::text(FRAMES, "IS", text));
        assert_eq!(judge_forged(&forge), rejected(Code::Frames), "{text}");
    }
    for text in ["1", " 1", "+1"] {
        assert_eq!(judge_forged(&Forge::ct().with(Element::text(FRAMES, "IS", text))), ok());
    }
}

#[test]
fn case_031_samples_per_pixel() {
    for samples in [3, 0, 65535] {
        let forge = Forge::ct().with(Element::word((0x0028, 0x0002), samples));
        assert_eq!(judge_forged(&forge), rejected(Code::SamplesPerPixel));
    }
}

#[test]
fn case_032_033_034_impossible_bits() {
    let cases = [1, 12, 24, 32, 64, 2048, 0].map(|bits| (0x0100, bits));
    let stored = [0, 17, 28, 31, 32, 40, 65535].map(|bits| (0x0101, bits));
    let rest = [(0x0102, 15), (0x0102, 10), (0x0102, 65535), (0x0103, 2)];
    for (element, word) in cases.into_iter().chain(stored).chain(rest) {
        let forge = Forge::ct().with(Element::word((0x0028, element), word));
        assert_eq!(judge_forged(&forge), rejected(Code::Bits), "{element:x} {word}");
        // with a high bit that fits the stored bits
        let forge = forge.with(Element::word((0x0028, 0x0102), word.wrapping_sub(1)));
        if element == 0x0101 {
            assert_eq!(judge_forged(&forge), rejected(Code::Bits), "{element:x} {word}");
        }
    }
}

/// Pixel Data of this many bytes.
fn of_length(style: Style, bytes: usize) -> Forge {
    Forge::styled(style).with(Element::bytes(PIXEL_DATA, "OW", &vec![1; bytes]))
}

#[test]
fn case_035_036_pixel_data_too_short_or_too_long() {
    for style in STYLES {
        for bytes in [127, 112, 1, 129, 130, 144, 1280] {
            let judged = judge_forged(&of_length(style, bytes));
            assert_eq!(judged, rejected(Code::PixelLength), "{style:?} {bytes}");
        }
        assert_eq!(judge_forged(&of_length(style, 0)), rejected(Code::NoPixels));
    }
    // one byte of padding after an odd number of bytes
    let byte = |bytes: usize| {
        Forge::ct()
            .with(Element::word(ROWS, 3))
            .with(Element::word((0x0028, 0x0011), 3))
            .with(Element::word((0x0028, 0x0100), 8))
            .with(Element::word((0x0028, 0x0101), 8))
            .with(Element::word((0x0028, 0x0102), 7))
            .with(Element::bytes(PIXEL_DATA, "OB", &vec![24; bytes]))
    };
    assert_eq!(judge_forged(&byte(10)), Judged { verdict: Verdict::Ok, hu: vec![-1000.0; 9] });
    let odd = Judged { verdict: Verdict::OkWarn(vec![Code::OddLength.into()]), hu: vec![-1000.0; 9] };
    assert_eq!(judge_forged(&byte(9)), odd);
    assert_eq!(judge_forged(&byte(11)), rejected(Code::PixelLength));
}

#[test]
fn case_037_no_pixels_or_float_pixels() {
    let float = Element::bytes((0x7FE0, 0x0008), "OF", &[0; 256]);
    let double = Element::bytes((0x7FE0, 0x0009), "OD", &[0; 512]);
    let without = Forge::ct().without(PIXEL_DATA);
    assert_eq!(judge_forged(&without), rejected(Code::NoPixels));
    for other in [float, double] {
        assert_eq!(judge_forged(&without.clone().with(other.clone())), rejected(Code::NoPixels));
        assert_eq!(judge_forged(&Forge::ct().with(other)), rejected(Code::NoPixels));
    }
    // pixels of an icon are none of the image
    let icon = Element::new(
        (0x0088, 0x0200),
        "SQ",
        Body::Items(vec![vec![Element::bytes(PIXEL_DATA, "OW", &[0; 128])]]),
    );
    assert_eq!(judge_forged(&without.with(icon.clone())), rejected(Code::NoPixels));
    assert_eq!(judge_forged(&Forge::ct().with(icon)), ok());
}

#[test]
fn two_padding_values_are_malformed() {
    let padding = Element::new((0x0028, 0x0120), "US", Body::Words(vec![0, 1]));
    assert_eq!(judge_forged(&Forge::ct().with(padding)), rejected(Code::Malformed));
}

fn compressed(table: &[u32], fragments: Vec<Vec<u8>>) -> Forge {
    Forge::rle(1).with(Element::new(PIXEL_DATA, "OB", Body::Fragments(table.to_vec(), fragments)))
}

fn long_table(tag: (u16, u16), entries: &[u64]) -> Element {
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    Element::bytes(tag, "OV", &bytes)
}

#[test]
fn case_038_fragments_and_offset_tables_that_lie() {
    let frame = forge::rle_frame(&Forge::ct().words());
    assert_eq!(judge_forged(&compressed(&[0], vec![frame.clone()])), ok());
    for table in [&[2][..], &[0, 0], &[0, 8], &[u32::MAX], &[frame.len() as u32 + 8]] {
        assert_eq!(
            judge_forged(&compressed(table, vec![frame.clone()])),
            rejected(Code::Fragments),
            "{table:?}"
        );
    }
    assert_eq!(judge_forged(&compressed(&[], vec![])), rejected(Code::Fragments));
    // not even a table
    let mut empty = Forge::rle(1).without(PIXEL_DATA);
    empty.tail.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\xdd\xe0\0\0\0\0");
    assert_eq!(judge_forged(&empty), rejected(Code::Fragments));
    // an element where an item must be
    let mut stray = Forge::rle(1).without(PIXEL_DATA);
    stray.tail.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\x08\0\x05\0CS\0\0");
    assert_eq!(judge_forged(&stray), rejected(Code::Fragments));
    // no delimiter at the end
    let mut open = Forge::rle(1).bytes();
    open.truncate(open.len() - 8);
    assert_eq!(judge(&open), rejected(Code::Truncated));
    // extended tables
    let (offsets, lengths) = ((0x7FE0, 0x0001), (0x7FE0, 0x0002));
    let length = frame.len() as u64;
    let extended = |offset: &[u64], length: &[u64]| {
        compressed(&[], vec![frame.clone()])
            .with(long_table(offsets, offset))
            .with(long_table(lengths, length))
    };
    assert_eq!(judge_forged(&extended(&[0], &[length])), ok());
    for (offset, length) in [
        (&[8][..], &[length][..]),
        (&[u64::MAX], &[length]),
        (&[0], &[length + 2]),
        (&[0], &[0]),
        (&[0, 0], &[length, length]),
        (&[], &[]),
    ] {
        assert_eq!(
            judge_forged(&extended(offset, length)),
            rejected(Code::Fragments),
            "{offset:?} {length:?}"
        );
    }
    let alone = compressed(&[], vec![frame.clone()]).with(long_table(offsets, &[0]));
    assert_eq!(judge_forged(&alone), rejected(Code::Fragments));
}

#[test]
fn case_039_one_frame_over_several_fragments() {
    for fragments in [1, 2, 3, 7] {
        assert_eq!(judge_forged(&Forge::rle(fragments)), ok(), "{fragments}");
    }
    // fragments that are no part of the frame are not passed over silently
    let frame = forge::rle_frame(&Forge::ct().words());
    let second = compressed(&[], vec![frame.clone(), frame.repeat(3000)]);
    assert_eq!(judge_forged(&second), rejected(Code::Fragments));
}

#[test]
fn case_052_transfer_syntaxes_that_are_not_read() {
    for uid in [
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.7.1",
        "1.2.840.10008.1.2.4.92",
        "1.2.840.10008.1.2.4.204",
        "1.2.840.10008.1.2.4.53",
    ] {
        let mut forge = Forge::rle(1);
        forge.transfer_syntax = Some(uid.to_owned());
        assert_eq!(judge_forged(&forge), rejected(Code::TransferSyntax), "{uid}");
    }
}

#[test]
fn case_053_lossy() {
    let forge = Forge::ct().with(Element::text((0x0028, 0x2110), "CS", "01"));
    assert_eq!(judge_forged(&forge), warned(Code::Lossy));
    let never = Forge::ct().with(Element::text((0x0028, 0x2110), "CS", "00"));
    assert_eq!(judge_forged(&never), ok());
}

#[test]
fn case_054_character_sets() {
    let name = (0x0010, 0x0010);
    for bytes in [
        &b"\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J "[..],
        b"\xff\xfe\xff\xfe\x80\x80",
        b"CANARY\0NAME\0",
        &[b'A'; 65_534],
    ] {
        for style in STYLES {
            let forge = Forge::styled(style)
                .with(Element::text((0x0008, 0x0005), "CS", "ISO 2022 IR 87"))
                .with(Element::bytes(name, "PN", bytes));
            assert_eq!(judge_forged(&forge), ok(), "{style:?}");
        }
    }
    // a value that is read has its bounds
    let long = Forge::ct().with(Element::bytes((0x0018, 0x1210), "SH", &[b'A'; 65_534]));
    assert_eq!(judge_forged(&long), rejected(Code::Length));
    let garbled = Forge::ct().with(Element::bytes(INTERCEPT, "DS", b"-10\xff4"));
    assert_eq!(judge_forged(&garbled), rejected(Code::DecimalString));
}

#[test]
fn case_055_every_encoding_gives_the_same() {
    for style in STYLES {
        assert_eq!(judge_forged(&Forge::styled(style)), ok(), "{style:?}");
    }
    // big-endian words of two 8-bit samples each
    let bytes = |style, vr| {
        Forge::styled(style)
            .with(Element::word((0x0028, 0x0100), 8))
            .with(Element::word((0x0028, 0x0101), 8))
            .with(Element::word((0x0028, 0x0102), 7))
            .with(Element::new(PIXEL_DATA, vr, Body::Words((0..SIDE * SIDE / 2).map(|n| n * 517).collect())))
    };
    let little = judge_forged(&bytes(Style::Explicit, "OW"));
    assert_eq!(little.verdict, Verdict::Ok);
    assert_eq!(judge_forged(&bytes(Style::BigEndian, "OW")), little);
    assert_ne!(judge_forged(&bytes(Style::BigEndian, "OB")), little);
    // 16-bit samples as bytes: no one can tell which order is meant
    let forge = Forge::styled(Style::BigEndian).changing(PIXEL_DATA, |pixels| pixels.vr = *b"OB");
    assert_eq!(judge_forged(&forge), rejected(Code::ValueRepresentation));
}
