//! What is unlike a bundle's training gets no score, but a verdict with the figures of both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Axis, s};
use pulmo::bundle::{Bundle, BundleError, embedded, sha256_hex};
use pulmo::dicom::Partial;
use pulmo::domain::DomainConfig;
use pulmo::engine::{Engine, Outside};
use pulmo::findings::{Code, Observation, Verdict};
use pulmo::gpu::{Choice, Compute};
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::random::Random;
use pulmo::train::{DomainJob, Event, Job, LeakPolicy, Recipe, fit_domain, train};
use pulmo::volume::Volume;
use pulmo_forge::discs::{RECIPE, discs};

fn shipped() -> PathBuf {
    PathBuf::from("models/lung-nodule-phantom")
}

fn cpu() -> Compute {
    Compute::open(Choice::Cpu).unwrap()
}

/// A study of the kind that the shipped bundle was trained on, of a seed that it was not.
fn study() -> Volume {
    Study::generate(&PhantomSettings::default(), 4711, 0).unwrap().volume().clone()
}

fn seen(engine: &Engine, volume: Volume) -> Observation {
    engine.observe_volume(Path::new("a"), volume)
}

#[test]
fn a_study_like_training_is_scored_and_one_unlike_is_refused_with_its_figures() {
    let bundle = embedded().unwrap();
    let engine = Engine::new(&bundle, &cpu());
    let like = seen(&engine, study());
    assert_eq!(like.verdict, Verdict::Ok);
    assert!(like.prediction.is_some());
    let mut random = Random::new(1);
    let noise: Vec<f32> = (0..10_007).map(|_| 120.0 * random.normal() as f32).collect();
    let (grid, mut voxels) = study().into_parts();
    voxels
        .iter_mut()
        .enumerate()
        .for_each(|(index, hu)| *hu = (*hu + noise[index % noise.len()]).clamp(-1000.0, 1500.0));
    let loud = seen(&engine, Volume::new(grid, voxels).unwrap());
    assert!(matches!(loud.verdict, Verdict::OutOfDistribution(_)), "{:?}", loud.verdict);
    assert!(loud.verdict.codes().contains(&Code::DomainNoise), "{:?}", loud.verdict);
    assert!(loud.prediction.is_none() && loud.grids.is_none());
    let told = loud.verdict.reasons().iter().find(|reason| **reason == Code::DomainNoise).unwrap();
    assert!(told.message.starts_with("noise: ") && told.message.contains("HU, where the bundle knows"));
}

#[test]
fn half_a_chest_is_not_the_bundles_domain() {
    let (grid, voxels) = study().into_parts();
    let [slices, rows, columns] = grid.shape_zyx();
    let kept = slices / 2;
    let half = voxels.slice(s![..kept, .., ..]).to_owned();
    let half = Volume::new(grid.window([0; 3], [kept, rows, columns]).unwrap(), half).unwrap();
    let bundle = embedded().unwrap();
    let refused = seen(&Engine::new(&bundle, &cpu()), half.clone());
    assert!(refused.verdict.codes().contains(&Code::DomainLungCut), "{:?}", refused.verdict);
    let engine = Engine::new(&bundle, &cpu()).with_outside(Outside::Warn);
    let scored = seen(&engine, half);
    assert!(matches!(scored.verdict, Verdict::OkWarn(_)), "{:?}", scored.verdict);
    assert!(scored.verdict.codes().contains(&Code::DomainLungCut) && scored.prediction.is_some());
}

/// Trains on discs; the bundle's folder.
fn trained(folder: &Path, more: &str) -> PathBuf {
    let manifest = discs(&folder.join("data"), 120);
    let path = folder.join("recipe.toml");
    std::fs::write(&path, format!("{RECIPE}{more}")).unwrap();
    let job = Job {
        recipe: Recipe::read(&path).unwrap(),
        cases: pulmo::cohort::read_manifest(&manifest).unwrap(),
        init: None,
        out: folder.join("bundle"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    train(&job, &|_| {}).unwrap();
    job.out
}

fn predict(bundle: &Path, more: &[&str]) -> (i32, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo"))
        .args(["predict", "--device", "cpu", "--bundle", bundle.to_str().unwrap()])
        .args(more)
        .output()
        .unwrap();
    let line = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), line)
}

#[test]
fn training_gives_a_domain_by_which_pictures_of_something_else_have_no_score() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = trained(folder.path(), "");
    let domain = Bundle::open(&bundle).unwrap().domain().cloned().expect("training fits a domain");
    assert_eq!((domain.boundary().train_cases, domain.boundary().validation_cases), (96, 24));
    assert!(domain.boundary().ranges.is_empty(), "pictures have no facts");
    let disc = folder.path().join("data/1.npy");
    let (exit, line) = predict(&bundle, &[disc.to_str().unwrap()]);
    assert_eq!((exit, &line["status"]), (0, &"OK".into()), "{line}");
    let stripes: Vec<f32> = (0..576).map(|pixel| ((pixel / 24) % 2) as f32).collect();
    let path = folder.path().join("stripes.npy");
    pulmo::files::write_npy(&path, &[24, 24], &stripes).unwrap();
    let stripes = path.to_str().unwrap();
    let (exit, line) = predict(&bundle, &[stripes]);
    assert_eq!((exit, &line["status"]), (1, &"OUT_OF_DISTRIBUTION".into()), "{line}");
    assert_eq!((&line["codes"][0], line["prediction"].is_null()), (&"OOD_FEATURES".into(), true));
    assert!(line["reasons"][0]["message"].as_str().unwrap().contains("where the limit is"), "{line}");
    let (exit, line) = predict(&bundle, &["--allow-out-of-distribution", stripes]);
    assert_eq!((exit, &line["status"], &line["codes"][0]), (0, &"OK_WARN".into(), &"OOD_FEATURES".into()));
    assert!(line["prediction"].is_string());
}

#[test]
fn a_bundle_without_a_domain_scores_all_and_can_be_given_the_one_that_training_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = trained(folder.path(), "\n[domain]\nfit = false\n");
    let without = Bundle::open(&path).unwrap();
    assert!(without.domain().is_none() && !path.join("domain.safetensors").exists());
    let engine = Engine::new(&without, &cpu());
    assert_eq!(engine.provenance().domain_sha256, None);
    let job = DomainJob {
        config: DomainConfig::default(),
        cache: folder.path().join("cache"),
        compute: Compute::cpu(),
        partial: Partial::Refuse,
    };
    let cases = pulmo::cohort::read_manifest(&folder.path().join("data/manifest.csv")).unwrap();
    let no_doubt = |event: Event| {
        if let Event::Warning(what) = event {
            panic!("{what}");
        }
    };
    let given = fit_domain(&without, &cases, &job, &no_doubt).unwrap();
    let other = tempfile::tempdir().unwrap();
    let trained = Bundle::open(&trained(other.path(), "")).unwrap();
    assert_eq!(given.domain(), trained.domain());
    assert_eq!(given.manifest().weights_sha256, without.manifest().weights_sha256);
    assert!(given.manifest().domain_sha256().is_some());
    given.write(folder.path()).unwrap();
    assert_eq!(Bundle::open(folder.path()).unwrap().domain(), given.domain());
}

/// The shipped bundle with its domain's file and its manifest changed.
fn changed(
    bytes: impl FnOnce(Vec<u8>) -> Vec<u8>,
    text: impl FnOnce(String, &[u8]) -> String,
) -> BundleError {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bundle.toml", "network.json", "weights.safetensors", "domain.safetensors"] {
        std::fs::copy(shipped().join(name), folder.path().join(name)).unwrap();
    }
    let [file, toml] = ["domain.safetensors", "bundle.toml"].map(|name| folder.path().join(name));
    let bytes = bytes(std::fs::read(&file).unwrap());
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(&toml, text(std::fs::read_to_string(&toml).unwrap(), &bytes)).unwrap();
    Bundle::open(folder.path()).unwrap_err()
}

/// The manifest that names these bytes.
fn hashed(text: String, bytes: &[u8]) -> String {
    let domain = Bundle::open(&shipped()).unwrap().domain().unwrap().boundary().sha256.clone();
    text.replace(&domain, &sha256_hex(bytes))
}

#[test]
fn a_damaged_domain_is_refused() {
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let error = changed(flip, |text, _| text);
    assert!(matches!(&error, BundleError::Hash { file, .. } if file == "domain.safetensors"), "{error}");
    let cut = changed(|bytes| bytes[..bytes.len() / 2].to_vec(), hashed);
    assert!(matches!(cut, BundleError::Domain { .. }), "{cut}");
    let no_number = |mut bytes: Vec<u8>| {
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
        bytes
    };
    let error = changed(no_number, hashed);
    assert!(error.to_string().contains("finite"), "{error}");
    let limits = |text: String, _: &[u8]| {
        let start = text.find("limits = [").unwrap() + "limits = [".len();
        format!("{} -1.0, {}", &text[..start], &text[start..])
    };
    let error = changed(|bytes| bytes, limits);
    assert!(error.to_string().contains("limits"), "{error}");
    let unknown =
        changed(|bytes| bytes, |text, _| text.replace("[domain.ranges.noise_hu]", "[domain.ranges.mood]"));
    assert!(unknown.to_string().contains("mood"), "{unknown}");
}

#[test]
fn a_bundle_whose_domain_is_gone_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bundle.toml", "network.json", "weights.safetensors"] {
        std::fs::copy(shipped().join(name), folder.path().join(name)).unwrap();
    }
    let error = Bundle::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("domain.safetensors"), "{error}");
}

/// What is measured does not depend on how the slices are stored.
#[test]
fn facts_stay_when_slices_are_stored_the_other_way_round() {
    use pulmo::facts::{Fact, ScanFacts};
    use pulmo::findings::ScanProtocol;
    let volume = study();
    let facts = ScanFacts::of(&volume, &ScanProtocol::default());
    let (grid, mut voxels) = volume.into_parts();
    voxels.invert_axis(Axis(0));
    let turned = glam::DAffine3::from_scale_rotation_translation(
        glam::DVec3::new(1.0, 1.0, -1.0),
        glam::DQuat::IDENTITY,
        glam::DVec3::new(0.0, 0.0, grid.shape_zyx()[0] as f64 - 1.0),
    );
    let grid = grid.derived(grid.shape_zyx(), turned).unwrap();
    let again = ScanFacts::of(&Volume::new(grid, voxels).unwrap(), &ScanProtocol::default());
    for fact in facts.measured() {
        let [one, other] = [&facts, &again].map(|facts| facts.value(fact).unwrap());
        // Blocks of several slices begin at the other end, and every so many-th slice is another.
        let near = if fact == Fact::LungCut { 0.1 } else { 0.06 * one.abs() + 0.02 };
        assert!((one - other).abs() <= near, "{fact:?}: {one} {other}");
    }
}
