//! From a manifest to an ensemble without a setting written by hand: plan, folds, ensemble, mirror images.

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
use ndarray::{Array3, s};
use pulmo::bundle::{Bundle, BundleError};
use pulmo::files::read_picture;
use pulmo::network::Compute;
use pulmo::predict::Predictor;
use pulmo::preprocess::Processor;
use pulmo::random::Random;
use pulmo::train::Recipe;
use serde_json::Value;

const CASES: usize = 30;

/// Pictures of noise, every second patient's with a bright disc left of the middle; two of each patient.
fn discs(folder: &Path) -> PathBuf {
    let mut manifest = "path,label,patient_id\n".to_owned();
    for index in 0..CASES {
        let mut random = Random::keyed(9, &[index as u64]);
        let class = index / 2 % 2;
        let centre = [random.uniform(8.0, 22.0), random.uniform(6.0, 12.0)];
        let picture = GrayImage::from_fn(32, 30, |x, y| {
            let inside = (f64::from(y) - centre[0]).hypot(f64::from(x) - centre[1]) < 5.0;
            let disc = if inside && class == 1 { 100.0 } else { 0.0 };
            Luma([(80.0 + disc + 20.0 * random.normal()).clamp(0.0, 255.0) as u8])
        });
        let name = format!("{index}.png");
        picture.save(folder.join(&name)).unwrap();
        manifest += &format!("{name},{},p{}\n", ["empty", "disc"][class], index / 2);
    }
    let path = folder.join("manifest.csv");
    std::fs::write(&path, manifest).unwrap();
    path
}

fn pulmo(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The rows of `folds.csv`: every case once, patients in one fold, five folds.
fn check_table(path: &Path) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let expected =
        ["path", "patient_id", "label", "fold", "prediction", "probability_disc", "probability_empty"];
    assert_eq!(header, expected);
    let (mut paths, mut folds) = (Vec::new(), BTreeMap::new());
    for row in reader.records().map(Result::unwrap) {
        paths.push(row[0].to_owned());
        assert_eq!(*folds.entry(row[1].to_owned()).or_insert(row[3].to_owned()), row[3]);
        let sum: f64 = [5, 6].iter().map(|&column| row[column].parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
    assert_eq!(paths, (0..CASES).map(|index| format!("{index}.png")).collect::<Vec<_>>());
    let used: std::collections::BTreeSet<&String> = folds.values().collect();
    assert_eq!(used.len(), 5);
}

fn probabilities(bundle: &Bundle, volume: &Array3<f32>) -> Vec<f32> {
    let predictor = Predictor::new(bundle, &Compute::cpu());
    predictor.predict(&[volume]).unwrap().remove(0).probabilities
}

fn assert_near(found: &[f32], expected: &[f32]) {
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    (0..rows[0].len())
        .map(|class| rows.iter().map(|row| row[class]).sum::<f32>() / rows.len() as f32)
        .collect()
}

#[test]
fn a_manifest_becomes_an_ensemble_without_a_setting() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let manifest = discs(folder.path());
    let (recipe, out) = (at("recipe.toml"), at("out"));
    pulmo(&["plan", text(&manifest), "--out", text(&recipe)]);
    let planned = Recipe::read(&recipe).unwrap();
    assert_eq!((planned.split.folds, planned.classes.len()), (5, 2));
    let reasons =
        std::fs::read_to_string(&recipe).unwrap().lines().filter(|line| line.starts_with("# ")).count();
    assert!(reasons > 20, "{reasons}");
    let run = ["train", "--recipe", text(&recipe), "--data", text(&manifest), "--out", text(&out)];
    pulmo(&[&run[..], &["--device", "cpu"]].concat());
    check_table(&out.join("folds.csv"));
    let metrics: Value = serde_json::from_slice(&std::fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["n"], CASES);
    assert!(metrics["metrics"]["roc_auc"]["value"].as_f64().unwrap() > 0.9, "{metrics}");

    let members: Vec<PathBuf> = (0..5).map(|fold| out.join(format!("fold-{fold}"))).collect();
    let ensemble = at("ensemble");
    let mut arguments = vec!["ensemble"];
    arguments.extend(members.iter().map(|member| text(member)));
    pulmo(&[&arguments[..], &["--out", text(&ensemble)]].concat());
    check_mean(&ensemble, &members, &at("3.png"));
    check_mirrors(&ensemble, &at("3.png"));
    check_evaluation(&ensemble, &manifest, &at("evaluated"));
    let damaged = ensemble.join("weights-1.safetensors");
    let mut bytes = std::fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let error = Bundle::open(&ensemble).unwrap_err();
    assert!(matches!(&error, BundleError::Hash { file, .. } if file == "weights-1.safetensors"), "{error}");
}

fn preprocessed(bundle: &Bundle, picture: &Path) -> Array3<f32> {
    let volume = read_picture(picture).unwrap().volume;
    bundle.manifest().chain.run(volume, &Processor::Cpu).unwrap().into_parts().1
}

/// The ensemble gives the mean of what its members give.
fn check_mean(ensemble: &Path, members: &[PathBuf], picture: &Path) {
    let ensemble = Bundle::open(ensemble).unwrap();
    let volume = preprocessed(&ensemble, picture);
    let rows: Vec<Vec<f32>> =
        members.iter().map(|member| probabilities(&Bundle::open(member).unwrap(), &volume)).collect();
    assert_ne!(rows[0], rows[1]);
    assert_near(&probabilities(&ensemble, &volume), &mean(&rows));
}

/// `--tta` gives the mean of the picture and its mirror image, and says so.
fn check_mirrors(ensemble: &Path, picture: &Path) {
    let arguments = ["predict", text(picture), "--bundle", text(ensemble), "--device", "cpu"];
    let line = |more: &[&str]| -> Value {
        serde_json::from_slice(&pulmo(&[&arguments[..], more].concat()).stdout).unwrap()
    };
    let (plain, mirrored) = (line(&[]), line(&["--tta"]));
    assert_eq!((plain["views"].as_u64(), mirrored["views"].as_u64()), (Some(1), Some(2)));
    let bundle = Bundle::open(ensemble).unwrap();
    let volume = preprocessed(&bundle, picture);
    let flipped = volume.slice(s![.., .., ..;-1]).as_standard_layout().into_owned();
    let rows = [probabilities(&bundle, &volume), probabilities(&bundle, &flipped)];
    assert_ne!(rows[0], rows[1]);
    let of = |line: &Value| -> Vec<f32> {
        let classes = &bundle.manifest().classes;
        classes.iter().map(|class| line["probabilities"][class].as_f64().unwrap() as f32).collect()
    };
    assert_near(&of(&plain), &rows[0]);
    assert_near(&of(&mirrored), &mean(&rows));
}

fn check_evaluation(ensemble: &Path, manifest: &Path, out: &Path) {
    let fixed = ["evaluate", "--data", text(manifest), "--bundle", text(ensemble), "--out", text(out)];
    pulmo(&[&fixed[..], &["--tta", "--device", "cpu"]].concat());
    let provenance: Value =
        serde_json::from_slice(&std::fs::read(out.join("provenance.json")).unwrap()).unwrap();
    assert_eq!((provenance["views"].as_u64(), provenance["bundle"].as_str()), (Some(2), Some("ensemble")));
}
