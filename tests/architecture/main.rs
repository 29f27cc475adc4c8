//! The floors of the house: a room imports only from floors below its own, every outside crate stays on the
//! floors that it was given, no file needs itself by way of others, and no two public types share a name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod names;
mod rings;
mod signatures;
mod sources;

use std::collections::BTreeSet;
use std::path::Path;

use sources::{packages, rooms_named, sources};

/// Modules and their floors, as in the table of `lib.rs`.
const FLOORS: &[(&str, u32)] = &[
    ("units", 0),
    ("random", 0),
    ("system", 0),
    ("onnx", 0),
    ("geometry", 1),
    ("key", 1),
    ("volume", 2),
    ("metrics", 2),
    ("findings", 3),
    ("lungs", 3),
    ("dicom", 4),
    ("files", 4),
    ("facts", 4),
    ("nodule", 4),
    ("gpu", 4),
    ("intake", 5),
    ("preprocess", 5),
    ("network", 5),
    ("phantom", 5),
    ("domain", 5),
    ("bundle", 6),
    ("cohort", 6),
    ("predict", 7),
    ("audit", 7),
    ("train", 9),
    ("engine", 8),
    ("report", 9),
    ("plan", 9),
    ("triage", 9),
    ("results", 9),
    ("tune", 10),
    ("bench", 10),
    ("cli", 11),
];

/// Outside crates and the only rooms, or files of a room, that may name them.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("burn", &["network", "bundle", "predict", "train", "bench"]),
    ("burn_cubecl", &["network/compute"]),
    ("burn_wgpu", &["network/compute"]),
    ("bytemuck", &["gpu", "preprocess"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("csv", &["report", "train", "triage", "tune", "phantom"]),
    ("ctrlc", &["cli"]),
    ("cubecl", &["network/compute"]),
    ("dicom_core", &["dicom", "results"]),
    ("dicom_dictionary_std", &["dicom", "results"]),
    ("dicom_object", &["dicom", "results"]),
    ("dicom_pixeldata", &["dicom"]),
    ("encoding_rs", &["dicom"]),
    ("flate2", &["dicom", "files"]),
    ("getrandom", &["key"]),
    ("glam", &["geometry", "volume", "dicom", "files", "nodule", "preprocess", "phantom", "results"]),
    ("hmac", &["key"]),
    ("image", &["files", "cli"]),
    ("indicatif", &["cli"]),
    ("jpeg2k", &["dicom"]),
    ("jxl_oxide", &["dicom"]),
    ("ndarray", ANY),
    ("parquet", &["triage"]),
    ("pollster", &["gpu"]),
    ("rayon", ANY),
    ("rusqlite", &["triage"]),
    ("rustix", &["system"]),
    ("safetensors", &["bundle", "train"]),
    ("serde", ANY),
    ("serde_json", &["bundle", "train", "phantom", "report", "triage", "cli"]),
    ("sha2", &["audit", "bundle", "dicom", "intake", "key", "triage"]),
    ("signal_hook", &["cli"]),
    ("tempfile", &["dicom", "files", "intake"]),
    ("thiserror", ANY),
    ("tiff", &["files"]),
    ("toml", &["bundle", "plan", "train", "tune", "preprocess", "bench", "cli"]),
    ("wgpu", &["gpu"]),
    ("zip", &["files"]),
];

/// Every room.
const ANY: &[&str] = &[""];

fn floor(module: &str) -> u32 {
    let known = FLOORS.iter().find(|(name, _)| *name == module);
    known.unwrap_or_else(|| panic!("module `{module}` has no floor: add it here and to lib.rs")).1
}

/// Whether `code` names the outside crate `name` as a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        let after = &code[start + name.len()..];
        let is_path =
            after.starts_with("::") || (code[..start].ends_with("use ") && after.starts_with(" as "));
        is_path && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn arrows_go_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        for import in rooms_named(&source) {
            if floor(&import) >= floor(room) {
                wrong.push(format!("{} (floor {}) imports {import}", source.name, floor(room)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_stay_on_their_floors() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let place = match source.module.first() {
            Some(first) if first == room => source.module.join("/"),
            _ => room.to_owned(),
        };
        for (name, allowed) in OUTSIDE {
            let may = allowed
                .iter()
                .any(|start| start.is_empty() || place == *start || place.starts_with(&format!("{start}/")));
            if !may && names_crate(&source.code, name) {
                wrong.push(format!("{} names `{name}`", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The crates that a package's manifest declares for use in its code.
fn declared(folder: &Path) -> BTreeSet<String> {
    let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let named = |table: &toml::Table| -> Vec<String> {
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
        dependencies.into_iter().flat_map(toml::Table::keys).map(|name| name.replace('-', "_")).collect()
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let by_target = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    by_target.flat_map(named).chain(named(&manifest)).collect()
}

#[test]
fn each_declared_crate_is_used_and_stands_in_the_table() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (package, folder) in packages().into_iter().filter(|(package, _)| package != "pulmo_forge") {
        let code = |name: &str| {
            sources.iter().any(|source| source.package == package && names_crate(&source.code, name))
        };
        for name in declared(&folder) {
            if !code(&name) {
                wrong.push(format!("{package} declares `{name}` and never names it"));
            }
            if !name.starts_with("pulmo_") && !OUTSIDE.iter().any(|(known, _)| *known == name) {
                wrong.push(format!("{package} declares `{name}`, which is not in the table"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_below_the_networks_need_no_burn_and_those_of_a_scan_no_gpu() {
    let packages = packages();
    let mut open = vec![("pulmo_preprocess".to_owned(), vec!["burn"])];
    open.extend(
        [
            "pulmo_scan",
            "pulmo_metrics",
            "pulmo_nodule",
            "pulmo_random",
            "pulmo_onnx",
            "pulmo_cohort",
            "pulmo_report",
            "pulmo_triage",
            "pulmo_results",
            "pulmo_key",
            "pulmo_system",
        ]
        .map(|package| (package.to_owned(), vec!["burn", "wgpu", "cubecl"])),
    );
    while let Some((package, forbidden)) = open.pop() {
        for name in declared(&packages[&package]) {
            assert!(!forbidden.iter().any(|start| name.starts_with(start)), "{package} declares {name}");
            if name.starts_with("pulmo_") {
                open.push((name, forbidden.clone()));
            }
        }
    }
}

#[test]
fn library_types_never_derive_clap() {
    for source in sources().iter().filter(|source| source.room() != Some("cli")) {
        assert!(
            !source.code.contains("derive(Parser") && !source.code.contains("ValueEnum"),
            "{}",
            source.name
        );
    }
}

#[test]
fn every_module_stands_in_the_table_of_lib_rs() {
    let lib = std::fs::read_to_string("src/lib.rs").unwrap();
    let rooms: BTreeSet<String> =
        sources().iter().filter_map(|source| source.room().map(str::to_owned)).collect();
    assert_eq!(rooms, FLOORS.iter().map(|(room, _)| (*room).to_owned()).collect());
    for (module, floor) in FLOORS {
        let row = lib.lines().find(|line| line.contains(&format!("| {floor} |")));
        assert!(
            row.is_some_and(|row| row.contains(&format!("`{module}`"))),
            "lib.rs: `{module}` on floor {floor}"
        );
    }
}

/// The one file that may name what is there on Unix alone, with a fallback beside it.
const UNIX_ONLY: &str = "crates/pulmo-system/src/lib.rs";

#[test]
fn what_is_unix_only_stands_in_one_file() {
    let names = |code: &str| {
        code.contains("std::os::unix")
            || code.contains("std::os::linux")
            || ["libc", "rustix"].iter().any(|name| names_crate(code, name))
    };
    let found: Vec<String> =
        sources().into_iter().filter(|source| names(&source.code)).map(|source| source.name).collect();
    assert_eq!(found, [UNIX_ONLY]);
}

#[test]
fn crates_are_seen_where_they_are_named() {
    assert!(names_crate("use burn::module", "burn") && !names_crate("use crate::burn::x", "burn"));
    assert!(!names_crate("burn_wgpu::x", "burn"));
}
