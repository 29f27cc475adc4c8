//! The folders of an archive, one after the other, in memory that does not grow with it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pulmo_system::path_bytes;
use sha2::{Digest, Sha256};

/// A folder with files in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    /// The archive that it lies in, as it was named.
    pub(crate) root: PathBuf,
    /// The folder below it; empty for the archive itself.
    pub(crate) inside: PathBuf,
    /// Hash of its files' names, sizes and times of change.
    pub(crate) signature: [u8; 32],
    /// When a file in it changed last.
    pub(crate) changed: Option<SystemTime>,
}

/// A file in a folder.
pub(crate) struct FileEntry {
    pub(crate) name: OsString,
    pub(crate) bytes: u64,
    pub(crate) changed: Option<SystemTime>,
}

/// The regular files directly in a folder, also behind links, sorted by name. Hidden files, pipes, sockets, devices
/// and what vanishes meanwhile are passed over.
pub(crate) fn files_in(folder: &Path) -> Vec<FileEntry> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name()).filter(|name| !is_hidden(name));
    let file = |name: OsString| {
        let found = std::fs::metadata(folder.join(&name)).ok().filter(std::fs::Metadata::is_file)?;
        Some(FileEntry { name, bytes: found.len(), changed: found.modified().ok() })
    };
    let mut files: Vec<FileEntry> = names.filter_map(file).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn is_hidden(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Tells every folder with files below `roots` until `tell` returns `false`; returns whether all could be listed.
/// Links to folders are followed where asked for, each folder once, so that loops end.
pub(crate) fn walk(roots: &[PathBuf], follow_links: bool, mut tell: impl FnMut(Folder) -> bool) -> bool {
    let mut known = BTreeSet::new();
    let mut is_whole = true;
    for root in roots {
        let mut open = vec![PathBuf::new()];
        while let Some(inside) = open.pop() {
            let path = if inside.as_os_str().is_empty() { root.clone() } else { root.join(&inside) };
            if !is_new(&path, &mut known) {
                continue;
            }
            let Ok(entries) = std::fs::read_dir(&path) else {
                is_whole = false;
                continue;
            };
            let mut below: Vec<OsString> = Vec::new();
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                let is_folder = kind.is_dir() || (follow_links && kind.is_symlink() && entry.path().is_dir());
                if is_folder && !is_hidden(&entry.file_name()) {
                    below.push(entry.file_name());
                }
            }
            below.sort_by(|a, b| b.cmp(a));
            open.extend(below.iter().map(|name| inside.join(name)));
            if let Some(folder) = with_files(root, &inside, &path)
                && !tell(folder)
            {
                return false;
            }
        }
    }
    is_whole
}

/// Whether a folder was not met before; of each 16 bytes are kept.
fn is_new(path: &Path, known: &mut BTreeSet<[u8; 16]>) -> bool {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let hash: [u8; 32] = Sha256::digest(path_bytes(&real)).into();
    hash.first_chunk().is_none_or(|first| known.insert(*first))
}

fn with_files(root: &Path, inside: &Path, path: &Path) -> Option<Folder> {
    let files = files_in(path);
    let mut hash = Sha256::new();
    for file in &files {
        hash.update(file.name.as_encoded_bytes());
        hash.update([0]);
        hash.update(file.bytes.to_le_bytes());
        let since = file.changed.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        hash.update(since.map_or(0, |since| since.as_nanos()).to_le_bytes());
    }
    let changed = files.iter().filter_map(|file| file.changed).max();
    let folder = || Folder {
        root: root.to_path_buf(),
        inside: inside.to_path_buf(),
        signature: hash.finalize().into(),
        changed,
    };
    (!files.is_empty()).then(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(root: &Path, follow: bool) -> Vec<String> {
        let mut told = Vec::new();
        assert!(walk(&[root.to_path_buf()], follow, |folder| {
            told.push(folder.inside.to_string_lossy().into_owned());
            true
        }));
        told
    }

    #[test]
    fn folders_with_files_are_told_in_order_and_each_once() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/2/x", "b/1/x", "a/x", ".hidden/x", "c/empty/.x"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(told(root.path(), false), ["a", "b/1", "b/2"]);
        assert_eq!(told(&root.path().join("b"), false), ["1", "2"]);
    }

    #[cfg(unix)]
    #[test]
    fn loops_end_and_what_is_no_file_is_never_opened() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a")).unwrap();
        let link = |target: &str, name: &str| {
            assert!(
                std::process::Command::new("ln")
                    .args(["-s", target])
                    .arg(root.path().join(name))
                    .status()
                    .unwrap()
                    .success()
            );
        };
        link("..", "a/up");
        link("a", "b");
        link("gone", "a/dangling");
        let pipe = root.path().join("a/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(told(root.path(), true).len(), 0);
        std::fs::write(root.path().join("a/x"), "").unwrap();
        assert_eq!(told(root.path(), false), ["a"]);
        assert_eq!(told(root.path(), true).len(), 1);
    }
}
