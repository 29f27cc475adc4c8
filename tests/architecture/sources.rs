//! The source files of every crate, and the paths that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One source file.
pub(crate) struct Source {
    /// Path below the checkout, with forward slashes.
    pub(crate) name: String,
    /// The crate's name in paths: `pulmo`, `pulmo_scan`.
    pub(crate) package: String,
    /// Modules from the crate's root down to this one.
    pub(crate) module: Vec<String>,
    /// The code without comments, texts and in-file tests.
    pub(crate) code: String,
}

impl Source {
    /// Whether the file may be a table of contents: a `mod.rs` or a `lib.rs`.
    pub(crate) fn is_table(&self) -> bool {
        self.name.ends_with("/mod.rs") || self.name.ends_with("/lib.rs")
    }

    /// The room of the house that the file belongs to; `None` for `lib.rs` and `main.rs` of a crate with several.
    pub(crate) fn room(&self) -> Option<&str> {
        room_of(&self.package, self.module.first().map(String::as_str))
    }

    /// All paths that begin in a crate of ours, whole: `crate`, `super` and `self` are resolved.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let roots = ["crate", "super", "self", "pulmo", "pulmo_"];
        let is_root = |word: &str| roots.contains(&word) || word.starts_with("pulmo_");
        let mut found = Vec::new();
        for (start, word) in words(&self.code) {
            let before = self.code[..start].trim_end();
            let after = &self.code[start + word.len()..];
            if is_root(word) && !before.ends_with("::") && after.starts_with("::") {
                expand(&mut vec![word.to_owned()], &after[2..], &mut found);
            }
        }
        found.into_iter().filter_map(|path| self.absolute(path)).collect()
    }

    /// A path from its crate on; `None` where it leaves the crate upwards.
    pub(crate) fn absolute(&self, path: Vec<String>) -> Option<Vec<String>> {
        let mut at = vec![self.package.clone()];
        at.extend(self.module.iter().cloned());
        let mut rest = path.as_slice();
        match rest.first()?.as_str() {
            "crate" => at.truncate(1),
            "self" => {}
            "super" => {
                while let Some(("super", after)) =
                    rest.split_first().map(|(word, after)| (word.as_str(), after))
                {
                    at.pop()?;
                    rest = after;
                }
                at.extend_from_slice(rest);
                return (!at.is_empty()).then_some(at);
            }
            _ => at.clear(),
        }
        let skipped = usize::from(!at.is_empty());
        at.extend_from_slice(&rest[skipped..]);
        Some(at)
    }
}

/// The room that a module at a crate's root is, or that a crate of one room is.
pub(crate) fn room_of<'a>(package: &'a str, module: Option<&'a str>) -> Option<&'a str> {
    match (package, module) {
        (
            "pulmo_random" | "pulmo_metrics" | "pulmo_nodule" | "pulmo_onnx" | "pulmo_report"
            | "pulmo_results" | "pulmo_triage" | "pulmo_key" | "pulmo_system",
            _,
        ) => package.strip_prefix("pulmo_"),
        (_, Some("main") | None) => None,
        (_, module) => module,
    }
}

/// All identifiers of `code` with their places.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + code[rest..].find(is_part)?;
        let end = code[start..].find(|c| !is_part(c)).map_or(code.len(), |length| start + length);
        rest = end;
        Some((start, &code[start..end]))
    })
}

/// Adds every path that `text`, which follows `prefix::`, names; returns what comes after them.
fn expand<'a>(prefix: &mut Vec<String>, text: &'a str, found: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut list) = text.strip_prefix('{') {
        loop {
            list = list.trim_start();
            if let Some(after) = list.strip_prefix('}') {
                return after;
            }
            let before = list.len();
            list = expand(prefix, list, found).trim_start();
            list = list.strip_prefix(',').unwrap_or(list);
            if list.len() == before {
                return list;
            }
        }
    }
    let Some((0, word)) = words(text).next() else {
        found.push(prefix.clone());
        return text.strip_prefix('*').unwrap_or(text);
    };
    let mut after = &text[word.len()..];
    let depth = prefix.len();
    if word != "self" {
        prefix.push(word.to_owned());
    }
    if let Some(deeper) = after.strip_prefix("::") {
        after = expand(prefix, deeper, found);
    } else {
        found.push(prefix.clone());
        if let Some(renamed) = after.trim_start().strip_prefix("as ") {
            after = &renamed[words(renamed).next().map_or(0, |(start, word)| start + word.len())..];
        }
    }
    prefix.truncate(depth);
    after
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    found.extend(folders.iter().flat_map(|folder| rust_files(folder)));
    found
}

/// `code` without comments, and with empty texts.
fn bare(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or("");
    let without_comment = |line: &str| line.split("//").next().unwrap_or("").to_owned();
    code.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// Every crate's name and folder.
pub(crate) fn packages() -> BTreeMap<String, PathBuf> {
    let crates = std::fs::read_dir("crates").unwrap().map(|entry| entry.unwrap().path());
    let named = crates.map(|path| (path.file_name().unwrap().to_string_lossy().replace('-', "_"), path));
    named.chain([("pulmo".to_owned(), PathBuf::from("."))]).collect()
}

/// All source files, except those of test support.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for (package, folder) in packages().into_iter().filter(|(package, _)| package != "pulmo_forge") {
        let root = folder.join("src");
        for path in rust_files(&root) {
            let below = path.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Vec<String> =
                below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            module.pop_if(|last| last == "mod" || last == "lib");
            let name = path.to_string_lossy().trim_start_matches("./").replace('\\', "/");
            let code = bare(&std::fs::read_to_string(&path).unwrap());
            sources.push(Source { name, package: package.clone(), module, code });
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// The rooms that `source` names, other than its own.
pub(crate) fn rooms_named(source: &Source) -> BTreeSet<String> {
    let rooms = source
        .paths()
        .into_iter()
        .filter_map(|path| room_of(&path[0], path.get(1).map(String::as_str)).map(str::to_owned));
    rooms.filter(|room| Some(room.as_str()) != source.room()).collect()
}

#[test]
fn paths_are_expanded_and_resolved() {
    let code = "use crate::{volume::{Mask, Volume as V}, units}; use super::super::b::C; fn f() { pulmo_scan::files::read() }";
    let source = Source {
        name: String::new(),
        package: "pulmo".to_owned(),
        module: ["a", "x", "y"].map(str::to_owned).to_vec(),
        code: code.to_owned(),
    };
    let paths: Vec<String> = source.paths().iter().map(|path| path.join("::")).collect();
    let expected = [
        "pulmo::volume::Mask",
        "pulmo::volume::Volume",
        "pulmo::units",
        "pulmo::a::b::C",
        "pulmo_scan::files::read",
    ];
    assert_eq!(paths, expected);
}
