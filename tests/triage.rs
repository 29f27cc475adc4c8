//! An archive is scored by the real program as `predict` scores its studies, and names no patient.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pulmo::dicom::{CtSeriesDescription, DisplayWindow, PatientPosition, PixelLayout, write_ct_series};
use pulmo::geometry::Grid;
use pulmo::volume::Volume;
use serde_json::Value;

/// In every path and identifier of the archive.
const CANARY: &str = "KANARIE";
const SLICES: usize = 24;

struct Archive(tempfile::TempDir);

impl Archive {
    fn new(studies: u64) -> Self {
        let archive = Self(tempfile::tempdir().unwrap());
        (0..studies).for_each(|study| archive.write(&format!("{CANARY}^{study}"), study));
        archive
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// A body of water with two lungs of air, as small as it may be.
    fn write(&self, folder: &str, study: u64) {
        let grid = Grid::aligned([SLICES, 64, 64], [10.0, 6.0, 6.0]).unwrap();
        let volume = Volume::from_fn(grid, |[z, y, x]| {
            let at = |cx: f64, rx: f64, ry: f64| {
                ((x as f64 - cx) / rx).powi(2) + ((y as f64 - 32.0) / ry).powi(2) < 1.0
            };
            match (
                at(32.0, 28.0, 20.0),
                (2..SLICES - 2).contains(&z) && (at(20.0, 9.0, 14.0) || at(44.0, 9.0, 14.0)),
            ) {
                (_, true) => -860.0 + (study + ((x * 7 + y * 3 + z) % 11) as u64) as f32,
                (true, _) => 40.0 + ((x + y + z) % 5) as f32,
                _ => -1000.0,
            }
        });
        let description = CtSeriesDescription {
            patient_id: format!("{CANARY}-{study}"),
            is_synthetic: true,
            image_type: "ORIGINAL\\PRIMARY\\AXIAL".to_owned(),
            manufacturer: String::new(),
            body_part: "CHEST".to_owned(),
            series_description: CANARY.to_owned(),
            uid_seed: study,
            patient_position: PatientPosition::Hfs,
            slice_thickness_mm: 10.0,
            kvp: 120.0,
            convolution_kernel: "B".to_owned(),
            layout: PixelLayout::Signed16,
            window: DisplayWindow { centre_hu: 40.0, width_hu: 400.0 },
            padding_stored: None,
            file_names: (0..SLICES).map(|z| format!("{CANARY}{z:03}.dcm")).collect(),
            instances_descend: false,
        };
        let folder = self.root().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        write_ct_series(&folder, &volume, &description).unwrap();
    }

    /// The shipped bundle without its domain: bodies of water are none of it.
    fn bundle(&self) -> PathBuf {
        let folder = self.0.path().join("bundle");
        if !folder.exists() {
            pulmo::bundle::embedded().unwrap().with_domain(None).unwrap().write(&folder).unwrap();
        }
        folder
    }

    fn triage(&self, more: &[&str]) -> Output {
        let (root, out, bundle) = (self.root(), self.out(), self.bundle());
        let [root, out, bundle] = [&root, &out, &bundle].map(|path| path.to_str().unwrap());
        let paths = ["triage", root, "--out", out, "--bundle", bundle, "--device", "cpu"];
        pulmo(&[&paths, more].concat())
    }

    fn exported(&self, name: &str) -> String {
        std::fs::read_to_string(self.out().join(name)).unwrap()
    }

    fn results(&self) -> Vec<Value> {
        self.exported("results.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn pulmo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn triage_scores_as_predict_does_in_any_number_of_workers_and_names_nobody() {
    let archive = Archive::new(4);
    // a copy is the same study, a file that is no DICOM a row of its own
    archive.write(&format!("copies/{CANARY}"), 2);
    std::fs::create_dir_all(archive.root().join("broken")).unwrap();
    std::fs::write(archive.root().join("broken").join(format!("{CANARY}.dcm")), "no DICOM").unwrap();
    let run = archive.triage(&["--workers", "2"]);
    assert_eq!(run.status.code(), Some(3), "{}", said(&run));
    let results = archive.results();
    assert_eq!(results.len(), 5, "{}", said(&run));
    assert_eq!(archive.exported("issues.csv").lines().count(), 1 + 1);

    let (bundle, key) = (archive.bundle(), archive.out().join("site.key"));
    let key = ["--key-file", key.to_str().unwrap()];
    let predicted = pulmo(
        &[
            &[
                "predict",
                archive.root().to_str().unwrap(),
                "--bundle",
                bundle.to_str().unwrap(),
                "--device",
                "cpu",
            ],
            &key[..],
        ]
        .concat(),
    );
    let lines = String::from_utf8(predicted.stdout).unwrap();
    // by the same key each series' study has the name that `predict` gives it
    let named = |line: &str, of: &str| -> Option<String> {
        Some(serde_json::from_str::<Value>(line).unwrap().pointer(of)?.as_str()?.to_owned())
    };
    let by_predict: BTreeSet<String> = lines.lines().filter_map(|line| named(line, "/study")).collect();
    let by_triage = archive.exported("results.jsonl");
    let by_triage = by_triage.lines().filter_map(|line| named(line, "/series/0/pseudonyms/study"));
    assert_eq!(by_triage.collect::<BTreeSet<_>>(), by_predict);
    assert_eq!(by_predict.len(), 4);
    let all = |values: Vec<Value>| {
        let texts = values.iter().filter(|value| value["probabilities"]["nodule"].is_number());
        let mut texts: Vec<String> = texts.map(|value| value["probabilities"].to_string()).collect();
        texts.sort();
        texts
    };
    let expected = all(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
    let series = results.iter().flat_map(|result| result["series"].as_array().unwrap().clone()).collect();
    assert_eq!(all(series), expected);
    assert_eq!(expected.len(), 4);
    assert_eq!(results.iter().filter(|result| result["folders"] == 2).count(), 1);

    let again = archive.triage(&["--workers", "2"]);
    assert!(said(&again).contains("5 studies, 5 of them done before"), "{}", said(&again));
    let before = archive.exported("results.jsonl");
    let kept_key = std::fs::read(archive.out().join("site.key")).unwrap();
    let key = archive.0.path().join("key");
    std::fs::write(&key, kept_key).unwrap();
    std::fs::remove_dir_all(archive.out()).unwrap();
    archive.triage(&["--workers", "1", "--key-file", key.to_str().unwrap()]);
    assert_eq!(archive.exported("results.jsonl"), before);

    for path in files_below(&archive.out()) {
        let bytes = std::fs::read(&path).unwrap();
        let is_local = path.file_name().unwrap().to_string_lossy().starts_with("map.sqlite");
        assert!(is_local || !bytes.windows(7).any(|part| part == CANARY.as_bytes()), "{}", path.display());
    }
    assert!(![said(&run), said(&again)].concat().contains(CANARY));
    let told = pulmo(&["triage", "--status", archive.out().to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&told.stdout).starts_with("not running: 5 of 5 studies done"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_told_to_end_ends_cleanly_and_the_next_goes_on() {
    let archive = Archive::new(6);
    let (root, out) = (archive.root(), archive.out());
    let mut run = Command::new(env!("CARGO_BIN_EXE_pulmo"))
        .args([
            "triage",
            root.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
            "--bundle",
            archive.bundle().to_str().unwrap(),
            "--device",
            "cpu",
            "--workers",
            "1",
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let rows = || pulmo_triage::status(&out).map_or(0, |status| status.done());
    while rows() == 0 && run.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    let code = run.wait().unwrap().code();
    assert!(code == Some(3) || code == Some(0), "{code:?}");
    let mut codes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
    *codes.entry(archive.triage(&[]).status.code()).or_default() += 1;
    assert_eq!(codes, BTreeMap::from([(Some(0), 1)]));
    assert_eq!(archive.results().len(), 6);
}
