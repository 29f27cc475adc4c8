//! Hounsfield units: cases 62 to 78 of the reliability plan, by number, on slices written byte by byte.
//!
//! Expected values are computed from the standard's formulas in each test, in f64.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use pulmo_forge::ct::{self, CtSlice, Encoding, Value, chest, series};
use pulmo_forge::encoders::{self, Image};
use pulmo_forge::jpeg_ls::{NearLossless, jpeg_ls};
use pulmo_forge::load::{assembled, expected_hu, found, hu, keep, load, load_with, refused_code, with};
use pulmo_scan::dicom::{AssembleSettings, Unspecified};
use pulmo_scan::findings::Code;

#[test]
fn case_062_unsigned_with_intercept() {
    for (bits, top) in [(12, 4095), (16, 4500)] {
        let slices = with(series(4, 2.0), |slice| {
            slice.format(bits, 0);
            slice.pixels[3] = top;
        });
        assert_eq!(hu(&slices), expected_hu(&slices, |word| f64::from(word) - 1024.0));
    }
}

#[test]
fn case_063_signed_without_intercept() {
    let slices = with(series(4, 2.0), |slice| {
        slice.format(16, 1);
        slice.text(ct::INTERCEPT, "DS", "0");
        slice.pixels.iter_mut().for_each(|word| *word = word.wrapping_sub(1024));
    });
    assert_eq!(hu(&slices), expected_hu(&slices, |word| f64::from(word.cast_signed())));
    assert!(hu(&slices).contains(&-1024.0));
}

#[test]
fn case_064_065_signed_12_in_16_whatever_the_high_bits_hold() {
    let signed_12 = |high: u16| {
        with(series(4, 2.0), |slice| {
            slice.format(12, 1);
            slice.text(ct::INTERCEPT, "DS", "0");
            slice.pixels.iter_mut().for_each(|word| *word = (word.wrapping_sub(1024) & 0xFFF) | high);
        })
    };
    let clean = hu(&signed_12(0));
    assert_eq!(clean, expected_hu(&series(4, 2.0), |word| f64::from(word) - 1024.0));
    assert_eq!(hu(&signed_12(0xF000)), clean);
    assert_eq!(hu(&signed_12(0xA000)), clean);
    let garbage = with(series(4, 2.0), |slice| slice.pixels.iter_mut().for_each(|word| *word |= 0xA000));
    assert_eq!(hu(&garbage), clean);
}

#[test]
fn case_066_slopes_that_are_no_integers() {
    for slope in [0.5, 1.00015, 2.44e-4] {
        let slices = with(series(4, 2.0), |slice| slice.text(ct::SLOPE, "DS", &slope.to_string()));
        if slope < 0.01 {
            // 0.46 HU over the whole range: no CT
            assert_eq!(load(&slices).err(), Some(Code::Content));
            continue;
        }
        let expected = expected_hu(&slices, |word| slope * f64::from(word) - 1024.0);
        let worst = hu(&slices).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-3, "{slope}: {worst}");
    }
}

#[test]
fn case_067_decimal_strings() {
    let plain = hu(&series(4, 2.0));
    for text in
        ["-1.024E+03", " -1024 ", "-1024\0", "-1024.000", "-1024.00000000000", "-1024 \t\0", "\n-1024\r\n"]
    {
        assert_eq!(
            hu(&with(series(4, 2.0), |slice| slice.text(ct::INTERCEPT, "DS", text))),
            plain,
            "{text:?}"
        );
    }
    for text in ["-1024,0", "1e400", "NaN", "inf", "", "-1024\\-1024"] {
        let code = refused_code(|slice| slice.text(ct::INTERCEPT, "DS", text));
        assert_eq!(code, Code::DecimalString, "{text:?}");
        let all = with(series(4, 2.0), |slice| slice.text(ct::SLOPE, "DS", text));
        assert_eq!(load(&all).err(), Some(Code::DecimalString), "{text:?}");
    }
}

#[test]
fn case_068_slope_must_be_positive() {
    for text in ["0", "-1", "-0.5"] {
        assert_eq!(refused_code(|slice| slice.text(ct::SLOPE, "DS", text)), Code::Slope);
    }
}

#[test]
fn case_069_rescale_missing() {
    for tag in [ct::SLOPE, ct::INTERCEPT] {
        let mut slices = series(4, 2.0);
        slices[2].elements.remove(&tag);
        assert_eq!(load(&slices).err(), Some(Code::NoRescale));
    }
}

#[test]
fn case_070_other_units() {
    for text in ["US", "OD", "mgml"] {
        let slices = with(series(4, 2.0), |slice| slice.text(ct::RESCALE_TYPE, "LO", text));
        assert_eq!(load(&slices).err(), Some(Code::NotHounsfield), "{text}");
    }
    for text in ["HU", "", "Houndsfield Unit"] {
        hu(&with(series(4, 2.0), |slice| slice.text(ct::RESCALE_TYPE, "LO", text)));
    }
    let table = with(series(4, 2.0), |slice| {
        slice.elements.insert(ct::MODALITY_LUT, Value::Sequence);
    });
    assert_eq!(load(&table).err(), Some(Code::NotHounsfield));
}

/// The unit is unspecified: only values that show air and soft tissue where Hounsfield units have them
/// are taken for HU, and one such slice among others makes the whole series doubtful.
#[test]
fn case_070_unspecified_units_need_evidence() {
    let unspecified = |slice: &mut CtSlice| slice.text(ct::RESCALE_TYPE, "LO", "US");
    let sound = load(&chest(20, 0.0, 12.0)).unwrap();
    let assembled = load(&with(chest(20, 0.0, 12.0), unspecified)).unwrap();
    assert_eq!(assembled.warnings, [Code::RescaleType]);
    assert_eq!(assembled.volume, sound.volume);
    let mut one = chest(20, 0.0, 12.0);
    unspecified(&mut one[7]);
    assert_eq!(load(&one).unwrap().warnings, [Code::RescaleType]);
    // the same pixels with another intercept or half the slope are no HU
    for (tag, text) in [(ct::INTERCEPT, "-824"), (ct::INTERCEPT, "0"), (ct::SLOPE, "0.5")] {
        let wrong = with(chest(20, 0.0, 12.0), |slice| {
            unspecified(slice);
            slice.text(tag, "DS", text);
        });
        assert_eq!(load(&wrong).err(), Some(Code::NotHounsfield), "{text}");
        let accepting = AssembleSettings { unspecified: Unspecified::Accept, ..keep() };
        assert_eq!(load_with(&wrong, &accepting).unwrap().warnings, [Code::RescaleType]);
    }
}

#[test]
fn case_071_rescale_of_each_slice() {
    let mut slices = series(4, 2.0);
    slices[1].text(ct::INTERCEPT, "DS", "-1000");
    slices[2].text(ct::SLOPE, "DS", "2");
    slices[2].pixels.iter_mut().for_each(|word| *word /= 2);
    let assembled = load(&slices).unwrap();
    assert_eq!(assembled.warnings, [Code::VaryingRescale]);
    let rescales = [(1.0, -1024.0), (1.0, -1000.0), (2.0, -1024.0), (1.0, -1024.0)];
    let expected: Vec<f32> = std::iter::zip(&slices, rescales)
        .flat_map(|(slice, (slope, intercept))| {
            expected_hu(std::slice::from_ref(slice), |word| slope * f64::from(word) + intercept)
        })
        .collect();
    assert_eq!(assembled.volume.as_slice(), expected);
}

#[test]
fn case_072_one_slice_of_raw_values() {
    for wrong in [0, 3, 7, 19] {
        let mut slices = chest(20, 0.0, 12.0);
        slices[wrong].text(ct::INTERCEPT, "DS", "0");
        assert_eq!(load(&slices).err(), Some(Code::HuJump), "slice {wrong}");
    }
    // from the middle on
    let mut slices = chest(20, 0.0, 12.0);
    slices[10..].iter_mut().for_each(|slice| slice.text(ct::INTERCEPT, "DS", "-724"));
    assert_eq!(load(&slices).err(), Some(Code::HuJump));
    // and lungs that begin and end within one slice of 12 mm are no jump
    assert!(load(&chest(30, -60.0, 12.0)).unwrap().warnings.is_empty());
}

#[test]
fn case_073_double_rescale() {
    let slices = with(series(4, 2.0), |slice| slice.text(ct::INTERCEPT, "DS", "-2048"));
    assert_eq!(load(&slices).err(), Some(Code::HuRange));
}

#[test]
fn case_074_padding_becomes_air() {
    let pad = |slice: &mut CtSlice, value: Value| {
        slice.format(16, 1);
        slice.pixels[0] = (-2000_i16).cast_unsigned();
        slice.elements.insert(ct::PADDING, value);
    };
    let patterns = [Value::Words("US", vec![63536]), Value::Words("SS", vec![63536])];
    for value in patterns {
        for encoding in [Encoding::Explicit, Encoding::Implicit, Encoding::BigEndian] {
            let slices = with(series(4, 2.0), |slice| {
                slice.encoding = encoding;
                pad(slice, value.clone());
            });
            let expected = expected_hu(&slices, |word| f64::from(word.cast_signed()) - 1024.0);
            // -3024 HU is no reason to refuse: it is padding
            assert_eq!(hu(&slices), expected);
            let air = load_with(&slices, &AssembleSettings::default()).unwrap();
            let expected: Vec<f32> =
                expected.iter().map(|hu| if *hu == -3024.0 { -1024.0 } else { *hu }).collect();
            assert_eq!(air.volume.as_slice(), expected);
        }
    }
    let range = with(series(4, 2.0), |slice| {
        pad(slice, Value::Words("SS", vec![(-2000_i16).cast_unsigned()]));
        slice.pixels[1] = (-1500_i16).cast_unsigned();
        slice.elements.insert(ct::PADDING_LIMIT, Value::Words("SS", vec![(-1500_i16).cast_unsigned()]));
    });
    let air = load_with(&range, &AssembleSettings::default()).unwrap();
    assert_eq!(air.volume.as_slice()[..2], [-1024.0, -1024.0]);
    let undeclared = with(series(4, 2.0), |slice| {
        pad(slice, Value::Words("SS", vec![63536]));
        slice.elements.remove(&ct::PADDING);
    });
    let air = load_with(&undeclared, &AssembleSettings::default()).unwrap();
    assert_eq!((air.volume.as_slice()[0], &air.warnings[..]), (-1024.0, &[Code::Padding.into()][..]));
}

#[test]
fn case_075_monochrome_1_is_not_inverted() {
    let slices = with(series(4, 2.0), |slice| slice.text(ct::PHOTOMETRIC, "CS", "MONOCHROME1"));
    assert_eq!(hu(&slices), hu(&series(4, 2.0)));
}

/// The rule: up to 1 in 1000 voxels may lie above 4000 HU, and they keep their value; more are refused.
#[test]
fn case_076_extended_scale_is_kept_and_nothing_wraps() {
    let metal = |slices: usize| {
        let mut slices_ct = with(chest(20, 0.0, 12.0), |slice| slice.format(16, 0));
        slices_ct.iter_mut().take(slices).for_each(|slice| slice.pixels[1150..1154].fill(30_710 + 1024));
        slices_ct
    };
    let assembled = load(&metal(5)).unwrap();
    assert!(assembled.warnings.is_empty());
    assert_eq!(assembled.volume.voxels().iter().filter(|hu| **hu == 30_710.0).count(), 20);
    assert_eq!(load(&metal(20)).err(), Some(Code::HuRange));
    // the whole range of 16 unsigned bits, and of a slope of 10
    let mut top = with(chest(20, 0.0, 12.0), |slice| slice.format(16, 0));
    top[3].pixels[1150] = u16::MAX;
    assert_eq!(load(&top).unwrap().volume.voxels().iter().copied().fold(0.0, f32::max), 64_511.0);
    let tenfold = with(chest(20, 0.0, 12.0), |slice| {
        slice.text(ct::SLOPE, "DS", "10");
        slice.text(ct::INTERCEPT, "DS", "-10240");
        slice.format(16, 0);
        slice.pixels.iter_mut().for_each(|word| *word = *word / 10 + 922);
    });
    let mut spot = tenfold.clone();
    spot[3].pixels[1150] = 4095;
    assert_eq!(load(&spot).unwrap().volume.voxels().iter().copied().fold(0.0, f32::max), 30_710.0);
}

#[test]
fn case_077_empty_volumes() {
    for word in [0, 24, 2000] {
        let slices = with(series(4, 2.0), |slice| slice.pixels.fill(word));
        assert_eq!(load(&slices).err(), Some(Code::Content));
    }
    let noise = |low: u16| {
        with(series(4, 2.0), |slice| {
            slice.pixels.iter_mut().enumerate().for_each(|(index, word)| *word = low + index as u16 % 17);
        })
    };
    let all_air = noise(10);
    assert_eq!(load(&all_air).err(), Some(Code::Content));
    let all_padding = with(series(4, 2.0), |slice| {
        slice.elements.insert(ct::PADDING, Value::Words("US", vec![500]));
        slice.pixels.fill(500);
    });
    assert_eq!(load(&all_padding).err(), Some(Code::Content));
    let all_metal = with(noise(10_000), |slice| slice.format(16, 0));
    assert_eq!(load(&all_metal).err(), Some(Code::HuRange));
    // one slice of air at the end of a chest is none of the series' business
    let mut slices = chest(20, 0.0, 12.0);
    slices[19].pixels.fill(24);
    assert_eq!(load(&slices).err(), None);
}

/// Each lossless coding of the same samples gives the same HU. JPEG 2000 has no encoder here: see the
/// copies of one slice in `series_oracle.rs`.
#[test]
fn case_078_every_lossless_coding_gives_the_same() {
    let slices = chest(20, 0.0, 12.0);
    let expected = hu(&slices);
    for encoding in [Encoding::Implicit, Encoding::BigEndian] {
        assert_eq!(hu(&with(slices.clone(), |slice| slice.encoding = encoding)), expected);
    }
    let side = usize::from(ct::CHEST_SIDE);
    let image =
        |slice: &CtSlice| Image { rows: side, columns: side, bits: 12, samples: slice.pixels.clone() };
    type Encode<'a> = &'a dyn Fn(&Image) -> Vec<u8>;
    let codings: [(&str, Encode); 4] = [
        (encoders::RLE, &|image| encoders::rle(image, 2)),
        (encoders::JPEG_LOSSLESS, &|image| encoders::jpeg_lossless(image, encoders::SV1)),
        (encoders::JPEG_LOSSLESS_SV1, &|image| encoders::jpeg_lossless(image, encoders::SV1)),
        (encoders::JPEG_LS, &|image| jpeg_ls(image, NearLossless::default()).0),
    ];
    for (transfer_syntax, encode) in codings {
        let folder = tempfile::tempdir().unwrap();
        for (index, slice) in slices.iter().enumerate() {
            let bytes = encoders::encapsulated(slice, transfer_syntax, &[&encode(&image(slice))]);
            std::fs::write(folder.path().join(format!("{index:03}")), bytes).unwrap();
        }
        let series = found(&folder);
        let loaded = assembled(&series[0], &keep()).unwrap();
        assert_eq!(loaded.volume.as_slice(), expected, "{transfer_syntax}");
    }
}
