//! What is measured is what predicts: every way to score a case gives the same bits on the CPU.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use pulmo::bundle::{Axis, Bundle, Calibration, FORMAT, Manifest, Origin, embedded, save_weights};
use pulmo::files::{Gzip, write_nifti};
use pulmo::metrics::CalibrationMap;
use pulmo::network::{EncoderConfig, Network, NetworkConfig, NetworkKind, ResidualConfig};
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::random::Random;
use serde_json::Value;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn pulmo(folder: &Path, arguments: &str, code: i32) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A bundle of one network with drawn weights: it knows nothing, and answers.
fn drawn(kind: NetworkKind, chain: &str, seed: u64) -> Bundle {
    let encoder =
        EncoderConfig::Residual(ResidualConfig { widths: vec![8, 12], depths: vec![1, 1], ..Default::default() });
    let config = NetworkConfig { kind, encoder, neighbours: 0, attention_units: 8, dropout: 0.0 };
    let weights = save_weights(&Network::new(&config, 2, seed).unwrap()).unwrap();
    let manifest = Manifest {
        format: FORMAT,
        name: format!("drawn-{seed}"),
        description: String::new(),
        classes: ["normal", "nodule"].map(str::to_owned).to_vec(),
        threshold: Some(0.5),
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: vec![Axis::X, Axis::Y],
        chain: toml::from_str(chain).unwrap(),
        golden: None,
        calibration: None,
        origin: Origin::default(),
    };
    Bundle::new(manifest, config, weights).unwrap()
}

/// A bundle, an ensemble of it with another one, and both calibrated.
fn family(first: Bundle, other: &[Bundle]) -> Vec<Bundle> {
    let together = Bundle::ensemble("ensemble", &first, other).unwrap();
    let calibrated = |bundle: &Bundle| {
        let map = CalibrationMap::Temperature { temperature: 1.7 };
        let uncalibrated_threshold = bundle.manifest().threshold;
        let calibration = Calibration { cases: 9, data_sha256: String::new(), uncalibrated_threshold, map };
        bundle.clone().calibrated(calibration, Some(0.45)).unwrap()
    };
    vec![calibrated(&first), calibrated(&together), first, together]
}

const PICTURES: &str = "[[step]]\nkind = 'scale'\nfrom = [0.0, 255.0]\nto = [0.0, 1.0]\n\
                        [[step]]\nkind = 'resize'\nshape = [1, 32, 32]\n";

/// Pictures of noise, of several sizes.
fn pictures(folder: &Path, count: usize) -> Vec<PathBuf> {
    let picture = |index: usize| {
        let mut random = Random::keyed(11, &[index as u64]);
        let [width, height] = [30 + 3 * (index as u32 % 5), 40 - 2 * (index as u32 % 7)];
        let picture =
            GrayImage::from_fn(width, height, |_, _| Luma([(120.0 + 50.0 * random.normal()).clamp(0.0, 255.0) as u8]));
        let path = folder.join(format!("{index:02}.png"));
        picture.save(&path).unwrap();
        path
    };
    (0..count).map(picture).collect()
}

/// Chest phantoms as DICOM series and the same as NIfTI.
fn chests(folder: &Path) -> Vec<PathBuf> {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(5.0), ..PhantomSettings::default() };
    let pair = |index: usize| {
        let study = Study::generate(&settings, 31, index).unwrap();
        let [series, nifti] = [format!("series-{index}"), format!("{index}.nii.gz")].map(|name| folder.join(name));
        study.write(&series).unwrap();
        write_nifti(&nifti, study.volume(), Gzip::Yes).unwrap();
        [series, nifti]
    };
    (0..3).flat_map(pair).collect()
}

/// A manifest of `paths`, the classes in turn.
fn manifest(folder: &Path, paths: &[PathBuf]) {
    let row = |(index, path): (usize, &PathBuf)| format!("{},{}\n", text(path), ["normal", "nodule"][index / 2 % 2]);
    let rows: String = paths.iter().enumerate().map(row).collect();
    std::fs::write(folder.join("manifest.csv"), format!("path,label\n{rows}")).unwrap();
}

/// The bits of each path's probabilities.
type Bits = BTreeMap<String, [u32; 2]>;

fn predicted(folder: &Path, paths: &[PathBuf], options: &str) -> Bits {
    let paths: Vec<&str> = paths.iter().map(|path| text(path)).collect();
    let output = pulmo(folder, &format!("predict --device cpu {options} {}", paths.join(" ")), 0);
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    let bits = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let of = |class: &str| (line["probabilities"][class].as_f64().unwrap() as f32).to_bits();
        (line["path"].as_str().unwrap().to_owned(), ["normal", "nodule"].map(of))
    };
    lines.map(bits).collect()
}

fn evaluated(folder: &Path, options: &str) -> Bits {
    pulmo(folder, &format!("evaluate --device cpu {options} --data manifest.csv --out measured"), 0);
    let mut reader = csv::Reader::from_path(folder.join("measured/predictions.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|cell| cell == name).unwrap();
    let [path, normal, nodule] = ["path", "probability_normal", "probability_nodule"].map(column);
    let bits = |row: csv::StringRecord| {
        (row[path].to_owned(), [normal, nodule].map(|place| row[place].parse::<f32>().unwrap().to_bits()))
    };
    reader.records().map(|row| bits(row.unwrap())).collect()
}

#[test]
fn predict_and_evaluate_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = embedded().unwrap();
    let chain = toml::to_string(&shipped.manifest().chain).unwrap();
    let of_pictures = |seed| drawn(NetworkKind::Slice, PICTURES, seed);
    let chests = chests(folder.path());
    let families = [
        (pictures(folder.path(), 37), family(of_pictures(1), &[of_pictures(2)])),
        (chests.clone(), family(drawn(NetworkKind::Mil, &chain, 3), &[drawn(NetworkKind::Mil, &chain, 4)])),
        (chests, vec![shipped]),
    ];
    for (paths, bundles) in families {
        manifest(folder.path(), &paths);
        for bundle in bundles {
            bundle.write(&folder.path().join("bundle")).unwrap();
            let mut said = Vec::new();
            for options in ["--bundle bundle", "--bundle bundle --tta"] {
                let found = predicted(folder.path(), &paths, options);
                assert_eq!(found.len(), paths.len());
                assert_eq!(found, evaluated(folder.path(), options), "{} {options}", bundle.manifest().name);
                said.push(found);
            }
            let mirrors = bundle.manifest().mirrors.len();
            assert_eq!(said[0] != said[1], mirrors > 0, "mirror images are looked at");
        }
    }
}
