//! Which file needs which: no file may need itself by way of others.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, sources};

/// Where each module and item of the house stands.
struct House<'a> {
    /// The file of a module, by the module's path.
    files: BTreeMap<Vec<String>, &'a Source>,
    /// What each module hands on by `pub use`: name to path.
    handed_on: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

fn path_of(source: &Source) -> Vec<String> {
    std::iter::once(source.package.clone()).chain(source.module.iter().cloned()).collect()
}

impl<'a> House<'a> {
    fn new(sources: &'a [Source]) -> Self {
        let files = sources.iter().map(|source| (path_of(source), source)).collect();
        let mut house = Self { files, handed_on: BTreeMap::new() };
        for source in sources.iter().filter(|source| source.is_table()) {
            let handed = reexports(source);
            house.handed_on.insert(path_of(source), handed);
        }
        house
    }

    /// The file that defines what `path` names.
    fn defining(&self, path: &[String]) -> Option<&'a Source> {
        let known = (1..=path.len()).rev().find(|&end| self.files.contains_key(&path[..end]))?;
        let module = &path[..known];
        let handed = path.get(known).and_then(|name| self.handed_on.get(module)?.get(name));
        match handed {
            Some(target) if target.as_slice() != path => {
                self.defining(&[target, &path[known + 1..]].concat())
            }
            _ => self.files.get(module).copied(),
        }
    }
}

/// What a table of contents hands on, by name.
fn reexports(table: &Source) -> BTreeMap<String, Vec<String>> {
    let mut handed = BTreeMap::new();
    let mut code = table.code.clone();
    for visibility in ["pub(crate) use ", "pub(super) use ", "pub use "] {
        code = code.replace(visibility, "pub use self::");
    }
    for statement in code.split(';').filter_map(|part| part.trim().split_once("pub use self::")) {
        let text = format!("self::{};", statement.1);
        let one = Source {
            code: text,
            name: String::new(),
            package: table.package.clone(),
            module: table.module.clone(),
        };
        for mut path in one.paths() {
            if let Some(place) =
                path.iter().position(|part| part.starts_with("pulmo_")).filter(|place| *place > 0)
            {
                path.drain(..place);
            }
            if let Some(place) = path.iter().rposition(|part| part == "super" || part == "crate") {
                path = table.absolute(path[place..].to_vec()).unwrap_or_default();
            }
            handed.extend(path.last().cloned().map(|name| (name, path)));
        }
    }
    handed
}

/// For each file the files it needs, tables of contents left out.
pub(crate) fn needs(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let house = House::new(sources);
    let mut needs = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_table()) {
        let named = source.paths().into_iter().filter_map(|path| house.defining(&path));
        let others = named.filter(|other| other.name != source.name && !other.is_table());
        needs.insert(source.name.as_str(), others.map(|other| other.name.as_str()).collect());
    }
    needs
}

/// Groups of files each of which needs all the others, one way or another.
pub(crate) fn rings<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let reached = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            let next = needs.get(file).into_iter().flatten().copied();
            open.extend(next.filter(|file| seen.insert(*file)));
        }
        seen
    };
    let all: BTreeMap<&str, BTreeSet<&str>> = needs.keys().map(|file| (*file, reached(file))).collect();
    let mut rings = BTreeSet::new();
    for (file, seen) in all.iter().filter(|(file, seen)| seen.contains(*file)) {
        rings.insert(seen.iter().copied().filter(|other| all[other].contains(file)).collect::<BTreeSet<_>>());
    }
    rings.into_iter().collect()
}

#[test]
fn no_file_needs_itself_by_way_of_others() {
    let sources = sources();
    let needs = needs(&sources);
    let rings = rings(&needs);
    let told: Vec<String> =
        rings.iter().map(|ring| ring.iter().copied().collect::<Vec<_>>().join(", ")).collect();
    assert!(rings.is_empty(), "{} rings:\n{}", rings.len(), told.join("\n"));
}

#[test]
fn a_ring_is_found() {
    let needs = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"]), ("d", vec!["a"])];
    let needs: BTreeMap<&str, BTreeSet<&str>> =
        needs.into_iter().map(|(file, others)| (file, others.into_iter().collect())).collect();
    assert_eq!(rings(&needs), [BTreeSet::from(["b", "c"])]);
}

#[test]
fn imports_lead_to_the_files_that_define() {
    let sources = sources();
    let needs = needs(&sources);
    let edges: usize = needs.values().map(BTreeSet::len).sum();
    assert!(edges > 2 * needs.len(), "{edges} imports between {} files", needs.len());
    let engine = &needs["src/engine/pipeline.rs"];
    let expected = ["src/engine/engine.rs", "crates/pulmo-scan/src/volume/volume.rs"];
    assert!(expected.iter().all(|file| engine.contains(file)), "{engine:?}");
}
