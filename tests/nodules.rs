//! `pulmo nodules` tells where the nodules of a series are and how large.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::Path;
use std::process::{Command, Output};

use pulmo::phantom::{PhantomSettings, Study};
use serde_json::Value;

fn nodules(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_pulmo");
    Command::new(program).arg("nodules").args(["--device", "cpu"]).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_phantoms_nodule_is_told_with_its_place_and_size_and_what_is_no_scan_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let (series, bad, table) =
        (folder.path().join("ct"), folder.path().join("bad.dcm"), folder.path().join("nodules.csv"));
    // One solid nodule of 8.5 mm with air all around.
    let study = Study::generate(&PhantomSettings::default(), 15, 3).unwrap();
    let [truth] = study.truth().nodules.as_slice() else { panic!("{:?}", study.truth().nodules) };
    study.write(&series).unwrap();
    std::fs::write(&bad, "no DICOM").unwrap();
    let output = nodules(&[text(&series), text(&bad), "--at-most", "5", "--csv", text(&table)]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let (found, refused): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| line.get("nodules").is_some());
    assert!(refused[0]["codes"][0].is_string(), "{refused:?}");
    let found = found[0];
    let told = found["nodules"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let apart_mm = |nodule: &Value| {
        (0..3)
            .map(|axis| (number(&nodule["centre_mm"][axis]) - truth.centre_mm[axis]).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let nodule =
        told.iter().find(|nodule| apart_mm(nodule) < 2.0).unwrap_or_else(|| panic!("{told:?} {truth:?}"));
    assert!((number(&nodule["mean_diameter_mm"]) - truth.diameter_mm).abs() < 1.5, "{nodule} {truth:?}");
    assert_eq!(nodule["side"], serde_json::to_value(truth.side).unwrap());
    assert_eq!(nodule["kind"], "solid");
    assert!(nodule["third"].is_string() && nodule.get("probability").is_none(), "{nodule}");
    let rows = std::fs::read_to_string(&table).unwrap();
    assert_eq!(rows.lines().count(), 1 + told.len(), "{rows}");
}
