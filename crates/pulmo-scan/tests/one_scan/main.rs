//! One scan, one answer or none: what belongs together is one series, what is missing of it is told, and what
//! may be two scans is refused by name. Faults 01 to 08 by number, and their kinds.
//!
//! ORIGIN of the faults: `faults/README.md` of the data folder; number of slices and spacing as SimpleITK 2.5
//! reads them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod belonging;
mod missing;
mod padding;
mod sound;

use std::path::Path;

use pulmo_scan::dicom::{AssembleSettings, Assembled, DicomError, Partial, Series, assemble, discover};
use pulmo_scan::findings::Code;

use pulmo_forge::load::keep;

/// Slices and spacing of each series below `path` that loads, or the code of why it does not.
fn answers(path: &Path) -> Vec<Result<(usize, f64), Code>> {
    let shape = |assembled: Assembled| {
        let grid = assembled.volume.grid();
        (grid.shape_zyx()[0], (grid.spacing_mm()[0] * 1e6).round() / 1e6)
    };
    let answer = |series: &Series| assemble(series, &keep()).map(shape).map_err(|error| error.code());
    discover(&[path.to_path_buf()]).series.iter().map(answer).collect()
}

/// The sentence with which the one series below `path` is refused.
fn refusal(path: &Path) -> String {
    let series = discover(&[path.to_path_buf()]).series;
    assert_eq!(series.len(), 1);
    let error: DicomError = assemble(&series[0], &keep()).unwrap_err();
    error.to_string()
}

/// What a folder of links to the files of `store` gives. (A copy of the data may hold texts for links.)
#[cfg(unix)]
fn linked(store: &Path) -> Vec<Result<(usize, f64), Code>> {
    let links = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(store).unwrap() {
        let entry = entry.unwrap();
        let target = std::fs::canonicalize(entry.path()).unwrap();
        std::os::unix::fs::symlink(target, links.path().join(entry.file_name())).unwrap();
    }
    answers(links.path())
}

fn allowing() -> AssembleSettings {
    AssembleSettings { partial: Partial::Allow, ..keep() }
}

#[test]
fn faults_of_the_field_get_the_right_answer() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let faults = |name: &str| answers(&data.join("faults").join(name));
    assert_eq!(faults("01"), [Ok((5, 8.0))], "long decimal strings");
    assert_eq!(faults("02").len(), 1, "orientation of few digits");
    assert_eq!(faults("02")[0].map(|(slices, _)| slices), Ok(6));
    assert_eq!(faults("03").len(), 1, "a missing frame of reference is unknown");
    assert_eq!(faults("03")[0].map(|(slices, _)| slices), Ok(6));
    let two_patients = faults("04");
    assert!(!two_patients.iter().any(|answer| matches!(answer, Ok((6, _)))), "{two_patients:?}");
    #[cfg(unix)]
    assert_eq!(
        linked(&data.join("faults/05/store")).iter().map(|answer| answer.unwrap().0).collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(faults("06"), [Err(Code::Overlap)], "each slice in a frame of reference of its own");
    assert!(refusal(&data.join("faults/06")).contains("differ in Frame of Reference UID"));
    assert_eq!(faults("08").len(), 1);
    assert_eq!(faults("08")[0].map(|(slices, _)| slices), Ok(24));
}
