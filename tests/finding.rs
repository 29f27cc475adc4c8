//! What lies under a path is found or told: links, bare names, pipes, and what is passed over.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pulmo_forge::forge::{Element, Forge};
use serde_json::Value;

fn pulmo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulmo")).current_dir(folder).args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder `store` with slices `0.dcm`, `1.dcm`, ...
fn store(root: &Path, slices: usize) {
    let folder = root.join("store");
    std::fs::create_dir_all(&folder).unwrap();
    for slice in 0..slices {
        let position = Element::text((0x0020, 0x0032), "DS", &format!("0\\0\\{slice}"));
        let bytes = Forge::ct().with(position).bytes();
        std::fs::write(folder.join(format!("{slice}.dcm")), bytes).unwrap();
    }
}

/// As git-annex and datalad lay archives out (`faults/05`).
#[test]
fn a_folder_of_links_is_the_series_that_they_lead_to() {
    let root = tempfile::tempdir().unwrap();
    store(root.path(), 3);
    let links = root.path().join("links");
    std::fs::create_dir(&links).unwrap();
    (0..3)
        .for_each(|slice| symlink(format!("../store/{slice}.dcm"), links.join(format!("{slice}"))).unwrap());
    let found = pulmo(root.path(), &["inspect", "--json", "--headers", "links"]);
    let [series] = &lines(&found)[..] else { panic!("{found:?}") };
    assert_eq!((series["path"].as_str(), series["slices"].as_u64()), (Some("links"), Some(3)));
    // both ways to the files: one scan, one answer
    let found = pulmo(root.path(), &["inspect", "--json", "--headers", "."]);
    let [series] = &lines(&found)[..] else { panic!("{found:?}") };
    assert_eq!((series["path"].as_str(), series["slices"].as_u64()), (Some("./store"), Some(3)));
    assert!(stderr(&found).contains("passed over: 3 other paths to the same files"), "{}", stderr(&found));
}

#[test]
fn links_to_folders_are_followed_where_asked_for() {
    let root = tempfile::tempdir().unwrap();
    store(root.path(), 3);
    let looked_at = root.path().join("here");
    std::fs::create_dir(&looked_at).unwrap();
    symlink("../store", looked_at.join("a")).unwrap();
    symlink(".", looked_at.join("loop")).unwrap();
    let found = pulmo(root.path(), &["inspect", "--json", "--headers", "here"]);
    assert_eq!((found.status.code(), lines(&found).len()), (Some(1), 0));
    assert!(stderr(&found).contains("2 links to folders (--follow-links"), "{}", stderr(&found));
    let found = pulmo(root.path(), &["inspect", "--json", "--headers", "--follow-links", "here"]);
    let [series] = &lines(&found)[..] else { panic!("{found:?}") };
    assert_eq!(series["slices"].as_u64(), Some(3));
    for command in ["predict", "convert", "preprocess"] {
        let help = pulmo(root.path(), &[command, "--help"]);
        assert!(String::from_utf8_lossy(&help.stdout).contains("--follow-links"), "{command}");
    }
}

#[test]
fn bare_names_lie_in_the_folder_called_dot() {
    let root = tempfile::tempdir().unwrap();
    store(root.path(), 3);
    let found =
        pulmo(&root.path().join("store"), &["inspect", "--json", "--headers", "0.dcm", "1.dcm", "2.dcm"]);
    let [series] = &lines(&found)[..] else { panic!("{found:?}") };
    assert_eq!((series["path"].as_str(), series["slices"].as_u64()), (Some("."), Some(3)));
}

#[test]
fn what_is_passed_over_is_told_also_where_nothing_is_left() {
    let root = tempfile::tempdir().unwrap();
    for name in 0..24 {
        std::fs::write(root.path().join(format!("{name}.gif")), "GIF89a").unwrap();
    }
    symlink("gone", root.path().join("link")).unwrap();
    for command in [&["predict", "--device", "cpu"][..], &["inspect"]] {
        let found = pulmo(root.path(), &[command, &["."]].concat());
        assert_eq!(found.status.code(), Some(1), "{command:?}");
        assert!(stderr(&found).contains("24 .gif, 1 broken link"), "{}", stderr(&found));
    }
    store(root.path(), 3);
    let found = pulmo(root.path(), &["inspect", "--headers", "."]);
    assert!(stderr(&found).contains("passed over: 24 .gif, 1 broken link"), "{}", stderr(&found));
}

#[test]
fn pipes_are_never_waited_for() {
    let root = tempfile::tempdir().unwrap();
    for name in ["DICOMDIR", "a.dcm", "a.raw"] {
        assert!(Command::new("mkfifo").arg(root.path().join(name)).status().unwrap().success());
    }
    let header = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
        TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = 8 8 8\n\
        ElementType = MET_SHORT\nElementDataFile = a.raw\n";
    std::fs::write(root.path().join("a.mhd"), header).unwrap();
    std::fs::write(root.path().join("manifest.csv"), "path,label\na.dcm,x\nDICOMDIR,y\na.mhd,x\n").unwrap();
    let start = Instant::now();
    let named = pulmo(root.path(), &["inspect", "--json", "DICOMDIR", "a.dcm", "a.mhd", "."]);
    let codes: Vec<Value> = lines(&named).iter().map(|line| line["codes"].clone()).collect();
    assert_eq!(codes, vec![Value::from(vec!["UNREADABLE"]); 3], "{named:?}");
    let audited = pulmo(root.path(), &["audit", "manifest.csv"]);
    assert_eq!(audited.status.code(), Some(1), "{audited:?}");
    assert!(start.elapsed() < Duration::from_secs(60));
}
