//! What evaluate, compare and calibrate promise: everything asked, on the cases asked, in files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use ndarray::Array2;
use pulmo::bundle::Bundle;
use pulmo::files::write_npy;
use pulmo::random::Random;
use serde_json::Value;

const RECIPE: &str = r#"
name = "discs"
classes = ["well", "ill"]
seed = 3

[network]
kind = "slice"
encoder = { widths = [8, 16], depths = [1, 1], pooling = "average_max" }

[chain]
step = [{ kind = "clip", low = 0.0, high = 1.0 }]

[optimizer]
kind = "adamw"
learning_rate = 0.01

[course]
epochs = 3
batch_size = 8
average_decay = 0.0
"#;

/// Noise, every second picture with a faint disc; the grey values tell a little of it. Two pictures
/// a patient, the same label; the column `site` is `north` or `south`.
fn discs(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let mut manifest = "path,label,patient_id,split,site\n".to_owned();
    for index in 0..160_usize {
        let mut random = Random::keyed(5, &[index as u64]);
        let ill = index / 2 % 2 == 1;
        let centre = [random.uniform(6.0, 18.0), random.uniform(6.0, 18.0)];
        let picture = Array2::from_shape_fn((24, 24), |(y, x)| {
            let inside = (y as f64 - centre[0]).hypot(x as f64 - centre[1]) < 3.0;
            (0.4 + if inside && ill { 0.18 } else { 0.0 } + 0.12 * random.normal()) as f32
        });
        let name = format!("{index}.npy");
        write_npy(&folder.join(&name), &[24, 24], picture.as_slice().unwrap()).unwrap();
        let split = ["train", "val", "test"][(index / 4) % 4 % 3];
        let (label, site) = (["well", "ill"][usize::from(ill)], ["north", "south"][index / 16 % 2]);
        manifest += &format!("{name},{label},p{},{split},{site}\n", index / 2);
    }
    let path = folder.join("manifest.csv");
    std::fs::write(&path, manifest).unwrap();
    path
}

/// A folder with a manifest and a bundle trained on it, made once.
struct Trained {
    folder: tempfile::TempDir,
    manifest: PathBuf,
}

static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"));
    let recipe = folder.path().join("recipe.toml");
    std::fs::write(&recipe, RECIPE).unwrap();
    let out = folder.path().join("bundle");
    let arguments = ["--recipe", text(&recipe), "--data", text(&manifest), "--out", text(&out)];
    succeed("train", &arguments, 0);
    Trained { folder, manifest }
});

impl Trained {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command on the bundle called `bundle` and the manifest.
    fn run(&self, command: &str, bundle: &str, more: &[&str]) -> Output {
        let bundle = self.path(bundle);
        let mut arguments = vec!["--bundle", text(&bundle), "--data", text(&self.manifest)];
        arguments.extend(more);
        pulmo(command, &arguments)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn pulmo(command: &str, arguments: &[&str]) -> Output {
    let device = ["--device", "cpu"].iter().filter(|_| command != "compare");
    Command::new(env!("CARGO_BIN_EXE_pulmo")).arg(command).args(arguments).args(device).output().unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{talk}");
    String::from_utf8(output.stdout.clone()).unwrap() + if code == 0 { "" } else { &talk }
}

fn succeed(command: &str, arguments: &[&str], code: i32) -> String {
    said(&pulmo(command, arguments), code)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn evaluate_tells_everything_asked() {
    let out = TRAINED.path("everything");
    let asked = ["--split", "test", "--choose-on", "val", "--at", "youden,specificity=0.8", "--by", "site"];
    let asked = [&asked[..], &["--level", "patient", "--out", text(&out)]].concat();
    let told = said(&TRAINED.run("evaluate", "bundle", &asked), 0);
    for part in ["what a network must beat", "majority", "grey values", "chosen on val", "north"] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let metrics = json(&out.join("metrics.json"));
    assert_eq!((metrics["n"].as_u64(), metrics["patient_level"]["n"].as_u64()), (Some(40), Some(20)));
    let groups = metrics["subgroups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| group["n"].as_u64().unwrap()).sum::<u64>(), 40);
    let baselines = metrics["baselines"].as_array().unwrap();
    assert_eq!(baselines[0]["metrics"]["roc_auc"]["value"], 0.5);
    // A disc of 28 of 576 pixels shifts the histogram a little: better than chance.
    assert!(baselines[1]["metrics"]["roc_auc"]["value"].as_f64().unwrap() > 0.6, "{}", baselines[1]);
    // the pictures are stored alike: only their mean can tell, and a faint disc raises it
    assert_eq!(baselines[2]["name"], "confound mean_intensity");
    assert!(baselines[2]["metrics"]["roc_auc"]["value"].as_f64().unwrap() > 0.5, "{}", baselines[2]);
    let points = metrics["operating_points"].as_array().unwrap();
    assert_eq!(
        points.iter().map(|point| point["rule"].as_str().unwrap()).collect::<Vec<_>>(),
        ["youden", "specificity=0.8"]
    );
    assert!(points[1]["chosen"]["specificity"]["value"].as_f64().unwrap() >= 0.8);
    let counted = &points[1]["applied"];
    let count = |name: &str| counted[name].as_u64().unwrap();
    let total = ["true_positives", "false_positives", "false_negatives", "true_negatives"].map(count);
    assert_eq!(total.iter().sum::<u64>(), 20, "patients are counted");
    let curve = std::fs::read_to_string(out.join("decision_curve.csv")).unwrap();
    assert_eq!(curve.lines().count(), 100);
    assert!(std::fs::read_to_string(out.join("decision_curve.svg")).unwrap().starts_with("<svg"));
}

#[test]
fn what_cannot_be_asked_is_refused_before_the_run() {
    let out = TRAINED.path("refused");
    let refused = |more: &[&str]| {
        let more = [more, &["--out", text(&out)]].concat();
        said(&TRAINED.run("evaluate", "bundle", &more), 2)
    };
    assert!(refused(&["--split", "test", "--by", "scanner"]).contains("no such column"));
    assert!(refused(&["--split", "val", "--choose-on", "val"]).contains("another split"));
    assert!(refused(&["--split", "test", "--at", "recall=0.9"]).contains("sensitivity=F"));
    let train = said(&TRAINED.run("calibrate", "bundle", &["--split", "train"]), 2);
    assert!(train.contains("use val"), "{train}");
}

#[test]
fn a_calibrated_bundle_says_other_probabilities_of_the_same_cases() {
    let (raw, calibrated) = (TRAINED.path("raw"), TRAINED.path("calibrated"));
    let told = said(&TRAINED.run("calibrate", "bundle", &["--check", "test", "--out", text(&calibrated)]), 0);
    assert!(told.contains("temperature ") && told.contains("test, not fitted on (40 cases)"), "{told}");
    assert!(calibrated.join("reliability_change.svg").exists());
    let bundles = [TRAINED.path("bundle"), calibrated.clone()].map(|path| Bundle::open(&path).unwrap());
    let [plain, warm] = bundles.each_ref().map(Bundle::manifest);
    assert_eq!(plain.weights_sha256, warm.weights_sha256);
    assert!(plain.calibration.is_none() && warm.calibration.as_ref().unwrap().cases == 40);
    assert_eq!(bundles[1].clone().uncalibrated().manifest(), plain);

    let measured = TRAINED.path("measured");
    for (bundle, out, split) in
        [("bundle", &raw, "test"), ("calibrated", &measured, "test"), ("bundle", &TRAINED.path("val"), "val")]
    {
        said(&TRAINED.run("evaluate", bundle, &["--split", split, "--out", text(out)]), 0);
    }
    let [before, after] = [&raw, &measured].map(|out| json(&out.join("metrics.json")));
    // A temperature keeps the ranking, and the threshold moved with it.
    assert_eq!(before["metrics"]["roc_auc"], after["metrics"]["roc_auc"]);
    assert_ne!(before["metrics"]["brier"]["value"], after["metrics"]["brier"]["value"]);
    let report = json(&calibrated.join("calibration.json"));
    let checked = report["cases"].as_array().unwrap().last().unwrap();
    let near = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-7;
    assert!(near(&checked["before"]["brier"], &before["metrics"]["brier"]["value"]));
    assert!(near(&checked["after"]["brier"], &after["metrics"]["brier"]["value"]), "predict applies the map");

    let again =
        said(&TRAINED.run("calibrate", "calibrated", &["--method", "isotonic", "--out", text(&raw)]), 0);
    assert!(again.contains("isotonic curve"), "{again}");
    assert_eq!(Bundle::open(&raw).unwrap().uncalibrated().manifest(), plain);

    let tables = [raw.join("predictions.csv"), measured.join("predictions.csv")];
    let [a, b] = tables.each_ref().map(|path| text(path));
    let compared: Value = serde_json::from_str(&succeed("compare", &[a, b, "--json"], 0)).unwrap();
    assert_eq!((compared["cases"].as_u64(), compared["patients"].as_u64()), (Some(40), Some(20)));
    assert_eq!(compared["difference"]["roc_auc"], 0.0);
    assert!(compared["difference"]["z"].is_null());
    let other = TRAINED.path("val/predictions.csv");
    assert!(succeed("compare", &[a, text(&other)], 1).contains("only in the first table"));
}

#[test]
fn train_leaves_a_run_manifest_and_events() {
    let bundle = TRAINED.path("bundle");
    let run: toml::Table = std::fs::read_to_string(bundle.join("run.toml")).unwrap().parse().unwrap();
    assert_eq!((run["status"].as_str(), run["epochs"].as_integer()), (Some("finished"), Some(3)));
    let weights = Bundle::open(&bundle).unwrap().manifest().weights_sha256.clone();
    assert_eq!(run["weights_sha256"].as_str(), Some(weights.as_str()));
    let names = std::fs::read_dir(&bundle).unwrap().map(|entry| entry.unwrap().file_name());
    let events = names.filter(|name| name.to_string_lossy().starts_with("events.out.tfevents.")).count();
    assert_eq!(events, 1);
}
