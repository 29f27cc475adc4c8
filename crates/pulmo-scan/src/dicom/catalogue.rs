//! What listed files are, told by their headers, of which little is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::examine::{Examined, examine};
use super::grouping::{Groups, Member, Part, split};
use super::identity::SeriesKey;
use super::listing::{Listing, Unlisted};
use super::passed_over::{Passed, PassedOver};
use super::series::common_folder;
use super::{Refused, Series};
use crate::findings::{Code, Reason};

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
    files: Vec<Known>,
    /// Files that cannot be read and are of this series.
    missing: Vec<Refused>,
    /// Files that cannot be read and may be of this series as well as of others.
    in_doubt: usize,
    folders: Arc<Folders>,
}

/// A file, and its images where their headers were kept.
#[derive(Debug)]
struct Known {
    path: Box<Path>,
    key: Arc<SeriesKey>,
    members: Option<Vec<Member>>,
}

/// How many series each folder may be the name of.
type Folders = BTreeMap<PathBuf, usize>;

impl Catalogue {
    /// Reads the headers of listed files.
    pub fn of(listing: Listing) -> Self {
        let Listing { files, refused, missing, passed } = listing;
        let mut catalogue = Self { refused, passed, ..Self::default() };
        let mut groups = Groups::new();
        let mut orphans = Vec::new();
        let mut kept = 0;
        for some in files.chunks(FILES_AT_ONCE) {
            let examined: Vec<Examined> = some.par_iter().map(|path| examine(path)).collect();
            for (path, examined) in some.iter().zip(examined) {
                match examined {
                    Examined::Part(Part { key, traits, members }) => {
                        kept += members.len();
                        let members = (kept <= HEADERS_KEPT).then_some(members);
                        groups.add(key, traits, |key| Known { path: path.as_path().into(), key, members });
                    }
                    Examined::Refused(reason) => catalogue.refused.push(Refused::new(path, reason)),
                    Examined::Orphan(reason) => orphans.push(Refused::new(path, reason)),
                    Examined::NotDicom => catalogue.others.push(path.clone()),
                    Examined::Directory => catalogue.passed.add(Passed::Directory),
                }
            }
        }
        catalogue.group(groups.finish());
        catalogue.hand_out(orphans, missing);
        catalogue.refused.sort_by(|a, b| a.path.cmp(&b.path));
        catalogue.refused.dedup();
        catalogue.others.sort();
        catalogue
    }

    fn group(&mut self, groups: Vec<Vec<Known>>) {
        let mut folders = Folders::new();
        for folder in groups.iter().flat_map(|files| own_folders(files)) {
            *folders.entry(folder).or_default() += 1;
        }
        let folders = Arc::new(folders);
        let of_group = |files: Vec<Known>| {
            let folder = common_folder(paths(&files));
            let is_shared = folders.get(&folder).is_some_and(|count| *count > 1);
            let first = files.first().map(|file| file.path.to_path_buf());
            let path = first.filter(|_| is_shared).unwrap_or(folder);
            SeriesFiles { path, files, missing: Vec::new(), in_doubt: 0, folders: folders.clone() }
        };
        self.series = groups.into_iter().map(of_group).collect();
        self.series.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Hands what cannot be read, and does not say whose it is, to the series of its folder; where a folder
    /// holds several, each is in doubt. Where a listing broke off, any series of the folder may miss a file.
    /// What no series can be missing is refused, or what it is beside DICOM.
    fn hand_out(&mut self, orphans: Vec<Refused>, unlisted: Vec<Unlisted>) {
        let by_folder = self.by_folder();
        let series_at = |folder: Option<&Path>| {
            folder.and_then(|folder| by_folder.get(folder)).map_or(&[][..], Vec::as_slice)
        };
        for orphan in orphans {
            match (series_at(orphan.path.parent()), &orphan.verdict.codes()[..]) {
                ([], [Code::NotDicom]) => self.others.push(orphan.path),
                ([], _) => self.refused.push(orphan),
                ([only], _) => self.series[*only].missing.push(orphan),
                (several, codes) => {
                    several.iter().for_each(|index| self.series[*index].in_doubt += 1);
                    let is_dicom = codes != [Code::NotDicom];
                    if is_dicom { self.refused.push(orphan) } else { self.others.push(orphan.path) }
                }
            }
        }
        for Unlisted { folder, link } in unlisted {
            let refused = Refused::new(link.as_ref().unwrap_or(&folder), Code::Unreadable);
            let has_ending = |index: &&usize| {
                let of_ending =
                    |file: &Path| file.extension() == link.as_ref().and_then(|link| link.extension());
                link.is_none() || paths(&self.series[**index].files).any(of_ending)
            };
            let concerned: Vec<usize> = series_at(Some(&folder)).iter().filter(has_ending).copied().collect();
            match (&concerned[..], &link) {
                ([], None) => self.refused.push(refused),
                ([], Some(_)) => {}
                ([_, _, ..], Some(_)) => concerned.iter().for_each(|index| self.series[*index].in_doubt += 1),
                _ => concerned.iter().for_each(|index| self.series[*index].missing.push(refused.clone())),
            }
        }
    }

    /// The series of which files lie in each folder.
    fn by_folder(&self) -> BTreeMap<PathBuf, Vec<usize>> {
        let mut by_folder: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for (index, series) in self.series.iter().enumerate() {
            let mut last = None;
            for folder in paths(&series.files).map(Path::parent) {
                // files come sorted: most lie in the folder of the one before
                if let Some(folder) = folder.filter(|_| folder != last) {
                    let there = by_folder.entry(folder.to_path_buf()).or_default();
                    if there.last() != Some(&index) {
                        there.push(index);
                    }
                }
                last = folder;
            }
        }
        by_folder
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
        let Self { files, missing, in_doubt, folders, .. } = self;
        let own = own_folders(&files);
        let members = |known: Known| known.members.unwrap_or_else(|| read_again(&known.path, &known.key));
        let members: Vec<Vec<Member>> = files.into_par_iter().map(members).collect();
        let mut series = split(members.into_iter().flatten().collect());
        for series in &mut series {
            series.lost.extend(missing.iter().cloned());
            let message =
                format!("{in_doubt} files of its folder cannot be read, and may be slices of this series");
            series.warnings.extend((in_doubt > 0).then(|| Reason::new(Code::Partial, message)));
        }
        if let Some(first) = series.first_mut() {
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
        Examined::Part(Part { key: found, members, .. }) if found == *key => members,
        Examined::Refused(reason) | Examined::Orphan(reason) if reason != Code::NotDicom => {
            vec![Err(Refused::new(path, reason))]
        }
        _ => vec![Err(Refused::new(path, Code::Changed))],
    }
}

/// Gives each of the series of one group its common folder as path, or its first file where that may be
/// the name of another.
fn name(series: &mut [Series], is_taken: impl Fn(&Path) -> bool) {
    let folders: Vec<PathBuf> = series.iter().map(|series| common_folder(series.files())).collect();
    let mut counts: BTreeMap<&PathBuf, usize> = BTreeMap::new();
    for folder in &folders {
        *counts.entry(folder).or_default() += 1;
    }
    for (series, folder) in series.iter_mut().zip(&folders) {
        let is_shared = counts.get(folder).is_some_and(|count| *count > 1) || is_taken(folder);
        let first = series.files().min().map(Path::to_path_buf);
        series.path = first.filter(|_| is_shared).unwrap_or_else(|| folder.clone());
    }
}
