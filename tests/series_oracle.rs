//! Real series and real files against what other tools read from them.
//!
//! ORIGIN: `series_oracle.json` and `pixel_oracle.csv` of the data folder, made with pydicom 3.0.2 and
//! pylibjpeg (stored value * slope + intercept, slices ordered by Image Position (Patient) along
//! the normal). Hashes are compared exactly: the conversion is integer arithmetic in both tools.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use glam::DVec3;
use pulmo::dicom::{AssembleSettings, Assembled, Padding, assemble, discover, stored_pixels};
use pulmo::findings::Code;
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
fn load(folder: &Path) -> Result<Assembled, Code> {
    let mut series = discover(&[folder.to_path_buf()]).series;
    series.sort_by_key(|series| series.slices.len());
    assemble(&series.pop().expect("a series"), &keep_padding()).map_err(|error| error.code())
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

#[test]
fn series_agree_with_the_oracle_or_are_refused_for_their_reason() {
    // what must be refused, or differs from a plain stack of all files, and why
    let refused: BTreeMap<&str, Code> = BTreeMap::from([
        // 18.5 degrees of tilt, and the spacing changes from 4.0 to 7.0 mm besides
        ("hazards/ge_head_tilt_variable_spacing", Code::Tilt),
        // Rescale Type says US, unspecified: 0 to 696 are no Hounsfield units
        ("hazards/flipped_orientation", Code::NotHounsfield),
    ]);
    let Some(data) = common::data_folder() else { return };
    let oracle = std::fs::read(data.join("series_oracle.json")).unwrap();
    let oracle: Vec<Value> = serde_json::from_slice(&oracle).unwrap();
    assert_eq!(oracle.len(), 8);
    for expected in &oracle {
        let path = expected["path"].as_str().unwrap();
        if path == "hazards/sagittal_reformat" {
            continue; // two orientations in one series: see below
        }
        let start = Instant::now();
        let loaded = load(&data.join(path));
        eprintln!("{path}: {:.2} s", start.elapsed().as_secs_f64());
        match refused.get(path) {
            Some(code) => assert_eq!(loaded.err(), Some(*code), "{path}"),
            None => check_against(expected, &loaded.unwrap_or_else(|code| panic!("{path}: {code}"))),
        }
    }
}

#[test]
fn a_flipped_orientation_gives_a_right_grid() {
    let Some(data) = common::data_folder() else { return };
    let series = discover(&[data.join("hazards/flipped_orientation")]).series;
    let stack = pulmo::dicom::Stack::new(&series[0].slices, &Default::default()).unwrap();
    let [z, y, x] = stack.grid.direction();
    assert_eq!((z, y, x), (DVec3::Z, DVec3::NEG_Y, DVec3::NEG_X));
    assert_eq!(stack.grid.shape_zyx(), [17, 128, 88]);
    assert!(stack.grid.origin_mm().distance(DVec3::new(82.1807, 122.163, -24.707)) < 1e-9);
}

/// ORIGIN: positions read with pydicom 3.0.2: one coronal image (1-001) and 19 sagittal ones at 3 mm,
/// x from 173.848434 to 227.848434. Rows run to the back, columns to the feet, so the normal is -x.
#[test]
fn a_coronal_image_among_sagittal_ones_is_kept_apart() {
    let Some(data) = common::data_folder() else { return };
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

/// What became of one file of the pixel oracle.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Same,
    /// Other bytes, but least and largest value within 2 of the oracle's.
    Near,
    Different,
    Refused(Code),
}

fn compare(path: &Path, row: &BTreeMap<String, String>) -> Outcome {
    let pixels = match stored_pixels(path) {
        Ok(pixels) => pixels,
        Err(error) => return Outcome::Refused(error.code()),
    };
    let is_byte = row["dtype"].ends_with('8');
    let is_near = |value: Option<i32>, key: &str| value.unwrap().abs_diff(row[key].parse().unwrap()) <= 2;
    let bytes = pixels.values().flat_map(|value| {
        let [low, high, ..] = value.to_le_bytes();
        [low, high].into_iter().take(if is_byte { 1 } else { 2 })
    });
    if sha256(bytes) == row["pixel_sha256_le"] {
        Outcome::Same
    } else if is_near(pixels.values().min(), "min") && is_near(pixels.values().max(), "max") {
        Outcome::Near
    } else {
        Outcome::Different
    }
}

#[test]
fn stored_pixels_agree_with_the_oracle() {
    // CT rows that pydicom decodes and pulmo refuses or decodes otherwise, and why
    let cornerstone = "conformance/cornerstone/CTImage.dcm_JPEG";
    let expected: BTreeMap<String, Outcome> = [
        // JPEG-LS has no decoder yet
        (format!("{cornerstone}LSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm"), Code::TransferSyntax),
        (format!("{cornerstone}LSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm"), Code::TransferSyntax),
        ("conformance/wg04/JLSL/CT1_JLSL".into(), Code::TransferSyntax),
        ("conformance/wg04/JLSL/CT2_JLSL".into(), Code::TransferSyntax),
        ("conformance/wg04/JLSN/CT1_JLSN".into(), Code::TransferSyntax),
        ("conformance/wg04/JLSN/CT2_JLSN".into(), Code::TransferSyntax),
        // lossy JPEG of 12 bits, which the decoder does not know
        (format!("{cornerstone}Process2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm"), Code::Codec),
        // multi-frame
        (
            "conformance/cornerstone/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm".into(),
            Code::FunctionalGroups,
        ),
        ("conformance/pydicom_data/eCT_Supplemental.dcm".into(), Code::FunctionalGroups),
    ]
    .into_iter()
    .map(|(name, code)| (name, Outcome::Refused(code)))
    // lossy JPEG of 8 bits: decoders may round the inverse cosine transform differently
    .chain([(format!("{cornerstone}Process1TransferSyntax_1.2.840.10008.1.2.4.50.dcm"), Outcome::Near)])
    .collect();
    let Some(data) = common::data_folder() else { return };
    let mut reader = csv::Reader::from_path(data.join("pixel_oracle.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 640);
    let mut tally: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row["modality"] == "CT" && row["error"].is_empty()) {
        let outcome = compare(&data.join(&row["path"]), row);
        *tally.entry((row["transfer_syntax"].clone(), format!("{outcome:?}"))).or_default() += 1;
        let name = row["path"].as_str();
        if &outcome != expected.get(name).unwrap_or(&Outcome::Same) {
            wrong.push((name, outcome));
        }
    }
    for ((transfer_syntax, outcome), files) in &tally {
        eprintln!("{transfer_syntax:24} {outcome:28} {files}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
    let Some(data) = common::data_folder() else { return };
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
