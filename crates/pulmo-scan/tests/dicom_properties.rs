//! What must hold for any CT series: properties P1 to P9 and P12 of the reliability plan, on slices
//! written byte by byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::Path;

use glam::{DMat3, DVec3};
use proptest::prelude::*;
use pulmo_forge::ct::{self, CHEST_SIDE, CtSlice, Encoding, chest, series};
use pulmo_forge::encoders::{self, Image};
use pulmo_forge::jpeg_ls::{NearLossless, jpeg_ls};
use pulmo_forge::load::{assembled, folder_of, found, keep, load, with};
use pulmo_forge::plane::{Plane, eight_positions, values_by_place};
use pulmo_scan::dicom::{AssembleSettings, Assembled, Irregular, discover};
use pulmo_scan::findings::Code;

/// A file a slice; few cases, as each writes and reads whole series.
fn few() -> ProptestConfig {
    ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() }
}

/// What slices are made of: how many, how many half millimetres apart, and a seed.
fn recipe() -> impl Strategy<Value = (usize, u32, u64)> {
    (4..12_usize, 1..=10_u32, any::<u64>())
}

/// Slices that are alike by and large, with noise: no two of them, and no two halves of one, are equal.
fn noisy((count, half_mm, seed): (usize, u32, u64)) -> Vec<CtSlice> {
    let mut slices = series(count, f64::from(half_mm) * 0.5);
    let mut state = seed | 1;
    for slice in &mut slices {
        for (index, word) in slice.pixels.iter_mut().enumerate() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = index as u16 * 30 + (state >> 32) as u16 % 128;
        }
    }
    slices
}

/// The 24 turns of a cube.
fn turns() -> Vec<DMat3> {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z, DVec3::NEG_X, DVec3::NEG_Y, DVec3::NEG_Z];
    let pairs = axes.iter().flat_map(|a| axes.iter().map(move |b| (*a, *b)));
    pairs.filter(|(a, b)| a.dot(*b) == 0.0).map(|(a, b)| DMat3::from_cols(a, b, a.cross(b))).collect()
}

fn write_named(slices: &[CtSlice], names: &[String], folder: &Path) {
    for (slice, name) in slices.iter().zip(names) {
        slice.write(folder, name);
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn p1_order_and_names_of_files_mean_nothing(
        recipe in recipe(),
        keys in prop::collection::vec("[a-z]{1,8}", 12),
    ) {
        let slices = noisy(recipe);
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..slices.len()).map(|index| format!("{}{index}", keys[index])).collect();
        write_named(&slices, &names, folder.path());
        let shuffled = assembled(&found(&folder)[0], &keep()).unwrap();
        prop_assert_eq!(shuffled, load(&slices).unwrap());
    }

    #[test]
    fn p2_copies_of_files_change_nothing(
        recipe in recipe(),
        copied in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let slices = noisy(recipe);
        let expected = load(&slices).unwrap();
        let mut doubled = slices.clone();
        doubled.extend(copied.iter().map(|index| index.get(&slices).clone()));
        let found = load(&doubled).unwrap();
        prop_assert_eq!(found.warnings, vec![Code::Duplicate]);
        prop_assert_eq!(found.volume, expected.volume);
    }

    #[test]
    fn p3_a_series_with_a_hole_is_never_a_volume(
        recipe in recipe(),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
    ) {
        let slices = noisy(recipe);
        let last = slices.len() - 1;
        let holes: Vec<usize> = removed.iter().map(|index| 1 + index.index(last - 1)).collect();
        let mut rest = slices.clone();
        let mut at = 0..;
        rest.retain(|_| at.next().is_some_and(|at| !holes.contains(&at)));
        // what is left may be uniform in itself (each second slice); it must then say so in its grid
        match load(&rest) {
            Err(code) => {
                prop_assert!([Code::Gap, Code::Spacing, Code::FewSlices].contains(&code), "{}", code);
            }
            Ok(Assembled { volume, .. }) => {
                let spacing_mm = load(&slices).unwrap().volume.grid().spacing_mm()[0];
                let steps = volume.grid().spacing_mm()[0] / spacing_mm;
                prop_assert!(steps > 1.5 && (steps - steps.round()).abs() < 1e-6);
                prop_assert_eq!((volume.grid().shape_zyx()[0] - 1) as f64 * steps.round(), last as f64);
            }
        }
    }

    #[test]
    fn p5_bits_above_the_stored_ones_mean_nothing(recipe in recipe(), garbage in 0..16_u16) {
        let slices = noisy(recipe);
        let dirty = with(slices.clone(), |slice| {
            slice.pixels.iter_mut().for_each(|word| *word |= garbage << 12);
        });
        prop_assert_eq!(load(&dirty).unwrap(), load(&slices).unwrap());
    }

    #[test]
    fn p7_slope_and_intercept_act_linearly(
        recipe in recipe(),
        slope in 0.5..1.3_f64,
        intercept in -1060..-1000_i32,
    ) {
        let slices = noisy(recipe);
        let slope: f64 = format!("{slope:.6}").parse().unwrap();
        let changed = with(slices.clone(), |slice| {
            slice.text(ct::SLOPE, "DS", &slope.to_string());
            slice.text(ct::INTERCEPT, "DS", &intercept.to_string());
        });
        let plain = load(&slices).unwrap();
        let scaled = load(&changed).unwrap();
        for (plain, scaled) in plain.volume.as_slice().iter().zip(scaled.volume.as_slice()) {
            let expected = slope * (f64::from(*plain) + 1024.0) + f64::from(intercept);
            prop_assert!((f64::from(*scaled) - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn p8_photometric_interpretation_inverts_nothing(recipe in recipe()) {
        let slices = noisy(recipe);
        let inverted = with(slices.clone(), |slice| slice.text(ct::PHOTOMETRIC, "CS", "MONOCHROME1"));
        prop_assert_eq!(load(&inverted).unwrap(), load(&slices).unwrap());
    }

    #[test]
    fn p9_moving_all_positions_moves_the_origin_only(
        recipe in recipe(),
        shift in prop::array::uniform3(-500_000..500_000_i32),
    ) {
        let slices = noisy(recipe);
        let shift_mm = shift.map(|mm| f64::from(mm) / 1000.0);
        let plain = load(&slices).unwrap();
        let spacing_mm = plain.volume.grid().spacing_mm()[0];
        let mut moved = slices.clone();
        for (index, slice) in moved.iter_mut().enumerate() {
            let z_mm = index as f64 * spacing_mm;
            let [x, y, z] = [-10.0 + shift_mm[0], -20.0 + shift_mm[1], z_mm + shift_mm[2]];
            slice.text(ct::POSITION, "DS", &format!("{x:.3}\\{y:.3}\\{z:.3}"));
        }
        let moved = load(&moved).unwrap();
        prop_assert_eq!(moved.volume.voxels(), plain.volume.voxels());
        let (from, to) = (plain.volume.grid(), moved.volume.grid());
        prop_assert!((to.origin_mm() - from.origin_mm()).distance(DVec3::from(shift_mm)) < 1e-9);
        prop_assert!(to.patient_from_voxel().matrix3.abs_diff_eq(from.patient_from_voxel().matrix3, 1e-9));
    }

    /// Cut anywhere, a file either gives the same slice or is refused, and is then missed.
    #[test]
    fn p12_a_prefix_of_a_file_never_gives_other_values(
        recipe in recipe(),
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let slices = noisy(recipe);
        let expected = load(&slices).unwrap();
        let folder = folder_of(&slices);
        let which = which.index(slices.len());
        let bytes = slices[which].bytes();
        let path = folder.path().join(format!("{which:03}.dcm"));
        std::fs::write(path, &bytes[..cut.index(bytes.len())]).unwrap();
        let discovery = discover(&[folder.path().to_path_buf()]);
        for series in &discovery.series {
            let Ok(Assembled { volume, .. }) = assembled(series, &keep()) else { continue };
            // only an end slice may be missing
            let slices_left = volume.grid().shape_zyx()[0];
            let first = usize::from(which == 0 && slices_left < slices.len());
            prop_assert!(slices_left == slices.len() || which == 0 || which + 1 == slices.len());
            let samples = 64;
            let wanted = &expected.volume.as_slice()[first * samples..(first + slices_left) * samples];
            prop_assert_eq!(volume.as_slice(), wanted);
        }
    }
}

/// 24 turns of the cube and 8 ways to lie: the same places hold the same values.
#[test]
fn p4_the_way_slices_lie_changes_no_place() {
    let expected = values_by_place(&load(&Plane::cube(DVec3::X, DVec3::Y)).unwrap().volume);
    assert_eq!((turns().len(), expected.len()), (24, 11 * 11 * 11));
    let turned = turns().into_iter().map(|turn| (turn.x_axis, turn.y_axis));
    for (row, column) in turned.chain(eight_positions().map(|(_, row, column)| (row, column))) {
        let volume = load(&Plane::cube(row, column)).unwrap().volume;
        assert!(values_by_place(&volume) == expected, "{row} {column}");
    }
}

/// Every lossless coding of the same samples gives the same volume.
#[test]
fn p6_lossless_codings_give_the_same() {
    let slices = chest(6, 60.0, 12.0);
    let expected = load(&slices).unwrap();
    for encoding in [Encoding::Implicit, Encoding::BigEndian] {
        assert_eq!(load(&with(slices.clone(), |slice| slice.encoding = encoding)).unwrap(), expected);
    }
    let side = usize::from(CHEST_SIDE);
    for coding in [encoders::RLE, encoders::JPEG_LOSSLESS_SV1, encoders::JPEG_LS] {
        let folder = tempfile::tempdir().unwrap();
        for (index, slice) in slices.iter().enumerate() {
            let image = Image { rows: side, columns: side, bits: 12, samples: slice.pixels.clone() };
            let codestream = match coding {
                encoders::RLE => encoders::rle(&image, 2),
                encoders::JPEG_LS => jpeg_ls(&image, NearLossless::default()).0,
                _ => encoders::jpeg_lossless(&image, encoders::SV1),
            };
            let bytes = encoders::encapsulated(slice, coding, &[&codestream]);
            std::fs::write(folder.path().join(index.to_string()), bytes).unwrap();
        }
        assert_eq!(assembled(&found(&folder)[0], &keep()).unwrap(), expected, "{coding}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Positions and directions of every size: an answer, no panic, and no memory beyond the bound.
    #[test]
    fn positions_of_any_size_get_an_answer(
        places in prop::collection::vec(prop::array::uniform3(prop::sample::select(EXTREMES)), 3..6),
        column in prop::sample::select(["0\\1\\0", "0\\0.6\\0.8", "0\\0\\-1"].as_slice()),
    ) {
        let mut slices = series(places.len(), 2.0);
        for (slice, [x, y, z]) in slices.iter_mut().zip(&places) {
            slice.text(ct::POSITION, "DS", &format!("{x}\\{y}\\{z}"));
            slice.text(ct::ORIENTATION, "DS", &format!("1\\0\\0\\{column}"));
        }
        let settings = AssembleSettings { irregular: Irregular::Resample, most_voxels: 1 << 20, ..keep() };
        let folder = folder_of(&slices);
        for series in found(&folder) {
            if let Ok(Assembled { volume, .. }) = assembled(&series, &settings) {
                prop_assert!(volume.grid().patient_from_voxel().is_finite());
            }
        }
    }
}

const EXTREMES: &[&str] =
    &["0", "1", "2", "4.5", "-3", "1e-300", "1e16", "-1e16", "1e154", "1e200", "1e308", "-1e308"];
