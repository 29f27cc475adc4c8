//! The regular files under paths, each once.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use pulmo_system::{FileIdentity, file_identity};
use rayon::prelude::*;

use super::Refused;
use super::passed_over::{Passed, PassedOver};
use crate::findings::Code;

/// Which symbolic links are followed within folders. A path that is named itself is always followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Those to files, wherever they lead.
    #[default]
    Files,
    /// Those to folders too. Each folder is walked once, so that loops end.
    FilesAndFolders,
}

/// The files under paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Regular files, sorted, each by one path only.
    pub files: Vec<PathBuf>,
    /// Named paths that are no file or folder, and folders that cannot be listed.
    pub refused: Vec<Refused>,
    /// What is missing from a folder that was listed: broken links, and folders whose listing broke off.
    pub missing: Vec<Unlisted>,
    /// What was passed over.
    pub passed: PassedOver,
}

/// What is missing from a folder that was listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unlisted {
    /// The folder.
    pub folder: PathBuf,
    /// The broken link in it; `None` where the listing broke off, so that any file may be missing.
    pub link: Option<PathBuf>,
}

/// Lists the files under `paths`, without opening any.
///
/// Within folders, hidden files, named pipes, sockets and devices are passed over. A file that can be
/// reached on several paths, by links or because paths overlap, is listed once: by the path that was
/// named, else by the one without a link, else by the first.
pub fn list(paths: &[PathBuf], links: Links) -> Listing {
    let mut walk = Walk { links, ..Walk::default() };
    let mut paths = paths.to_vec();
    paths.sort();
    paths.dedup();
    let mut folders = Vec::new();
    for path in paths {
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => folders.push(path),
            Ok(found) if found.is_file() => walk.named_file(path),
            _ => walk.found.refused.push(Refused::new(&path, Code::Unreadable)),
        }
    }
    for folder in folders {
        walk.folder(folder);
    }
    walk.finish()
}

/// A file or folder as the walk came to it, and without the links on its way.
struct Walked {
    path: PathBuf,
    canonical: PathBuf,
}

impl Walked {
    /// What lies in a folder under this name.
    fn below(&self, name: &OsStr) -> Self {
        Self { path: self.path.join(name), canonical: self.canonical.join(name) }
    }
}

/// A walk under way.
#[derive(Default)]
struct Walk {
    links: Links,
    found: Listing,
    /// Folders that were walked, by their canonical paths.
    walked: BTreeSet<PathBuf>,
    /// Named files and those behind links, by their canonical paths.
    known: BTreeSet<PathBuf>,
    /// Links to folders, and to files, in the order in which they were met.
    folder_links: Vec<PathBuf>,
    file_links: Vec<PathBuf>,
}

impl Walk {
    fn named_file(&mut self, path: PathBuf) {
        if self.known.insert(canonical(&path)) {
            self.found.files.push(path);
        } else {
            self.found.passed.add(Passed::KnownFile);
        }
    }

    /// Walks a folder and all below it; `false` where it was walked before.
    fn folder(&mut self, folder: PathBuf) -> bool {
        let root = canonical(&folder);
        if self.walked.contains(&root) {
            return false;
        }
        let mut to_do = vec![Walked { path: folder, canonical: root }];
        while let Some(folder) = to_do.pop() {
            if !self.walked.insert(folder.canonical.clone()) {
                continue;
            }
            match std::fs::read_dir(&folder.path) {
                Ok(entries) => {
                    let entries =
                        entries.map(|entry| entry.and_then(|it| Ok((it.file_name(), it.file_type()?))));
                    to_do.extend(self.entries(&folder, entries));
                }
                Err(_) => self.found.refused.push(Refused::new(&folder.path, Code::Unreadable)),
            }
        }
        true
    }

    /// Takes in what lies in a folder, and returns the folders in it.
    fn entries(
        &mut self,
        folder: &Walked,
        entries: impl Iterator<Item = std::io::Result<(OsString, FileType)>>,
    ) -> Vec<Walked> {
        let (mut inside, mut is_whole) = (Vec::new(), true);
        for entry in entries {
            match entry {
                Err(_) => is_whole = false,
                Ok((name, _)) if is_hidden(&name) => self.found.passed.add(Passed::Hidden),
                Ok((name, kind)) if kind.is_dir() => inside.push(folder.below(&name)),
                Ok((name, kind)) => self.entry(folder.below(&name), kind),
            }
        }
        if !is_whole {
            self.found.missing.push(Unlisted { folder: folder.path.clone(), link: None });
        }
        inside
    }

    /// Takes in what is no folder.
    fn entry(&mut self, entry: Walked, kind: FileType) {
        let Walked { path, canonical } = entry;
        if kind.is_file() {
            // named ones are listed already
            if !self.known.contains(&canonical) {
                self.found.files.push(path);
            }
            return;
        }
        if !kind.is_symlink() {
            return self.found.passed.add(Passed::NoFile);
        }
        match std::fs::metadata(&path) {
            Ok(target) if target.is_file() => self.file_links.push(path),
            Ok(target) if target.is_dir() => self.folder_links.push(path),
            Ok(_) => self.found.passed.add(Passed::NoFile),
            Err(_) => {
                self.found.passed.add(Passed::BrokenLink);
                let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
                self.found.missing.push(Unlisted { folder, link: Some(path) });
            }
        }
    }

    /// Follows the links, now that all that lies under the paths without them is known.
    fn finish(mut self) -> Listing {
        while !self.folder_links.is_empty() {
            let mut links = std::mem::take(&mut self.folder_links);
            links.sort();
            for link in links {
                if self.links == Links::Files {
                    self.found.passed.add(Passed::FolderLink);
                } else if !self.folder(link) {
                    self.found.passed.add(Passed::KnownFolder);
                }
            }
        }
        let mut links = std::mem::take(&mut self.file_links);
        links.sort();
        for link in links {
            let real = canonical(&link);
            let is_listed = real.parent().is_some_and(|folder| self.walked.contains(folder))
                && !real.file_name().is_some_and(is_hidden);
            if is_listed || !self.known.insert(real) {
                self.found.passed.add(Passed::KnownFile);
            } else {
                self.found.files.push(link);
            }
        }
        self.found.files.sort();
        once_by_content(&mut self.found);
        self.found.missing.sort();
        self.found
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The path without links; the path itself where the operating system does not tell.
fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Keeps the first of the names that hard links give to one file, where the system tells.
fn once_by_content(found: &mut Listing) {
    let identity = |path: &PathBuf| file_identity(path).filter(|identity| identity.names > 1);
    let identities: Vec<Option<FileIdentity>> = found.files.par_iter().map(identity).collect();
    let mut known = BTreeSet::new();
    let mut identities = identities.into_iter();
    let passed = &mut found.passed;
    found.files.retain(|_| {
        let is_new = identities.next().flatten().is_none_or(|identity| known.insert(identity));
        if !is_new {
            passed.add(Passed::KnownFile);
        }
        is_new
    });
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with files of these names, each with its name as content.
    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        folder
    }

    fn names(root: &Path, listing: &Listing) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        listing.files.iter().map(name).collect()
    }

    #[test]
    fn links_to_files_are_followed_out_of_the_folder() {
        let folder = folder_of(&["store/.objects/1", "store/2", "seen/3"]);
        let at = |name: &str| folder.path().join(name);
        symlink("../store/.objects/1", at("seen/a")).unwrap();
        symlink("../store/2", at("seen/b")).unwrap();
        symlink("b", at("seen/c")).unwrap();
        let listing = list(&[at("seen")], Links::Files);
        assert_eq!(names(folder.path(), &listing), ["seen/3", "seen/a", "seen/b"]);
        // `b` and `c` lead to one file
        assert_eq!(listing.passed.to_string(), "1 other path to the same file");
    }

    #[test]
    fn a_file_is_listed_once_whatever_leads_to_it() {
        let folder = folder_of(&["b/1", "b/.2", "c"]);
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("a")).unwrap();
        symlink("../b/1", at("a/link")).unwrap();
        symlink("../b/.2", at("a/hidden")).unwrap();
        std::fs::hard_link(at("c"), at("d")).unwrap();
        let listing = list(&[folder.path().to_path_buf(), at("b"), at("b/1")], Links::Files);
        assert_eq!(names(folder.path(), &listing), ["a/hidden", "b/1", "c"]);
        assert_eq!(listing.passed.count(&Passed::KnownFile), 2);
        let named = list(&[at("a/link"), at("b")], Links::Files);
        assert_eq!(names(folder.path(), &named), ["a/link"]);
    }

    #[test]
    fn links_to_folders_are_followed_where_asked_for_and_loops_end() {
        let folder = folder_of(&["root/x/1", "elsewhere/2"]);
        let at = |name: &str| folder.path().join(name);
        symlink("../../root", at("root/x/loop")).unwrap();
        symlink("../elsewhere", at("root/out")).unwrap();
        symlink("../elsewhere", at("root/out2")).unwrap();
        symlink("../root/out", at("elsewhere/again")).unwrap();
        let listing = list(&[at("root")], Links::Files);
        assert_eq!(names(folder.path(), &listing), ["root/x/1"]);
        assert_eq!(listing.passed.to_string(), "3 links to folders");
        let listing = list(&[at("root")], Links::FilesAndFolders);
        assert_eq!(names(folder.path(), &listing), ["root/out/2", "root/x/1"]);
        assert_eq!(listing.passed.to_string(), "3 links to folders seen before");
        // a link that is named is followed in any case
        assert_eq!(names(folder.path(), &list(&[at("root/out")], Links::Files)), ["root/out/2"]);
    }

    #[test]
    fn what_is_no_file_is_counted_and_never_opened() {
        let folder = folder_of(&["1"]);
        let at = |name: &str| folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink("pipe", at("to_pipe")).unwrap();
        symlink("/dev/zero", at("to_device")).unwrap();
        symlink("gone", at("to_nothing")).unwrap();
        let listing = list(&[folder.path().to_path_buf()], Links::FilesAndFolders);
        assert_eq!(names(folder.path(), &listing), ["1"]);
        assert_eq!(listing.passed.to_string(), "4 pipes, sockets or devices, 1 broken link");
        let missing = Unlisted { folder: folder.path().to_path_buf(), link: Some(at("to_nothing")) };
        assert_eq!(listing.missing, [missing]);
        let named = list(&[at("pipe"), at("to_device"), at("gone")], Links::Files);
        assert_eq!((named.files.len(), named.refused.len()), (0, 3));
    }

    #[test]
    fn a_listing_that_breaks_off_is_told_and_what_came_before_is_kept() {
        let folder = folder_of(&["1", "2"]);
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut entries: Vec<_> =
            entries.map(|entry| entry.and_then(|it| Ok((it.file_name(), it.file_type()?)))).collect();
        entries.insert(1, Err(std::io::Error::other("the share is gone")));
        let mut walk = Walk::default();
        walk.entries(
            &Walked { path: folder.path().into(), canonical: folder.path().into() },
            entries.into_iter(),
        );
        let listing = walk.finish();
        assert_eq!(names(folder.path(), &listing), ["1", "2"]);
        assert_eq!(listing.missing, [Unlisted { folder: folder.path().to_path_buf(), link: None }]);
    }
}
