//! `pulmo audit` finds what is planted and nothing in a clean set; `pulmo train` refuses a split that leaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops::FilterType};
use pulmo::random::Random;
use serde_json::Value;

/// Patients, two pictures each; the last third are for validation.
const PATIENTS: usize = 36;

/// A row of a manifest that is still to be spoiled.
struct Row {
    path: String,
    label: &'static str,
    patient: String,
    split: &'static str,
}

struct Set {
    folder: tempfile::TempDir,
    rows: Vec<Row>,
}

/// A smooth picture that `seed` alone decides.
fn picture(seed: u64, columns: u32, rows: u32) -> DynamicImage {
    let mut random = Random::keyed(seed, &[0x61]);
    let blobs: Vec<[f64; 4]> = (0..30)
        .map(|_| [random.unit(), random.unit(), random.uniform(-90.0, 90.0), random.uniform(0.02, 0.1)])
        .collect();
    GrayImage::from_fn(columns, rows, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(columns), f64::from(y) / f64::from(rows));
        let blob = |b: &[f64; 4]| b[2] * (-((x - b[0]).powi(2) + (y - b[1]).powi(2)) / (b[3] * b[3])).exp();
        Luma([(120.0 + blobs.iter().map(blob).sum::<f64>()).clamp(0.0, 255.0) as u8])
    })
    .into()
}

impl Set {
    /// Pictures that `write` puts where they belong; it is told index, class and path.
    fn new(write: impl Fn(u64, usize, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let row = |index: usize| {
            let (patient, path) = (index / 2, format!("{index}.png"));
            let class = usize::from(Random::keyed(3, &[patient as u64 / 2]).chance(0.5)) ^ (patient % 2);
            write(index as u64, class, &folder.path().join(&path));
            let split = if patient < 2 * PATIENTS / 3 { "train" } else { "val" };
            Row { path, label: ["benign", "malignant"][class], patient: format!("p{patient:02}"), split }
        };
        let rows = (0..2 * PATIENTS).map(row).collect();
        Self { folder, rows }
    }

    fn clean() -> Self {
        Self::new(|index, _, path| picture(index, 96, 80).save_with_format(path, ImageFormat::Png).unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add(&mut self, path: &str, label: &'static str, patient: &str, split: &'static str) {
        self.rows.push(Row { path: path.into(), label, patient: patient.into(), split });
    }

    fn manifest(&self) -> PathBuf {
        let mut text = "path,label,patient_id,split\n".to_owned();
        for row in &self.rows {
            text += &format!("{},{},{},{}\n", row.path, row.label, row.patient, row.split);
        }
        std::fs::write(self.at("manifest.csv"), text).unwrap();
        self.at("manifest.csv")
    }

    /// Runs the audit; returns exit code, JSON and page.
    fn audit(&self) -> (Option<i32>, Value, String) {
        let out = self.at("out");
        let output = pulmo(&["audit", path(&self.manifest()), "--out", path(&out)]);
        let json = std::fs::read(out.join("audit.json")).unwrap();
        let page = std::fs::read_to_string(out.join("index.html")).unwrap();
        (output.status.code(), serde_json::from_slice(&json).unwrap(), page)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn pulmo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap()
}

/// The faults and no others.
fn faults(json: &Value) -> Vec<&str> {
    json["faults"].as_array().unwrap().iter().map(|fault| fault.as_str().unwrap()).collect()
}

#[test]
fn a_clean_set_is_clean() {
    let (code, json, page) = Set::clean().audit();
    assert_eq!(faults(&json), [""; 0], "{json:#}");
    assert_eq!((code, json["clean"].as_bool()), (Some(0), Some(true)));
    assert!(page.contains("Clean: nothing found."));
}

#[test]
fn a_copy_in_another_split_is_found_and_training_refused() {
    let mut set = Set::clean();
    std::fs::copy(set.at("0.png"), set.at("copy.png")).unwrap();
    let label = set.rows[0].label;
    set.add("copy.png", label, "p77", "val");
    let (code, json, page) = set.audit();
    assert_eq!(code, Some(3));
    assert_eq!(faults(&json), ["1 pairs of identical images cross the splits"]);
    assert_eq!(json["like_images"][0]["first"]["path"], "0.png");
    assert_eq!(json["like_images"][0]["second"]["path"], "copy.png");
    assert_eq!(page.matches("data:image/png").count(), 2, "the pair is shown");
    std::fs::write(set.at("recipe.toml"), RECIPE).unwrap();
    let train = |more: &[&str]| {
        let (recipe, data, out) = (set.at("recipe.toml"), set.manifest(), set.at("run"));
        let fixed = [
            "train",
            "--recipe",
            path(&recipe),
            "--data",
            path(&data),
            "--out",
            path(&out),
            "--device",
            "cpu",
        ];
        pulmo(&[&fixed, more].concat())
    };
    let refused = train(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("1 pairs of identical images are in train and val, such as 0.png and copy.png"),
        "{said}"
    );
    let allowed = train(&["--allow-leaks"]);
    assert_eq!(allowed.status.code(), Some(0), "{}", String::from_utf8_lossy(&allowed.stderr));
}

const RECIPE: &str = r#"
name = "x"
[network]
kind = "slice"
encoder = { widths = [4], depths = [1] }
[chain]
step = [{ kind = "resize", shape = [0, 16, 16] }]
[optimizer]
kind = "adamw"
learning_rate = 0.001
[course]
epochs = 1
"#;

#[test]
fn another_encoding_and_size_of_a_picture_is_found() {
    let mut set = Set::clean();
    let small = picture(5, 96, 80).resize_exact(70, 66, FilterType::Triangle);
    small.save_with_format(set.at("again.png"), ImageFormat::Jpeg).unwrap();
    let label = set.rows[5].label;
    set.add("again.png", label, "p77", "val");
    let (code, json, _) = set.audit();
    assert_eq!(code, Some(3));
    assert_eq!(faults(&json), ["1 pairs of nearly identical images cross the splits"]);
    assert_eq!(json["like_images"][0]["first"]["path"], "5.png");
    assert!(json["like_images"][0]["correlation"].as_f64().unwrap() > 0.97);
}

#[test]
fn a_patient_in_two_splits_is_found() {
    let mut set = Set::clean();
    picture(1000, 96, 80).save(set.at("more.png")).unwrap();
    let (label, patient) = (set.rows[4].label, set.rows[4].patient.clone());
    set.add("more.png", label, &patient, "val");
    let (code, json, page) = set.audit();
    assert_eq!(code, Some(3));
    assert_eq!(faults(&json), ["1 patients are in more than one split"]);
    assert_eq!(
        json["patients_in_several_splits"][0],
        serde_json::json!({ "splits": ["train", "val"], "paths": ["4.png", "5.png", "more.png"] })
    );
    assert!(!page.contains(&patient), "patients are not named");
}

/// The properties that were found to tell the class.
fn telling(json: &Value) -> Vec<(&str, f64)> {
    let confounds = json["confounds"].as_array().unwrap().iter();
    let telling = confounds.filter(|confound| confound["predicts_class"].as_bool().unwrap());
    telling.map(|c| (c["property"].as_str().unwrap(), c["auc"].as_f64().unwrap())).collect()
}

#[test]
fn a_format_that_is_the_class_is_found() {
    let set = Set::new(|index, class, path| {
        let format = [ImageFormat::Bmp, ImageFormat::Tiff][class];
        picture(index, 96, 80).save_with_format(path, format).unwrap();
    });
    let (code, json, _) = set.audit();
    assert_eq!(code, Some(3));
    // a gray BMP holds a palette, which decodes as colour, and the formats' headers differ in length
    assert_eq!(telling(&json), [("file_format", 1.0), ("colour_mode", 1.0), ("file_bytes", 1.0)]);
}

#[test]
fn a_size_that_is_the_class_is_found() {
    let set = Set::new(|index, class, path| {
        let columns = [96, 64][class] + Random::keyed(index, &[]).below(8) as u32;
        picture(index, columns, 80).save_with_format(path, ImageFormat::Bmp).unwrap();
    });
    let (code, json, _) = set.audit();
    assert_eq!(code, Some(3));
    let mut names: Vec<&str> = telling(&json).iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, ["aspect", "columns", "file_bytes"]);
    assert!(telling(&json).iter().all(|(_, auc)| *auc > 0.95), "{json:#}");
}

/// COVID-CT's official split has no identical image and no patient on both sides, so training must not
/// refuse it; that its files tell the class is to be seen.
#[test]
fn covid_ct_is_not_refused_but_its_files_tell_the_class() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let output = pulmo(&["audit", path(&data.join("covid_ct/manifest.csv"))]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(!said.contains("cross the splits") && !said.contains("more than one split"), "{said}");
    assert!(said.contains("`colour_mode` alone predicts the class"), "{said}");
}
