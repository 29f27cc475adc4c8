//! Real series against what other tools read from them.
//!
//! ORIGIN: `series_oracle.json` of the data folder, made with pydicom 3.0.2 and pylibjpeg (stored value
//! times slope plus intercept, slices ordered by Image Position (Patient) along the normal). Hashes are
//! compared exactly: the conversion is integer arithmetic in both tools.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use glam::DVec3;
use pulmo_scan::dicom::{
    AssembleSettings, Assembled, GeometrySettings, Irregular, Padding, Unspecified, assemble, discover,
    stored_pixels,
};
use pulmo_scan::findings::Code;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn keep_padding() -> AssembleSettings {
    AssembleSettings { padding: Padding::Keep, ..AssembleSettings::default() }
}

fn sha256(bytes: impl IntoIterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.into_iter().collect();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The one series in `folder` with most slices.
fn load(folder: &Path, settings: &AssembleSettings) -> Result<Assembled, Code> {
    let mut series = discover(&[folder.to_path_buf()]).series;
    series.sort_by_key(|series| series.slices.len());
    assemble(&series.pop().expect("a series"), settings).map_err(|error| error.code())
}

fn check_against(expected: &Value, assembled: &Assembled) {
    let grid = assembled.volume.grid();
    let shape: Vec<f64> = grid.shape_zyx().iter().map(|n| *n as f64).collect();
    assert_eq!(shape, numbers(&expected["shape_zyx"]));
    let [z_mm, y_mm, x_mm] = grid.spacing_mm();
    let [least, most] = numbers(&expected["spacing_z_mm"])[..] else { panic!("two spacings") };
    // positions are written with 6 decimals at most
    assert!(least - 1e-5 <= z_mm && z_mm <= most + 1e-5, "{z_mm} mm between slices");
    let [row_mm, column_mm] = numbers(&expected["pixel_spacing_mm"])[..] else { panic!("two spacings") };
    assert!((y_mm - row_mm).abs() < 1e-9 && (x_mm - column_mm).abs() < 1e-9);
    let first = DVec3::from_slice(&numbers(&expected["first_image_position_patient_mm"]));
    assert!(grid.origin_mm().distance(first) < 1e-9);
    let hu = assembled.volume.as_slice().iter().flat_map(|hu| {
        assert_eq!(hu.fract(), 0.0);
        (*hu as i16).to_le_bytes()
    });
    assert_eq!(sha256(hu), expected["hu_sha256_i16_le_zyx"].as_str().unwrap());
}

/// What a series needs to load otherwise than by default, and the warnings that it then comes with.
fn expected_answer(path: &str) -> (Option<Code>, &'static [Code]) {
    match path {
        // 18.5 degrees of tilt, and the spacing changes from 4.0 to 7.0 mm besides
        "hazards/ge_head_tilt_variable_spacing" => (Some(Code::Tilt), &[]),
        // Rescale Type says US, unspecified; 0 to 696 with air at 0 are no Hounsfield units but those of
        // a magnetic resonance image in a CT's dress. Patient Position HFS contradicts the rows.
        "hazards/flipped_orientation" => {
            (Some(Code::NotHounsfield), &[Code::PatientPosition, Code::RescaleType])
        }
        _ => (None, &[]),
    }
}

#[test]
fn series_agree_with_the_oracle_or_are_refused_for_their_reason() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let oracle = std::fs::read(data.join("series_oracle.json")).unwrap();
    let oracle: Vec<Value> = serde_json::from_slice(&oracle).unwrap();
    assert_eq!(oracle.len(), 8);
    let accepting = AssembleSettings { unspecified: Unspecified::Accept, ..keep_padding() };
    for expected in &oracle {
        let path = expected["path"].as_str().unwrap();
        if path == "hazards/sagittal_reformat" {
            continue; // two orientations in one series: see below
        }
        let (refused, warnings) = expected_answer(path);
        let start = Instant::now();
        let loaded = load(&data.join(path), &keep_padding());
        eprintln!("{path}: {:.2} s", start.elapsed().as_secs_f64());
        assert_eq!(loaded.as_ref().err(), refused.as_ref(), "{path}");
        match refused {
            None => assert_eq!(loaded.as_ref().unwrap().warnings, warnings, "{path}"),
            Some(Code::NotHounsfield) => (),
            Some(_) => continue,
        }
        // whatever the unit, stored value x slope + intercept is the oracle's
        let assembled = load(&data.join(path), &accepting).unwrap();
        assert_eq!(assembled.warnings, warnings, "{path}");
        check_against(expected, &assembled);
    }
}

/// ORIGIN: values interpolated with scipy 1.17.1 (`RegularGridInterpolator`, linear) within the slices
/// that pydicom 3.0.2 reads, and linearly between the two slices around each place, for random places
/// of the grid (slice, row, column) that are no air. Within 0.02 HU: values of 16 bits, positions of 7
/// decimals.
#[test]
fn a_tilted_uneven_series_is_resampled_on_request() {
    const EXPECTED: [([usize; 3], f32); 12] = [
        ([3, 226, 231], -19.76),
        ([22, 282, 172], 16.72),
        ([5, 362, 337], 1017.6),
        ([14, 437, 260], 32.04),
        ([15, 263, 313], 24.43),
        ([21, 165, 338], 41.38),
        ([10, 221, 306], 205.96),
        ([24, 364, 384], 50.45),
        ([11, 152, 189], 12.58),
        ([1, 438, 311], 28.52),
        ([7, 393, 246], 36.61),
        ([1, 196, 327], 1729.96),
    ];
    let Some(data) = pulmo_forge::data_folder() else { return };
    let settings = AssembleSettings { irregular: Irregular::Resample, ..keep_padding() };
    let assembled = load(&data.join("hazards/ge_head_tilt_variable_spacing"), &settings).unwrap();
    assert_eq!(assembled.warnings, [Code::Regularized]);
    let grid = assembled.volume.grid();
    assert_eq!(grid.shape_zyx(), [37, 611, 512]);
    assert!((grid.spacing_mm()[0] - 4.001_925_788_644).abs() < 1e-9);
    assert!(grid.origin_mm().distance(DVec3::new(-125.0, -169.382_269, 21.174_516)) < 1e-5);
    for (at, expected) in EXPECTED {
        let found = assembled.volume.voxels()[at];
        assert!((found - expected).abs() < 0.02, "{at:?}: {found}, not {expected}");
    }
}

/// Whether the lungs are in the volume: whole in the three chests, cut in the base of a lung, absent in
/// a head.
#[test]
fn coverage_of_real_series() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let settings = AssembleSettings { irregular: Irregular::Resample, ..AssembleSettings::lung() };
    let geometry = GeometrySettings { least_slices: 3, least_extent_mm: 0.0, ..settings.geometry };
    let settings = AssembleSettings { geometry, ..settings };
    for (path, expected) in [
        ("covid_ct_md/P002", None),
        ("covid_ct_md/cap002", None),
        ("covid_ct_md/normal001", None),
        ("hazards/siemens_j2k_partial_lung", Some(Code::Coverage)),
        ("hazards/ge_head_tilt_variable_spacing", Some(Code::Coverage)),
    ] {
        assert_eq!(load(&data.join(path), &settings).err(), expected, "{path}");
    }
}

#[test]
fn a_flipped_orientation_gives_a_right_grid() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let series = discover(&[data.join("hazards/flipped_orientation")]).series;
    let stack = pulmo_scan::dicom::Stack::new(&series[0].slices, &Default::default()).unwrap();
    let [z, y, x] = stack.grid.direction();
    assert_eq!((z, y, x), (DVec3::Z, DVec3::NEG_Y, DVec3::NEG_X));
    assert_eq!(stack.grid.shape_zyx(), [17, 128, 88]);
    assert!(stack.grid.origin_mm().distance(DVec3::new(82.1807, 122.163, -24.707)) < 1e-9);
}

/// ORIGIN: positions read with pydicom 3.0.2: one coronal image (1-001) and 19 sagittal ones at 3 mm,
/// x from 173.848434 to 227.848434. Rows run to the back, columns to the feet, so the normal is -x.
#[test]
fn a_coronal_image_among_sagittal_ones_is_kept_apart() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let series = discover(&[data.join("hazards/sagittal_reformat")]).series;
    let slices: Vec<usize> = series.iter().map(|series| series.slices.len()).collect();
    assert_eq!(slices, [1, 19]);
    assert_eq!(assemble(&series[0], &keep_padding()).err().map(|e| e.code()), Some(Code::FewSlices));
    let sagittal = assemble(&series[1], &keep_padding()).unwrap();
    assert_eq!(sagittal.warnings, [Code::Mixed]);
    let grid = sagittal.volume.grid();
    assert_eq!(grid.shape_zyx(), [19, 512, 512]);
    assert_eq!(grid.direction(), [DVec3::NEG_X, DVec3::NEG_Z, DVec3::Y]);
    assert!((grid.spacing_mm()[0] - 3.0).abs() < 1e-6);
    assert!(grid.origin_mm().distance(DVec3::new(227.848434, -174.726562, 32.627502)) < 1e-9);
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] })
        .collect()
}

/// No panic gets out, and each file of the conformance sets gets an answer.
#[test]
fn every_conformance_file_gets_an_answer() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for path in files_in(&data.join("conformance")) {
        let answer = stored_pixels(&path).map_or_else(|error| error.code().to_string(), |_| "decoded".into());
        *answers.entry(answer).or_default() += 1;
    }
    eprintln!("{answers:?}");
    let discovery = discover(&[data.join("conformance")]);
    for series in &discovery.series {
        let answer = assemble(series, &keep_padding());
        eprintln!(
            "{} slices, {} set aside: {}",
            series.slices.len(),
            series.set_aside.len(),
            answer
                .map_or_else(|error| error.code().to_string(), |volume| format!("OK {:?}", volume.warnings))
        );
    }
    assert!(discovery.series.len() > 10 && !discovery.refused.is_empty() && !discovery.others.is_empty());
}
