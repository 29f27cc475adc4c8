//! Compressed pixel data, sound and hostile: right samples or a code, never a part of an image.
//!
//! Case numbers are those of the project's list of hazards. Sound codestreams come from encoders of
//! `common`, written from the standards; `pixel_oracle.rs` compares real files with another tool's pixels.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Cursor;
use std::time::{Duration, Instant};

use pulmo_forge::ct::{BITS_ALLOCATED, COLUMNS, CtSlice, ROWS};
use pulmo_forge::encoders::*;
use pulmo_forge::jpeg_ls::{NearLossless, jpeg_ls};
use pulmo_scan::dicom::StoredPixels;
use pulmo_scan::findings::Code;

/// The header of a slice that holds this image.
fn slice_of(image: &Image) -> CtSlice {
    let mut slice = CtSlice::at(0.0);
    slice.word(ROWS, image.rows as u16);
    slice.word(COLUMNS, image.columns as u16);
    slice.format(image.bits as u16, 0);
    slice
}

fn read(file: &[u8]) -> Result<Vec<u16>, Code> {
    let start = Instant::now();
    let answer = StoredPixels::read(Cursor::new(file));
    assert!(start.elapsed() < Duration::from_secs(5));
    answer.map(|pixels| pixels.words().to_vec()).map_err(|error| error.code())
}

/// Reads an image of which only the codestream is given.
fn decode(image: &Image, transfer_syntax: &str, codestream: &[u8]) -> Result<Vec<u16>, Code> {
    read(&encapsulated(&slice_of(image), transfer_syntax, &[codestream]))
}

fn small() -> Image {
    Image::textured(24, 40, 12)
}

#[test]
fn jpeg_lossless_of_every_kind_is_exact() {
    for bits in 2..=16 {
        for predictor in 1..=7 {
            for (point_transform, restart_rows) in [(0, 0), (0, 1), (1, 0), (0, 5)] {
                let image = Image::textured(23, 37, bits);
                let how = Lossless { predictor, point_transform, restart_rows };
                let expected: Vec<u16> =
                    image.samples.iter().map(|s| s >> point_transform << point_transform).collect();
                let decoded = decode(&image, JPEG_LOSSLESS, &jpeg_lossless(&image, how));
                assert!(decoded == Ok(expected), "{bits} bits, {how:?}");
            }
        }
    }
}

#[test]
fn jpeg_ls_of_every_kind_is_exact() {
    for bits in 2..=16 {
        for near in [0, 1, 3] {
            let most = (1 << bits) - 1;
            if 2 * near > most {
                continue;
            }
            let presets = Some([near + 2, near + 4, most.min(near + 9), 31]);
            for (presets, restart_rows) in [(None, 0), (None, 3), (presets, 0)] {
                let presets = presets.filter(|_| most >= near + 4);
                let image = Image::textured(41, 53, bits);
                let how = NearLossless { near, presets, restart_rows };
                let (codestream, expected) = jpeg_ls(&image, how);
                let within = |(a, b): (&u16, &u16)| i32::from(a.abs_diff(*b)) <= near;
                assert!(expected.iter().zip(&image.samples).all(within));
                let decoded = decode(&image, JPEG_LS_NEAR, &codestream);
                assert!(decoded == Ok(expected), "{bits} bits, {how:?}");
            }
        }
    }
}

/// Lossy JPEG is exact where blocks are flat; blocks of real files are compared in `pixel_oracle.rs`.
#[test]
fn lossy_jpeg_of_flat_blocks_is_exact() {
    for (bits, transfer_syntax) in [(8, JPEG_BASELINE), (8, JPEG_EXTENDED), (12, JPEG_EXTENDED)] {
        for (rows, columns, restart_blocks) in [(24, 40, 0), (17, 33, 0), (17, 33, 2), (8, 8, 1), (1, 1, 0)] {
            let image = Image::textured(rows, columns, bits).of_flat_blocks();
            let codestream = jpeg_of_flat_blocks(&image, restart_blocks);
            let decoded = decode(&image, transfer_syntax, &codestream);
            assert_eq!(decoded, Ok(image.samples.clone()), "{bits} bits, {rows} x {columns}");
            for end in 0..codestream.len() - 3 {
                let answer = decode(&image, transfer_syntax, &codestream[..end]);
                assert!(answer.is_err(), "{bits} bits, {rows} x {columns}, cut at {end}");
            }
        }
    }
}

#[test]
fn images_of_one_row_or_column_are_exact() {
    for (rows, columns) in [(1, 1), (1, 30), (30, 1), (2, 2)] {
        let image = Image::textured(rows, columns, 12);
        let expected = Ok(image.samples.clone());
        assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &jpeg_lossless(&image, SV1)), expected);
        assert_eq!(decode(&image, JPEG_LS, &jpeg_ls(&image, NearLossless::default()).0), expected);
        assert_eq!(decode(&image, RLE, &rle(&image, 2)), expected);
    }
}

#[test]
fn flat_images_are_exact() {
    for value in [0, 1, 4095] {
        let image = Image { samples: vec![value; 300 * 200], ..Image::textured(300, 200, 12) };
        let expected = Ok(image.samples.clone());
        assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &jpeg_lossless(&image, SV1)), expected);
        assert_eq!(decode(&image, JPEG_LS, &jpeg_ls(&image, NearLossless::default()).0), expected);
        assert_eq!(decode(&image, RLE, &rle(&image, 2)), expected);
    }
}

#[test]
fn a_frame_may_lie_in_several_fragments() {
    let image = small();
    let codestream = jpeg_lossless(&image, SV1);
    let (first, second) = codestream.split_at(codestream.len() / 4 * 2);
    let file = encapsulated(&slice_of(&image), JPEG_LOSSLESS_SV1, &[first, second]);
    assert_eq!(read(&file), Ok(image.samples));
}

/// Every cut of a codestream is refused, except where only the end marker (and padding bits) are lost.
#[test]
fn cut_codestreams_are_refused() {
    let image = Image::textured(9, 14, 12);
    let jpeg_ls = jpeg_ls(&image, NearLossless::default()).0;
    for (transfer_syntax, codestream, kept) in
        [(JPEG_LOSSLESS_SV1, jpeg_lossless(&image, SV1), 2), (JPEG_LS, jpeg_ls, 3), (RLE, rle(&image, 2), 1)]
    {
        // frames of RLE are even; a byte of padding could pass for the last of an odd one
        let step = if transfer_syntax == RLE { 2 } else { 1 };
        for end in (0..codestream.len()).step_by(step) {
            let answer = decode(&image, transfer_syntax, &codestream[..end]);
            if end < codestream.len() - kept {
                assert!(answer.is_err(), "{transfer_syntax} cut at {end} of {}", codestream.len());
            } else {
                assert!(
                    answer.is_err() || answer == Ok(image.samples.clone()),
                    "{transfer_syntax} cut at {end} of {}",
                    codestream.len()
                );
            }
        }
    }
}

/// Flipped bits may change pixels, but never get out as a panic or an endless loop.
#[test]
fn flipped_bits_are_survived() {
    let image = Image::textured(9, 14, 12);
    for (transfer_syntax, codestream) in [
        (JPEG_LOSSLESS_SV1, jpeg_lossless(&image, Lossless { restart_rows: 4, ..SV1 })),
        (JPEG_LS, jpeg_ls(&image, NearLossless::default()).0),
        (RLE, rle(&image, 2)),
        (JPEG_EXTENDED, jpeg_of_flat_blocks(&image, 1)),
    ] {
        for bit in 0..8 * codestream.len() {
            let mut flipped = codestream.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let answer = decode(&image, transfer_syntax, &flipped);
            assert!(answer.is_err() || answer.is_ok_and(|words| words.len() == image.samples.len()));
        }
    }
}

#[test]
fn case_040_short_rle_frame() {
    assert_eq!(decode(&small(), RLE, &[0; 10]), Err(Code::Codec));
}

#[test]
fn case_041_rle_of_many_segments() {
    let mut frame = rle(&small(), 2);
    frame[..4].fill(0xFF);
    assert_eq!(decode(&small(), RLE, &frame), Err(Code::Codec));
}

#[test]
fn case_042_rle_segments_reversed_overlapping_or_short() {
    let sound = rle(&small(), 2);
    let mut reversed = sound.clone();
    reversed[4..12].rotate_left(4);
    let mut overlapping = sound.clone();
    overlapping.copy_within(4..8, 8);
    let short = Image { samples: small().samples[..100].to_vec(), ..small() };
    for frame in [reversed, overlapping, rle(&short, 2), rle(&small(), 1)] {
        assert_eq!(decode(&small(), RLE, &frame), Err(Code::Codec));
    }
}

#[test]
fn case_043_jpeg_lossless_larger_than_the_header() {
    let larger = Image::textured(64, 64, 12);
    assert_eq!(decode(&small(), JPEG_LOSSLESS_SV1, &jpeg_lossless(&larger, SV1)), Err(Code::CodecDimensions));
    let codestream = jpeg_ls(&larger, NearLossless::default()).0;
    assert_eq!(decode(&small(), JPEG_LS, &codestream), Err(Code::CodecDimensions));
}

#[test]
fn case_044_jpeg_lossless_smaller_than_the_header() {
    let smaller = Image::textured(8, 8, 12);
    let answer = decode(&small(), JPEG_LOSSLESS_SV1, &jpeg_lossless(&smaller, SV1));
    assert_eq!(answer, Err(Code::CodecDimensions));
}

#[test]
fn case_045_jpeg_of_65500_x_65500() {
    let mut codestream = vec![0xFF, 0xD8];
    codestream.extend(frame_header(0xC3, &Image { rows: 65500, columns: 65500, ..small() }));
    codestream.extend(segment(0xDA, &[1, 1, 0, 1, 0, 0]));
    for transfer_syntax in [JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS, JPEG_LOSSLESS_SV1] {
        let time = || {
            let start = Instant::now();
            assert_eq!(decode(&small(), transfer_syntax, &codestream), Err(Code::CodecDimensions));
            start.elapsed()
        };
        // the best of several, because the machine may be busy with other things
        assert!((0..20).map(|_| time()).min().unwrap() < Duration::from_millis(10));
    }
}

#[test]
fn case_046_jpeg_markers() {
    let image = small();
    let sound = jpeg_lossless(&image, SV1);
    let expected = Ok(image.samples.clone());
    let with = |inserted: &[u8]| [&sound[..2], inserted, &sound[2..]].concat();
    // TEM stands alone; fill bytes may stand before any marker
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &with(&[0xFF, 0x01])), expected);
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &with(&[0xFF; 1000])), expected);
    let flood = [&[0xFF, 0xD8][..], &[0xFF; 70_000]].concat();
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &flood), Err(Code::Codec));
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &sound[..sound.len() - 2]), expected);
    let twice = with(&frame_header(0xC3, &image));
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &twice), Err(Code::Codec));
    let endless = with(&[0xFF, 0xE0, 0, 0]);
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &endless), Err(Code::Codec));
}

/// A real JPEG 2000 codestream of 512 x 512 pixels, and a header for it.
fn jpeg_2000() -> Option<(CtSlice, Vec<u8>)> {
    let file = std::fs::read(pulmo_forge::data_folder()?.join("conformance/wg04/J2KR/CT1_J2KR")).unwrap();
    let start = file.windows(4).position(|bytes| bytes == [0xFF, 0x4F, 0xFF, 0x51]).unwrap();
    let mut codestream = Vec::new();
    let mut rest = &file[start - 8..];
    while let Some((&[0xFE, 0xFF, 0x00, 0xE0, length @ ..], after)) = rest.split_first_chunk::<8>() {
        let (fragment, after) = after.split_at(u32::from_le_bytes(length) as usize);
        codestream.extend(fragment);
        rest = after;
    }
    let end = codestream.windows(2).rposition(|bytes| bytes == [0xFF, 0xD9]).unwrap() + 2;
    codestream.truncate(end);
    let mut slice = slice_of(&Image { rows: 512, columns: 512, bits: 16, samples: Vec::new() });
    slice.format(16, 1);
    Some((slice, codestream))
}

#[test]
fn case_047_jpeg_2000_size_contradicts_the_header() {
    let Some((slice, codestream)) = jpeg_2000() else { return };
    assert_eq!(
        read(&encapsulated(&slice, JPEG_2000, &[&codestream])).map(|words| words.len()),
        Ok(512 * 512)
    );
    let changed = |at: usize, bytes: &[u8]| {
        let mut codestream = codestream.clone();
        codestream[at..at + bytes.len()].copy_from_slice(bytes);
        read(&encapsulated(&slice, JPEG_2000, &[&codestream]))
    };
    // offsets from SOC on: Xsiz 8, XOsiz 16, XTsiz 24, YTsiz 28, Csiz 40, Ssiz 42, XRsiz 43
    for (what, at, bytes) in [
        ("width", 8, &[0, 0, 4, 0][..]),
        ("width of 2^31", 8, &[0x80, 0, 0, 0]),
        ("origin beyond the image", 16, &[0, 0, 8, 0]),
        ("tiles of 4 x 4", 24, &[0, 0, 0, 4, 0, 0, 0, 4]),
        ("no tile size", 24, &[0, 0, 0, 0]),
        ("16384 components", 40, &[0x40, 0]),
        ("precision 38", 42, &[37]),
        ("subsampling", 43, &[2]),
    ] {
        assert_eq!(changed(at, bytes), Err(Code::CodecDimensions), "{what}");
    }
    let mut unsigned = slice.clone();
    unsigned.format(16, 0);
    let answer = read(&encapsulated(&unsigned, JPEG_2000, &[&codestream]));
    assert_eq!(answer, Err(Code::CodecSign), "signed in an unsigned image");
    assert_eq!(changed(42, &[15]), Err(Code::CodecSign), "unsigned in a signed image");
}

#[test]
fn case_048_cut_jpeg_2000() {
    let Some((slice, codestream)) = jpeg_2000() else { return };
    for tenth in 0..10 {
        let cut = &codestream[..codestream.len() * tenth / 10];
        assert_eq!(read(&encapsulated(&slice, JPEG_2000, &[cut])), Err(Code::Codec), "{tenth} tenths");
    }
    let without_last_bytes = &codestream[..codestream.len() - 8];
    assert_eq!(read(&encapsulated(&slice, JPEG_2000, &[without_last_bytes])), Err(Code::Codec));
}

/// Loss in a codestream whose transfer syntax says that there is none.
#[test]
fn case_049_jpeg_ls_with_loss_in_a_lossless_syntax() {
    let image = small();
    let how = NearLossless { near: 2, ..NearLossless::default() };
    let (codestream, expected) = jpeg_ls(&image, how);
    assert_eq!(decode(&image, JPEG_LS_NEAR, &codestream), Ok(expected));
    assert_eq!(decode(&image, JPEG_LS, &codestream), Err(Code::Codec));
}

#[test]
fn case_049_050_eight_bits_in_sixteen_allocated() {
    let image = Image::textured(24, 40, 8);
    let expected = Ok(image.samples.clone());
    assert_eq!(decode(&image, JPEG_LS, &jpeg_ls(&image, NearLossless::default()).0), expected);
    assert_eq!(decode(&image, JPEG_LOSSLESS_SV1, &jpeg_lossless(&image, SV1)), expected);
    let mut slice = slice_of(&image);
    slice.word(BITS_ALLOCATED, 8);
    for (transfer_syntax, codestream) in [
        (RLE, rle(&image, 1)),
        (JPEG_LOSSLESS_SV1, jpeg_lossless(&image, SV1)),
        (JPEG_LS, jpeg_ls(&image, NearLossless::default()).0),
    ] {
        assert_eq!(read(&encapsulated(&slice, transfer_syntax, &[&codestream])), expected);
    }
}

#[test]
fn case_051_the_payload_is_of_another_coding() {
    let image = small();
    let codings = [
        (RLE, rle(&image, 2)),
        (JPEG_LOSSLESS_SV1, jpeg_lossless(&image, SV1)),
        (JPEG_LS, jpeg_ls(&image, NearLossless::default()).0),
    ];
    for (claimed, _) in &codings {
        for (transfer_syntax, codestream) in &codings {
            let answer = decode(&image, claimed, codestream);
            if claimed == transfer_syntax {
                assert!(answer.is_ok());
            } else {
                assert_eq!(answer, Err(Code::Codec), "{transfer_syntax} as {claimed}");
            }
        }
        assert_eq!(decode(&image, JPEG_2000, &codings[1].1), Err(Code::Codec));
    }
}
