//! Pictures: one scale of gray, upright, whole, and one in a file.
//!
//! ORIGIN of the files read: `tests/golden/pictures/make.py`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma};
use pulmo_scan::files::{Picture, PictureError, read_picture};
use pulmo_scan::findings::Code;

/// Sums of gray values as Pillow decodes them.
const SUMS: [(&str, f32); 4] = [
    ("baseline.jpg", 72457.0),
    ("restart.jpg", 72457.0),
    ("progressive.jpg", 71226.0),
    ("progressive-restart.jpg", 71226.0),
];

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new("tests/golden/pictures").join(name)).unwrap()
}

fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture");
    std::fs::write(&path, bytes).unwrap();
    read_picture(&path)
}

fn code(bytes: &[u8]) -> Option<Code> {
    read(bytes).err().map(|error| error.code())
}

/// The gray values of `make.py`.
fn gray() -> GrayImage {
    GrayImage::from_fn(28, 20, |column, row| {
        let value = (f64::from(column) / 3.0).sin() + (f64::from(row) / 4.0).cos() + 2.0;
        Luma([(value / 4.0 * 255.0) as u8])
    })
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn values(bytes: &[u8]) -> Vec<f32> {
    read(bytes).unwrap().volume.as_slice().to_vec()
}

/// The chunk `kind` put behind the header of a PNG file.
fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(kind);
    checksum.update(data);
    let length = (data.len() as u32).to_be_bytes();
    let chunk = [&length, kind.as_slice(), data, &checksum.sum().to_be_bytes()].concat();
    [&png[..33], &chunk, &png[33..]].concat()
}

/// The segment APP1 put behind the start of a JPEG file.
fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() as u16 + 8).to_be_bytes();
    [&[0xFF, 0xD8, 0xFF, 0xE1], length.as_slice(), b"Exif\0\0", exif, &jpeg[2..]].concat()
}

/// Exif of nothing but an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

/// A TIFF file of one strip of 16-bit samples with further short tags, in ascending order around the strip's.
fn tiff_16(samples: &[u16], columns: u16, further: &[(u16, u16)]) -> Vec<u8> {
    let size = samples.len() as u32 * 2;
    let rows = samples.len() as u32 / u32::from(columns);
    let mut tags = vec![(256, u32::from(columns)), (257, rows), (258, 16), (259, 1), (262, 1), (273, 8)];
    tags.extend([(277, 1), (278, rows), (279, size)]);
    tags.extend(further.iter().map(|(tag, value)| (*tag, u32::from(*value))));
    tags.sort_unstable();
    let mut bytes = b"II*\0".to_vec();
    bytes.extend((8 + size).to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        bytes.extend(tag.to_le_bytes().into_iter().chain([4, 0, 1, 0, 0, 0]).chain(value.to_le_bytes()));
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn one_picture_has_the_same_values_in_8_and_in_16_bits() {
    let eight = values(&encoded(&gray().into(), ImageFormat::Png));
    let sixteen: Vec<u16> = gray().iter().map(|value| u16::from(*value) * 257).collect();
    let wide = ImageBuffer::<Luma<u16>, _>::from_raw(28, 20, sixteen.clone()).unwrap();
    assert_eq!(values(&encoded(&wide.clone().into(), ImageFormat::Png)), eight);
    assert_eq!(values(&encoded(&wide.into(), ImageFormat::Tiff)), eight);
    assert_eq!(values(&tiff_16(&sixteen, 28, &[])), eight);
    let colour = DynamicImage::from(gray()).into_rgb16();
    assert_eq!(values(&encoded(&colour.into(), ImageFormat::Png)), eight);
}

#[test]
fn ten_and_twelve_bits_are_on_the_same_scale_where_the_file_tells_them() {
    let eight = values(&encoded(&gray().into(), ImageFormat::Png));
    let is_near = |found: &[f32], bits: u16| {
        let step = 255.0 / f32::from((1_u16 << bits) - 1);
        eight.iter().zip(found).all(|(a, b)| (a - b).abs() <= step / 2.0 + 1e-4)
    };
    for bits in [10_u16, 12] {
        let white = (1_u32 << bits) - 1;
        let low: Vec<u16> =
            gray().iter().map(|value| ((u32::from(*value) * white + 127) / 255) as u16).collect();
        assert!(is_near(&values(&tiff_16(&low, 28, &[(281, white as u16)])), bits), "MaxSampleValue {bits}");
        let shifts = [16 - bits, 0];
        for shift in shifts {
            let samples: Vec<u16> = low.iter().map(|value| value << shift).collect();
            let picture = ImageBuffer::<Luma<u16>, _>::from_raw(28, 20, samples).unwrap();
            let png = with_chunk(&encoded(&picture.into(), ImageFormat::Png), b"sBIT", &[bits as u8]);
            assert!(is_near(&values(&png), bits), "sBIT {bits} {shift}");
        }
    }
    assert!(is_near(&values(&golden("packed-12.tif")), 12));
}

#[test]
fn twelve_bits_in_sixteen_without_a_word_are_told() {
    let low: Vec<u16> = gray().iter().map(|value| u16::from(*value) * 16).collect();
    assert!(read(&tiff_16(&low, 28, &[])).unwrap().is_dark);
    assert!(!read(&tiff_16(&low, 28, &[(281, 4095)])).unwrap().is_dark);
}

#[test]
fn signed_and_floating_point_numbers_are_kept_as_they_are() {
    let hounsfield = read(&golden("hounsfield.tif")).unwrap();
    let expected: Vec<f32> = gray().iter().map(|value| f32::from(*value) * 8.0 - 1024.0).collect();
    assert_eq!((hounsfield.volume.as_slice(), hounsfield.max_value), (expected.as_slice(), None));
    let fractions = read(&golden("fractions.tif")).unwrap();
    let expected = gray().iter().map(|value| (f64::from(*value) / 7.0 - 13.25) as f32).collect::<Vec<_>>();
    assert_eq!((fractions.volume.as_slice(), fractions.max_value), (expected.as_slice(), None));
}

#[test]
fn all_eight_orientations_are_applied_in_jpeg_png_and_tiff() {
    // 1 to 8: what stands first in the picture as it is seen, and whether it lies on its side
    let corners = [(0, 0), (0, 27), (19, 27), (19, 0), (0, 0), (19, 0), (19, 27), (0, 27)];
    let png = encoded(&gray().into(), ImageFormat::Png);
    let sixteen: Vec<u16> = gray().iter().map(|value| u16::from(*value) * 257).collect();
    let jpeg = golden("baseline.jpg");
    let stored_jpeg = read(&jpeg).unwrap().volume;
    let stored = read(&png).unwrap().volume;
    for (orientation, (row, column)) in (1_u8..).zip(corners) {
        let files = [
            (with_chunk(&png, b"eXIf", &exif(orientation)), &stored),
            (tiff_16(&sixteen, 28, &[(274, u16::from(orientation))]), &stored),
            (with_exif(&jpeg, &exif(orientation)), &stored_jpeg),
        ];
        for (index, (bytes, stored)) in files.iter().enumerate() {
            let upright = read(bytes).unwrap().volume;
            let is_on_side = orientation >= 5;
            let shape = if is_on_side { [1, 28, 20] } else { [1, 20, 28] };
            assert_eq!(upright.grid().shape_zyx(), shape, "{orientation} {index}");
            // one step along the first row as it is seen
            let next = |at: usize, most: usize| if at == 0 { 1 } else { most - 1 };
            let (next_row, next_column) =
                if is_on_side { (next(row, 19), column) } else { (row, next(column, 27)) };
            let found = [upright.as_slice()[0], upright.as_slice()[1]];
            let expected = [stored.voxels()[[0, row, column]], stored.voxels()[[0, next_row, next_column]]];
            assert_eq!(found, expected, "{orientation} {index}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bmp = encoded(&gray().into(), ImageFormat::Bmp);
    let png = encoded(&gray().into(), ImageFormat::Png);
    let names =
        ["baseline.jpg", "restart.jpg", "progressive.jpg", "progressive-restart.jpg", "packed-12.tif"];
    let mut files: Vec<(&str, Vec<u8>)> = names.map(|name| (name, golden(name))).into();
    files.extend([("hounsfield.tif", golden("hounsfield.tif")), ("bmp", bmp), ("png", png)]);
    for (name, whole) in files {
        assert!(read(&whole).is_ok(), "{name}");
        for end in 16..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{name} cut at {end} of {}", whole.len());
        }
        let error = code(&whole[..whole.len() - 1]);
        assert_eq!(error, Some(Code::Truncated), "{name}");
        if name.ends_with(".jpg") || name == "png" {
            // what follows the end is no part of the picture
            assert!(read(&[whole.as_slice(), b"\0\xFF\xD8 more"].concat()).is_ok(), "{name}");
        }
    }
}

/// As programs leave it that put an end to what they have.
#[test]
fn a_jpeg_cut_within_its_codes_is_refused_though_it_has_an_end() {
    for name in ["baseline.jpg", "restart.jpg", "progressive.jpg", "progressive-restart.jpg"] {
        let whole = golden(name);
        let data = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        // the last byte of a scan may hold nothing but padding
        for end in data + 14..whole.len() - 4 {
            let kept = if whole[end - 1] == 0xFF { end - 1 } else { end };
            let ended = [&whole[..kept], &[0xFF, 0xD9]].concat();
            assert!(read(&ended).is_err(), "{name} ended at {end} of {}", whole.len());
        }
    }
}

#[test]
fn jpegs_of_all_kinds_are_read() {
    // ORIGIN: make.py
    for (name, sum) in SUMS {
        let found: f32 = values(&golden(name)).iter().sum();
        assert!((found / sum - 1.0).abs() < 2e-3, "{name}: {found}, not {sum}");
    }
}

#[test]
fn several_pages_or_frames_are_refused() {
    for (name, expected) in [("frames.png", 2), ("two.jpg", 2), ("stack.tif", 2), ("imagej.tif", 3)] {
        let error = read(&golden(name)).unwrap_err();
        assert!(matches!(error, PictureError::Pages { pages } if pages == expected), "{name}: {error:?}");
        assert_eq!(error.code(), Code::Pages);
    }
}

/// Public pictures: none of them is cut, and none is refused.
#[test]
fn public_pictures_are_whole() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    assert_eq!(read_picture(&data.join("faults/07.jpg")).unwrap_err().code(), Code::Truncated);
    let mut read = 0;
    for set in ["covid_ct", "luna_patches"] {
        let folder = data.join(set);
        for row in csv::Reader::from_path(folder.join("manifest.csv")).unwrap().records() {
            let path: PathBuf = folder.join(&row.unwrap()[0]);
            assert!(read_picture(&path).is_ok(), "{}", path.display());
            read += 1;
        }
    }
    eprintln!("{read} pictures read, none refused");
    assert!(read >= 7_000);
}
