//! What pulmo promises about CT pixels and geometry, on slices written byte by byte.
//!
//! Numbers in the tests' names are those of the reliability plan's cases. Expected values are
//! computed from the standard's formulas in each test, in f64.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod common;

use common::ct::{self, CtSlice, Encoding, Value, series, write_all};
use glam::DVec3;
use pulmo::dicom::{AssembleSettings, Assembled, Padding, Refused, Series, assemble, discover};
use pulmo::findings::{Code, Verdict};
use tempfile::TempDir;

fn folder_of(slices: &[CtSlice]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_all(slices, folder.path());
    folder
}

fn found(folder: &TempDir) -> Vec<Series> {
    let discovery = discover(&[folder.path().to_path_buf()]);
    assert_eq!((discovery.refused, discovery.others), (vec![], vec![]));
    discovery.series
}

fn keep() -> AssembleSettings {
    AssembleSettings { padding: Padding::Keep, ..AssembleSettings::default() }
}

fn load_with(slices: &[CtSlice], settings: &AssembleSettings) -> Result<Assembled, Code> {
    let folder = folder_of(slices);
    let series = found(&folder);
    assert_eq!(series.len(), 1);
    assemble(&series[0], settings).map_err(|error| {
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        error.code()
    })
}

fn load(slices: &[CtSlice]) -> Result<Assembled, Code> {
    load_with(slices, &keep())
}

/// The volume of slices that must load without a warning.
fn hu(slices: &[CtSlice]) -> Vec<f32> {
    let assembled = load(slices).unwrap();
    assert_eq!(assembled.warnings, []);
    assembled.volume.as_slice().to_vec()
}

fn with(mut slices: Vec<CtSlice>, change: impl Fn(&mut CtSlice)) -> Vec<CtSlice> {
    slices.iter_mut().for_each(change);
    slices
}

fn expected_hu(slices: &[CtSlice], value: impl Fn(u16) -> f64) -> Vec<f32> {
    slices.iter().flat_map(|slice| slice.pixels.iter().map(|word| value(*word) as f32)).collect()
}

#[test]
fn case_62_unsigned_with_intercept() {
    for (bits, top) in [(12, 4095), (16, 4500)] {
        let slices = with(series(4, 2.0), |slice| {
            slice.format(bits, 0);
            slice.pixels[3] = top;
        });
        assert_eq!(hu(&slices), expected_hu(&slices, |word| f64::from(word) - 1024.0));
    }
}

#[test]
fn case_63_signed_without_intercept() {
    let slices = with(series(4, 2.0), |slice| {
        slice.format(16, 1);
        slice.text(ct::INTERCEPT, "DS", "0");
        slice.pixels.iter_mut().for_each(|word| *word = word.wrapping_sub(1024));
    });
    assert_eq!(hu(&slices), expected_hu(&slices, |word| f64::from(word.cast_signed())));
    assert!(hu(&slices).contains(&-1024.0));
}

#[test]
fn case_64_65_signed_12_in_16_whatever_the_high_bits_hold() {
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
fn case_55_every_byte_order_gives_the_same() {
    let expected = hu(&series(4, 2.0));
    for encoding in [Encoding::Implicit, Encoding::BigEndian] {
        assert_eq!(hu(&with(series(4, 2.0), |slice| slice.encoding = encoding)), expected);
    }
}

#[test]
fn case_66_slopes_that_are_no_integers() {
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

/// One bad file among four: the others no longer lie on a grid, and the file's own code is told.
fn one_bad_file(change: impl Fn(&mut CtSlice)) -> (Vec<Refused>, Option<Code>) {
    let mut slices = series(7, 2.0);
    change(&mut slices[3]);
    let folder = folder_of(&slices);
    let series = found(&folder);
    assert_eq!(series.len(), 1);
    let refused = series[0].set_aside.clone();
    assert!(refused.iter().all(|refused| refused.path.ends_with("003.dcm")));
    (refused, assemble(&series[0], &keep()).err().map(|error| error.code()))
}

fn refused_code(change: impl Fn(&mut CtSlice)) -> Code {
    match one_bad_file(change) {
        (refused, Some(Code::Gap)) if refused.len() == 1 => match refused[0].verdict {
            Verdict::RejectFile(code) => code,
            _ => panic!("not a refused file"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn case_67_decimal_strings() {
    let plain = hu(&series(4, 2.0));
    for text in ["-1.024E+03", " -1024 ", "-1024\0", "-1024.000"] {
        assert_eq!(
            hu(&with(series(4, 2.0), |slice| slice.text(ct::INTERCEPT, "DS", text))),
            plain,
            "{text:?}"
        );
    }
    for text in ["-1024,0", "1e400", "NaN", "inf", "", "-1024.00000000000"] {
        let code = refused_code(|slice| slice.text(ct::INTERCEPT, "DS", text));
        assert_eq!(code, Code::DecimalString, "{text:?}");
        let all = with(series(4, 2.0), |slice| slice.text(ct::SLOPE, "DS", text));
        assert_eq!(load(&all).err(), Some(Code::DecimalString), "{text:?}");
    }
}

#[test]
fn case_68_slope_must_be_positive() {
    for text in ["0", "-1", "-0.5"] {
        assert_eq!(refused_code(|slice| slice.text(ct::SLOPE, "DS", text)), Code::Slope);
    }
}

#[test]
fn case_69_rescale_missing() {
    for tag in [ct::SLOPE, ct::INTERCEPT] {
        let mut slices = series(4, 2.0);
        slices[2].elements.remove(&tag);
        assert_eq!(load(&slices).err(), Some(Code::NoRescale));
    }
}

#[test]
fn case_70_other_units() {
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

#[test]
fn case_71_rescale_of_each_slice() {
    let mut slices = series(4, 2.0);
    slices[1].text(ct::INTERCEPT, "DS", "-1000");
    slices[2].text(ct::SLOPE, "DS", "2");
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
fn case_73_double_rescale() {
    let slices = with(series(4, 2.0), |slice| slice.text(ct::INTERCEPT, "DS", "-2048"));
    assert_eq!(load(&slices).err(), Some(Code::HuRange));
}

#[test]
fn case_74_padding_becomes_air() {
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
    assert_eq!(load(&undeclared).err(), Some(Code::HuRange));
}

#[test]
fn case_75_monochrome_1_is_not_inverted() {
    let slices = with(series(4, 2.0), |slice| slice.text(ct::PHOTOMETRIC, "CS", "MONOCHROME1"));
    assert_eq!(hu(&slices), hu(&series(4, 2.0)));
}

#[test]
fn case_77_empty_volumes() {
    for word in [0, 24, 2000] {
        let slices = with(series(4, 2.0), |slice| slice.pixels.fill(word));
        assert_eq!(load(&slices).err(), Some(Code::Content));
    }
}

#[test]
fn case_79_80_order_of_files_and_instance_numbers_means_nothing() {
    let slices = series(9, 1.5);
    let expected = load(&slices).unwrap();
    for numbers in [["9", "8", "7", "6", "5", "4", "3", "2", "1"], ["1"; 9]] {
        let mut shuffled = slices.clone();
        for (slice, number) in shuffled.iter_mut().zip(numbers) {
            slice.text(ct::INSTANCE_NUMBER, "IS", number);
        }
        shuffled.swap(0, 7);
        shuffled.swap(3, 5);
        shuffled[1].elements.remove(&ct::INSTANCE_NUMBER);
        assert_eq!(load(&shuffled).unwrap(), expected);
    }
}

#[test]
fn case_81_82_missing_slices() {
    for missing in 1..8 {
        let mut slices = series(9, 1.5);
        slices.remove(missing);
        assert_eq!(load(&slices).err(), Some(Code::Gap), "slice {missing}");
    }
    let mut two = series(12, 1.5);
    two.drain(4..6);
    let folder = folder_of(&two);
    let error = assemble(&found(&folder)[0], &keep()).unwrap_err().to_string();
    assert_eq!(error, "2 slice positions are missing at a spacing of 1.500 mm");
    assert_eq!(load(&series(9, 1.5)[1..8]).unwrap().volume.grid().shape_zyx(), [7, 8, 8]);
}

#[test]
fn case_83_copies_are_merged() {
    let mut slices = series(5, 2.0);
    slices.push(slices[2].clone());
    slices.push(slices[2].clone());
    let assembled = load(&slices).unwrap();
    assert_eq!(assembled.warnings, [Code::Duplicate]);
    assert_eq!(assembled.volume, load(&series(5, 2.0)).unwrap().volume);
}

#[test]
fn case_84_different_images_at_one_position() {
    let mut slices = series(5, 2.0);
    slices.push(slices[2].clone());
    slices[5].pixels[7] += 1;
    assert_eq!(load(&slices).err(), Some(Code::DuplicatePosition));
    slices[5].pixels[7] -= 1;
    slices[5].text(ct::POSITION, "DS", "-9\\-20\\4");
    assert_eq!(load(&slices).err(), Some(Code::DuplicatePosition));
}

#[test]
fn case_85_series_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let other = with(series(3, 5.0), |slice| slice.text(ct::SERIES_UID, "UI", "1.2.3.9"));
    for (index, slice) in series(6, 2.0).iter().enumerate() {
        let inside = folder.path().join(["a", "b", "c/d"][index % 3]);
        std::fs::create_dir_all(&inside).unwrap();
        slice.write(&inside, &format!("{index}.dcm"));
        if let Some(slice) = other.get(index) {
            slice.write(&inside, &format!("other{index}"));
        }
    }
    std::fs::write(folder.path().join("notes.txt"), "no dicom").unwrap();
    std::fs::write(folder.path().join(".hidden"), series(1, 1.0)[0].bytes()).unwrap();
    let discovery = discover(&[folder.path().to_path_buf()]);
    let slices: Vec<usize> = discovery.series.iter().map(|series| series.slices.len()).collect();
    assert_eq!(slices, [6, 3]);
    assert_eq!(discovery.others, [folder.path().join("notes.txt")]);
    assert!(discovery.series.iter().all(|series| assemble(series, &keep()).is_ok()));
    // both share the folder, so each is called by its first file
    assert_eq!(discovery.series[0].path, folder.path().join("a/0.dcm"));
    let alone = discover(&[folder.path().join("c")]);
    assert_eq!(alone.series.len(), 2);
    let twice = discover(&[folder.path().to_path_buf(), folder.path().join("a"), folder.path().join("gone")]);
    assert_eq!(twice.series, discovery.series);
    assert_eq!(twice.refused[0].verdict, Verdict::RejectFile(Code::Unreadable));
}

#[test]
fn case_86_localizer_in_the_series() {
    let mut slices = series(5, 2.0);
    slices.push(CtSlice::at(55.0));
    slices[5].text(ct::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER");
    let assembled = load(&slices).unwrap();
    assert_eq!(assembled.warnings, [Code::Localizer]);
    assert_eq!(assembled.volume, load(&series(5, 2.0)).unwrap().volume);
}

#[test]
fn case_87_what_is_no_ct_is_set_aside() {
    let mut slices = series(6, 2.0);
    slices[4].text(ct::SOP_CLASS, "UI", "1.2.840.10008.5.1.4.1.1.7");
    slices[5].text(ct::MODALITY, "CS", "MR");
    let folder = folder_of(&slices);
    let discovery = discover(&[folder.path().to_path_buf()]);
    assert_eq!(discovery.series.len(), 1);
    assert!(assemble(&discovery.series[0], &keep()).is_ok());
    let codes: Vec<_> = discovery.refused.iter().map(|refused| refused.verdict.clone()).collect();
    assert_eq!(codes, [Verdict::RejectFile(Code::NotCt), Verdict::RejectFile(Code::NotCt)]);
}

#[test]
fn case_88_mixed_spacing_is_kept_apart() {
    let mut slices = series(8, 2.0);
    slices[4..].iter_mut().for_each(|slice| slice.text(ct::PIXEL_SPACING, "DS", "0.6\\0.6"));
    let folder = folder_of(&slices);
    let series = found(&folder);
    assert_eq!(series.len(), 2);
    for series in series {
        assert_eq!(assemble(&series, &keep()).unwrap().warnings, [Code::Mixed]);
    }
}

fn at_positions(along_mm: &[f64]) -> Vec<CtSlice> {
    along_mm.iter().map(|z_mm| CtSlice::at(*z_mm)).collect()
}

#[test]
fn case_89_variable_spacing() {
    let along_mm = [0.0, 1.25, 2.5, 3.75, 5.0, 10.0, 15.0, 20.0, 25.0];
    assert_eq!(load(&at_positions(&along_mm)).err(), Some(Code::Spacing));
}

/// Alternate jitter of +-j is the worst: steps are off by +-2j, and so is their median, so the largest
/// deviation from it is 4j. Up to 2 % of the spacing, and always 0.01 mm, pass.
#[test]
fn case_90_jitter() {
    for (spacing_mm, jitter_mm, expected) in [
        (2.0, 1e-5, None),
        (2.0, 0.005, None),
        (2.0, 0.02, Some(Code::Spacing)),
        (2.0, 0.2, Some(Code::Spacing)),
        (5.0, 0.02, None),
        (5.0, 0.03, Some(Code::Spacing)),
        (0.3, 0.002, None),
        (0.3, 0.003, Some(Code::Spacing)),
    ] {
        let along_mm: Vec<f64> = (0..10)
            .map(|i| f64::from(i) * spacing_mm + if i % 2 == 0 { jitter_mm } else { -jitter_mm })
            .map(|z_mm: f64| (z_mm * 1e6).round() / 1e6)
            .collect();
        assert_eq!(load(&at_positions(&along_mm)).err(), expected, "{spacing_mm} {jitter_mm}");
    }
}

fn tilted(degrees: f64) -> Vec<CtSlice> {
    let mut slices = series(12, 2.0);
    for (index, slice) in slices.iter_mut().enumerate() {
        let z_mm = index as f64 * 2.0;
        let y_mm = -20.0 + z_mm * degrees.to_radians().tan();
        slice.text(ct::POSITION, "DS", &format!("-10\\{y_mm:.6}\\{z_mm}"));
    }
    slices
}

#[test]
fn case_91_92_gantry_tilt_is_read_from_positions() {
    assert_eq!(load(&tilted(0.2)).err(), None);
    assert_eq!(load(&tilted(5.0)).err(), Some(Code::Tilt));
    assert_eq!(load(&tilted(-20.0)).err(), Some(Code::Tilt));
    let lying = with(tilted(0.0), |slice| slice.text(ct::GANTRY_TILT, "DS", "20"));
    assert_eq!(load(&lying).err(), None);
    let lying = with(tilted(20.0), |slice| slice.text(ct::GANTRY_TILT, "DS", "0"));
    assert_eq!(load(&lying).err(), Some(Code::Tilt));
    let mut scattered = tilted(0.0);
    scattered[5].text(ct::POSITION, "DS", "-7\\-20\\10");
    assert_eq!(load(&scattered).err(), Some(Code::Mixed));
}

#[test]
fn case_93_slices_ascend_along_the_normal() {
    // feet first prone: rows to the right, columns to the front
    let slices = with(series(4, 2.0), |slice| slice.text(ct::ORIENTATION, "DS", "1\\0\\0\\0\\-1\\0"));
    let assembled = load(&slices).unwrap();
    let grid = assembled.volume.grid();
    assert_eq!(grid.direction(), [DVec3::NEG_Z, DVec3::NEG_Y, DVec3::X]);
    assert_eq!(grid.origin_mm(), DVec3::new(-10.0, -20.0, 6.0));
    let reversed: Vec<CtSlice> = slices.iter().rev().cloned().collect();
    assert_eq!(assembled.volume.as_slice(), expected_hu(&reversed, |word| f64::from(word) - 1024.0));
}

#[test]
fn case_96_orientation() {
    for text in [
        "1\\0\\0\\0\\0.9\\0",
        "0\\0\\0\\0\\0\\0",
        "1\\0\\0\\NaN\\1\\0",
        "1\\0\\0\\0\\1",
        "1\\0\\0\\0.01\\1\\0",
        "",
    ] {
        assert_eq!(
            refused_code(|slice| slice.text(ct::ORIENTATION, "DS", text)),
            Code::Orientation,
            "{text}"
        );
    }
}

#[test]
fn case_97_position_missing() {
    let without = |slice: &mut CtSlice| {
        slice.elements.remove(&ct::POSITION);
    };
    assert_eq!(refused_code(without), Code::NoPosition);
    assert_eq!(load(&with(series(5, 2.0), without)).err(), Some(Code::NoPosition));
}

#[test]
fn case_98_pixel_spacing() {
    // row spacing first: the distance of rows, along the column direction, is y
    let slices = with(series(4, 2.0), |slice| slice.text(ct::PIXEL_SPACING, "DS", "0.8\\0.4"));
    let assembled = load(&slices).unwrap();
    let grid = assembled.volume.grid();
    let spacing = grid.spacing_mm();
    assert!([2.0, 0.8, 0.4].iter().zip(spacing).all(|(a, b)| (a - b).abs() < 1e-12), "{spacing:?}");
    // voxel (column 2, row 3, slice 1) lies 2 x 0.4 to the left and 3 x 0.8 to the back
    let point = grid.patient_point(DVec3::new(2.0, 3.0, 1.0));
    assert!(point.distance(DVec3::new(-9.2, -17.6, 2.0)) < 1e-9);
    for text in ["0\\0.5", "-0.5\\0.5", "0.5", ""] {
        assert_eq!(
            refused_code(|slice| slice.text(ct::PIXEL_SPACING, "DS", text)),
            Code::PixelSpacing,
            "{text}"
        );
    }
    let code = refused_code(|slice| {
        slice.elements.remove(&ct::PIXEL_SPACING);
    });
    assert_eq!(code, Code::PixelSpacing);
}

#[test]
fn case_27_28_32_33_34_impossible_pixel_formats() {
    let cases: [((u16, u16), u16, Code); 12] = [
        (ct::ROWS, 0, Code::Dimensions),
        (ct::COLUMNS, 0, Code::Dimensions),
        (ct::ROWS, 65535, Code::Dimensions),
        (ct::BITS_ALLOCATED, 12, Code::Bits),
        (ct::BITS_ALLOCATED, 32, Code::Bits),
        (ct::BITS_STORED, 0, Code::Bits),
        (ct::BITS_STORED, 17, Code::Bits),
        (ct::BITS_STORED, 32, Code::Bits),
        (ct::BITS_STORED, 65535, Code::Bits),
        (ct::HIGH_BIT, 15, Code::Bits),
        (ct::REPRESENTATION, 2, Code::Bits),
        ((0x0028, 0x0002), 3, Code::Dimensions),
    ];
    for (tag, word, code) in cases {
        assert_eq!(refused_code(|slice| slice.word(tag, word)), code, "{tag:?} {word}");
    }
}

#[test]
fn case_35_36_pixel_data_too_short_or_too_long() {
    for samples in [63, 56, 65, 640] {
        let mut slices = series(7, 2.0);
        slices[3].pixels.resize(samples, 7);
        assert_eq!(load(&slices).err(), Some(Code::Gap), "{samples}");
        let all = with(series(7, 2.0), |slice| slice.pixels.resize(samples, 7));
        assert_eq!(load(&all).err(), Some(Code::PixelLength), "{samples}");
        // at the end of the series the rest still lies on a grid, and the code is a warning
        let mut last = series(7, 2.0);
        last[6].pixels.resize(samples, 7);
        let assembled = load(&last).unwrap();
        assert_eq!(assembled.warnings, [Code::PixelLength]);
        assert_eq!(assembled.volume, load(&series(6, 2.0)).unwrap().volume);
    }
}

#[test]
fn case_6_every_prefix_of_a_file_is_refused() {
    let slices = series(3, 2.0);
    let folder = folder_of(&slices);
    let whole = slices[1].bytes();
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(folder.path().join("001.dcm"), &whole[..length]).unwrap();
        let discovery = discover(&[folder.path().to_path_buf()]);
        assert!(discovery.series.iter().all(|series| assemble(series, &keep()).is_err()), "{length} bytes");
    }
}

#[test]
fn a_file_that_changed_since_discovery_is_not_used() {
    let folder = folder_of(&series(3, 2.0));
    let series = found(&folder);
    CtSlice::at(40.0).write(folder.path(), "001.dcm");
    assert_eq!(assemble(&series[0], &keep()).err().map(|error| error.code()), Some(Code::FewSlices));
    assert_eq!(series[0].slices[1].pixels().err().map(|error| error.code()), Some(Code::Unreadable));
}
