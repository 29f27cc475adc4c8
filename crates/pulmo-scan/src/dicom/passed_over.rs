//! What was seen under the paths and is no scan, counted by kind.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Longest ending of a file's name that is told as a kind of its own.
const LONGEST_ENDING: usize = 5;
/// Kinds that are told by name; the others are told together.
const KINDS_TOLD: usize = 12;

/// A kind of thing that is passed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Passed {
    /// A file of another format, by its ending in lower case: `gif`.
    Ending(String),
    /// A file of another format whose name has no ending that tells a format.
    NoEnding,
    /// A symbolic link to a folder, which is followed only where that was asked for.
    FolderLink,
    /// A symbolic link to a folder that was walked already: a loop, or another way to the same files.
    KnownFolder,
    /// A symbolic link to nothing.
    BrokenLink,
    /// Another path to a file that was found already.
    KnownFile,
    /// A named pipe, a socket or a device.
    NoFile,
    /// A file or folder whose name starts with a dot.
    Hidden,
    /// A DICOM directory.
    Directory,
}

impl Passed {
    /// The kind of a file of another format, by its name.
    pub fn by_name(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_telling = ending.len() <= LONGEST_ENDING
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && ending.bytes().any(|byte| byte.is_ascii_alphabetic());
        if is_telling { Self::Ending(ending.to_ascii_lowercase()) } else { Self::NoEnding }
    }

    /// The kind of so many, in words.
    fn told(&self, count: usize) -> String {
        let words = |one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        match self {
            Self::Ending(ending) => format!("{count} .{ending}"),
            Self::NoEnding => words("file without an ending", "files without an ending"),
            Self::FolderLink => words("link to a folder", "links to folders"),
            Self::KnownFolder => words("link to a folder seen before", "links to folders seen before"),
            Self::BrokenLink => words("broken link", "broken links"),
            Self::KnownFile => words("other path to the same file", "other paths to the same files"),
            Self::NoFile => words("pipe, socket or device", "pipes, sockets or devices"),
            Self::Hidden => format!("{count} hidden"),
            Self::Directory => format!("{count} DICOMDIR"),
        }
    }
}

/// How many things of each kind were passed over; shown as `24 .gif, 3 links to folders`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOver(BTreeMap<Passed, usize>);

impl PassedOver {
    /// Counts one more.
    pub fn add(&mut self, kind: Passed) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// Counts what another count holds.
    pub fn extend(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(kind.clone()).or_default() += count;
        }
    }

    /// How many of a kind there were.
    pub fn count(&self, kind: &Passed) -> usize {
        self.0.get(kind).copied().unwrap_or(0)
    }

    /// Whether nothing was passed over.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for PassedOver {
    /// The most frequent kinds first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(&Passed, usize)> = self.0.iter().map(|(kind, count)| (kind, *count)).collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        let others: usize = kinds.iter().skip(KINDS_TOLD).map(|(_, count)| count).sum();
        let told = kinds.iter().take(KINDS_TOLD).map(|(kind, count)| kind.told(*count));
        let told: Vec<String> = told.chain((others > 0).then(|| format!("{others} others"))).collect();
        f.write_str(&told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kinds: &[(Passed, usize)]) -> String {
        let mut passed = PassedOver::default();
        for (kind, count) in kinds {
            (0..*count).for_each(|_| passed.add(kind.clone()));
        }
        passed.to_string()
    }

    #[test]
    fn kinds_are_told_in_numbers_the_most_frequent_first() {
        let gif = Passed::by_name(Path::new("a/b.GIF"));
        assert_eq!(told(&[(Passed::FolderLink, 3), (gif, 24)]), "24 .gif, 3 links to folders");
        assert_eq!(told(&[(Passed::FolderLink, 1), (Passed::Hidden, 1)]), "1 link to a folder, 1 hidden");
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn numbers_and_names_are_no_endings() {
        for name in ["1.2.840.10008.5", "README", ".bashrc", "scan.SMITHJOHN", "a.b c"] {
            assert_eq!(Passed::by_name(Path::new(name)), Passed::NoEnding, "{name}");
        }
        assert_eq!(Passed::by_name(Path::new("a.7z")), Passed::Ending("7z".into()));
    }

    #[test]
    fn many_kinds_are_told_together() {
        let kinds: Vec<_> = (0..20).map(|n| (Passed::Ending(format!("x{n:02}")), 1)).collect();
        assert!(told(&kinds).ends_with("1 .x11, 8 others"), "{}", told(&kinds));
    }
}
