//! The floors of the house: a module imports only from floors below its own, and every outside
//! crate stays on the floors that it was given. One crate gets no help from the compiler for this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Modules and their floors, as in the table of `lib.rs`.
const FLOORS: &[(&str, u32)] = &[
    ("units", 0),
    ("random", 0),
    ("geometry", 1),
    ("volume", 2),
    ("metrics", 2),
    ("findings", 3),
    ("dicom", 4),
    ("files", 4),
    ("gpu", 4),
    ("intake", 5),
    ("preprocess", 5),
    ("network", 5),
    ("phantom", 5),
    ("bundle", 6),
    ("cohort", 6),
    ("predict", 7),
    ("audit", 7),
    ("engine", 8),
    ("train", 9),
    ("report", 9),
    ("plan", 9),
    ("tune", 10),
    ("bench", 10),
    ("cli", 11),
];

/// Outside crates and the only modules that may name them.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("burn", &["network", "bundle", "predict", "train", "bench", "gpu/bridge.rs"]),
    ("burn_cubecl", &["gpu/bridge.rs"]),
    ("burn_fusion", &["gpu/bridge.rs"]),
    ("burn_wgpu", &["gpu/bridge.rs"]),
    ("bytemuck", &["gpu", "preprocess"]),
    ("clap", &["cli"]),
    ("csv", &["report", "train", "tune", "phantom"]),
    ("ctrlc", &["cli"]),
    ("cubecl", &["gpu/bridge.rs"]),
    ("dicom_core", &["dicom"]),
    ("dicom_dictionary_std", &["dicom"]),
    ("dicom_encoding", &["dicom"]),
    ("dicom_object", &["dicom"]),
    ("dicom_pixeldata", &["dicom"]),
    ("dicom_transfer_syntax_registry", &["dicom"]),
    ("encoding_rs", &["dicom"]),
    ("flate2", &["dicom", "files"]),
    ("glam", &["geometry", "volume", "dicom", "files", "preprocess", "phantom"]),
    ("image", &["files", "cli"]),
    ("indicatif", &["cli"]),
    ("jpeg2k", &["dicom"]),
    ("pollster", &["gpu"]),
    ("safetensors", &["bundle", "train"]),
    ("serde_json", &["bundle", "train", "phantom", "report", "cli"]),
    ("sha2", &["audit", "bundle", "dicom", "intake"]),
    ("signal_hook", &["cli"]),
    ("tempfile", &["files"]),
    ("tiff", &["files"]),
    ("toml", &["bundle", "plan", "train", "tune", "preprocess", "bench", "cli"]),
    ("wgpu", &["gpu"]),
    ("zip", &["files"]),
];

struct Source {
    /// Path below `src`, with forward slashes.
    name: String,
    /// The code without comments and without the in-file tests.
    code: String,
}

impl Source {
    /// The module at the top of the crate that the file belongs to; `None` for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let top = self.name.split('/').next()?.trim_end_matches(".rs");
        (!["lib", "main"].contains(&top)).then_some(top)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

fn sources() -> Vec<Source> {
    let root = Path::new("src");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or("").to_owned();
        let without_comment = |line: &str| line.split("//").next().unwrap_or("").to_owned();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        Source { name, code: text.lines().map(without_comment).collect::<Vec<_>>().join("\n") }
    };
    let mut sources: Vec<Source> = files(root).into_iter().map(read).collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// The identifiers that follow `prefix` in `code`, those of `prefix{a, b}` included.
fn names_after<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let identifier = |text: &'a str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut names = BTreeSet::new();
    for (start, _) in code.match_indices(prefix) {
        let rest = &code[start + prefix.len()..];
        match rest.strip_prefix('{') {
            None => _ = names.insert(identifier(rest)),
            Some(list) => {
                let mut depth = 1;
                let mut at_name = true;
                for (index, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => at_name = true,
                        c if depth == 1 && at_name && c.is_alphabetic() => {
                            names.insert(identifier(&list[index..]));
                            at_name = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names.remove("");
    names
}

fn floor(module: &str) -> u32 {
    let known = FLOORS.iter().find(|(name, _)| *name == module);
    known.unwrap_or_else(|| panic!("module `{module}` has no floor: add it here and to lib.rs")).1
}

/// Whether `code` names the outside crate `name` as a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn arrows_go_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        for import in names_after(&source.code, "crate::") {
            if import != module && floor(import) >= floor(module) {
                wrong.push(format!("{} (floor {}) imports {import}", source.name, floor(module)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_stay_on_their_floors() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, allowed) in OUTSIDE {
            let may = allowed.iter().any(|place| {
                source.name == *place
                    || source.name == format!("{place}.rs")
                    || source.name.starts_with(&format!("{place}/"))
            });
            if !may && names_crate(&source.code, name) {
                wrong.push(format!("{} names `{name}`", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn library_types_never_derive_clap() {
    for source in sources().iter().filter(|source| source.module() != Some("cli")) {
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
    for (module, floor) in FLOORS {
        assert!(lib.contains(&format!("pub mod {module};")), "lib.rs does not declare `{module}`");
        let row = lib.lines().find(|line| line.contains(&format!("| {floor} |")));
        assert!(
            row.is_some_and(|row| row.contains(&format!("`{module}`"))),
            "lib.rs: `{module}` on floor {floor}"
        );
    }
}

#[test]
fn the_checks_see_what_they_should() {
    let names = names_after("use crate::{volume::{Mask, Volume}, units}; crate::gpu::Gpu", "crate::");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["gpu", "units", "volume"]);
    assert!(names_crate("use burn::module", "burn") && !names_crate("use crate::burn::x", "burn"));
    assert!(!names_crate("burn_wgpu::x", "burn"));
}
