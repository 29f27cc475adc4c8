//! What listed files are, told by their headers, of which little is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::discover::{Examined, Member, SeriesKey, examine, files_of, split};
use super::listing::{Listing, Missing};
use super::passed_over::{Passed, PassedOver};
use super::series::common_folder;
use super::{Refused, Series};
use crate::findings::Code;

/// Images whose headers are kept from the first reading on; the headers of others are read again when
/// their series is due, so that memory does not grow with an archive.
const HEADERS_KEPT: usize = 4096;
/// Files whose headers are read together.
const FILES_AT_ONCE: usize = 1024;

/// What listed files are.
///
/// All headers are read once before the first series is told, as files of one series may lie
/// anywhere: one scan gives one answer. What is kept of a file is its path.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The series, in the order of their paths.
    pub series: Vec<SeriesFiles>,
    /// DICOM files that belong to no CT series, and files and folders that cannot be read.
    pub refused: Vec<Refused>,
    /// Files that are not DICOM.
    pub others: Vec<PathBuf>,
    /// What was passed over.
    pub passed: PassedOver,
}

/// The files of one series.
#[derive(Debug)]
pub struct SeriesFiles {
    path: PathBuf,
    key: Arc<SeriesKey>,
    files: Vec<Known>,
    missing: Vec<Refused>,
    folders: Arc<Folders>,
}

/// A file, and its images where their headers were kept.
#[derive(Debug)]
struct Known {
    path: Box<Path>,
    members: Option<Vec<Member>>,
}

/// How many series each folder may be the name of.
type Folders = BTreeMap<PathBuf, usize>;

impl Catalogue {
    /// Reads the headers of listed files.
    pub fn of(listing: Listing) -> Self {
        let Listing { files, refused, missing, passed } = listing;
        let mut catalogue = Self { refused, passed, ..Self::default() };
        let mut groups: BTreeMap<Arc<SeriesKey>, Vec<Known>> = BTreeMap::new();
        let mut kept = 0;
        for some in files.chunks(FILES_AT_ONCE) {
            let examined: Vec<Examined> = some.par_iter().map(|path| examine(path)).collect();
            for (path, examined) in some.iter().zip(examined) {
                match examined {
                    Examined::Members(key, members) => {
                        kept += members.len();
                        let members = (kept <= HEADERS_KEPT).then_some(members);
                        let known = Known { path: path.as_path().into(), members };
                        groups.entry(Arc::new(key)).or_default().push(known);
                    }
                    Examined::Refused(code) => catalogue.refused.push(Refused::new(path, code)),
                    Examined::NotDicom => catalogue.others.push(path.clone()),
                    Examined::Directory => catalogue.passed.add(Passed::Directory),
                }
            }
        }
        catalogue.group(groups);
        catalogue.refused.extend(tell_missing(&missing, &mut catalogue.series));
        catalogue.refused.sort_by(|a, b| a.path.cmp(&b.path));
        catalogue.refused.dedup();
        catalogue
    }

    fn group(&mut self, groups: BTreeMap<Arc<SeriesKey>, Vec<Known>>) {
        let mut folders = Folders::new();
        for folder in groups.values().flat_map(|files| own_folders(files)) {
            *folders.entry(folder).or_default() += 1;
        }
        let folders = Arc::new(folders);
        let of_group = |(key, files): (Arc<SeriesKey>, Vec<Known>)| {
            let folder = common_folder(paths(&files));
            let is_shared = folders.get(&folder).is_some_and(|count| *count > 1);
            let first = files.first().map(|file| file.path.to_path_buf());
            let path = first.filter(|_| is_shared).unwrap_or(folder);
            SeriesFiles { path, key, files, missing: Vec::new(), folders: folders.clone() }
        };
        self.series = groups.into_iter().map(of_group).collect();
        self.series.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

impl SeriesFiles {
    /// The folder that holds all files; the first file where the folder may be another series' name too.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The series: several where the files may not make one volume. Headers that were not kept are
    /// read again; a file that is no more what it was is set aside as `CHANGED`.
    pub fn series(self) -> Vec<Series> {
        let Self { key, files, missing, folders, .. } = self;
        let own = own_folders(&files);
        let members = |known: Known| known.members.unwrap_or_else(|| read_again(&known.path, &key));
        let members: Vec<Vec<Member>> = files.into_par_iter().map(members).collect();
        let mut series = split(members.into_iter().flatten().collect());
        if let Some(first) = series.first_mut() {
            first.warnings.extend(missing.iter().map(|_| Code::Unreadable));
            first.set_aside.extend(missing);
        }
        name(&mut series, |folder| {
            folders.get(folder).copied().unwrap_or(0) > usize::from(own.contains(folder))
        });
        series.sort_by(|a, b| a.path.cmp(&b.path));
        series
    }
}

fn paths(files: &[Known]) -> impl Iterator<Item = &Path> {
    files.iter().map(|file| &*file.path)
}

/// The folders that a series of some of the files may be called by.
fn own_folders(files: &[Known]) -> BTreeSet<PathBuf> {
    let mut own: BTreeSet<PathBuf> = BTreeSet::from([common_folder(paths(files))]);
    let mut last = None;
    for folder in paths(files).map(Path::parent) {
        // files come sorted: most lie in the folder of the one before
        if folder != last {
            own.extend(folder.map(|folder| common_folder(std::iter::once(folder.join("file").as_path()))));
            last = folder;
        }
    }
    own
}

fn read_again(path: &Path, key: &SeriesKey) -> Vec<Member> {
    match examine(path) {
        Examined::Members(found, members) if found == *key => members,
        Examined::Refused(code) => vec![Err(Refused::new(path, code))],
        _ => vec![Err(Refused::new(path, Code::Changed))],
    }
}

/// Tells each series what is missing from the folders of its files; returns the folders whose listing broke
/// off and that hold no series.
///
/// Where a listing broke off, any file may be missing; a broken link is missing from the series whose
/// files have its ending, and of no concern elsewhere.
fn tell_missing(missing: &[Missing], series: &mut [SeriesFiles]) -> Vec<Refused> {
    let mut in_folder: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (index, missing) in missing.iter().enumerate() {
        in_folder.entry(&missing.folder).or_default().push(index);
    }
    let refused =
        |missing: &Missing| Refused::new(missing.link.as_ref().unwrap_or(&missing.folder), Code::Unreadable);
    let mut concerns = BTreeSet::new();
    for series in series.iter_mut().filter(|_| !missing.is_empty()) {
        let kinds: BTreeSet<_> =
            paths(&series.files).filter_map(|file| Some((file.parent()?, file.extension()))).collect();
        let is_of = |index: &usize| {
            let Missing { folder, link } = &missing[*index];
            link.as_ref().is_none_or(|link| kinds.contains(&(folder.as_path(), link.extension())))
        };
        let folders: BTreeSet<&Path> = kinds.iter().map(|(folder, _)| *folder).collect();
        let own = folders.iter().filter_map(|folder| in_folder.get(folder)).flatten().copied().filter(is_of);
        let own: Vec<usize> = own.collect();
        series.missing = own.iter().map(|index| refused(&missing[*index])).collect();
        concerns.extend(own);
    }
    let others = missing.iter().enumerate().filter(|(index, _)| !concerns.contains(index));
    others.filter(|(_, missing)| missing.link.is_none()).map(|(_, missing)| refused(missing)).collect()
}

/// Gives each of the series of one group its common folder as path, or its first file where that may be
/// the name of another.
fn name(series: &mut [Series], is_taken: impl Fn(&Path) -> bool) {
    let folders: Vec<PathBuf> = series.iter().map(|series| common_folder(files_of(series))).collect();
    let mut counts: BTreeMap<&PathBuf, usize> = BTreeMap::new();
    for folder in &folders {
        *counts.entry(folder).or_default() += 1;
    }
    for (series, folder) in series.iter_mut().zip(&folders) {
        let is_shared = counts.get(folder).is_some_and(|count| *count > 1) || is_taken(folder);
        let first = files_of(series).min().map(Path::to_path_buf);
        series.path = first.filter(|_| is_shared).unwrap_or_else(|| folder.clone());
    }
}
