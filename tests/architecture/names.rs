//! One word per thing: no two public types share a name.

use std::collections::BTreeMap;

use super::sources::{Source, sources};

/// What follows `pub`, `pub(crate)` or `pub(super)` in a line.
fn public(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
    rest.strip_prefix(' ')
}

/// Public types by name, with the files that define them.
fn types(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for line in source.code.lines().map(str::trim_start) {
            let Some(rest) = public(line) else { continue };
            let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
            let Some(rest) = kinds.iter().find_map(|kind| rest.strip_prefix(kind)) else { continue };
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            types.entry(rest[..end].to_owned()).or_default().push(source.name.clone());
        }
    }
    types
}

#[test]
fn no_two_public_types_share_a_name() {
    let types = types(&sources());
    assert!(types.len() > 100);
    let twice: Vec<String> = types
        .iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(twice.is_empty(), "{} names:\n{}", twice.len(), twice.join("\n"));
}
