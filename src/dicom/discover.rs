//! Walks paths and groups the CT slices found there into series, by their headers only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::header::{self, ObjectKind};
use super::open::{Extent, open};
use super::series::common_folder;
use super::{DicomError, Series, Slice, SliceHeader};
use crate::findings::{Code, Verdict};

/// Pixel spacings and directions that differ by less are the same.
const SAME_WITHIN: f64 = 1e-4;

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub verdict: Verdict,
}

impl Refused {
    fn new(path: &Path, code: Code) -> Self {
        Self { path: path.to_path_buf(), verdict: Verdict::RejectFile(code) }
    }
}

/// What was found, each list in the order of paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovery {
    /// CT series.
    pub series: Vec<Series>,
    /// DICOM files that belong to no CT series, and files that cannot be read.
    pub refused: Vec<Refused>,
    /// Files that are not DICOM.
    pub others: Vec<PathBuf>,
}

/// Finds CT series in files and folders. Reads headers only.
///
/// Folders are walked without following symbolic links; hidden files, files that are not regular
/// and DICOM directories are passed over. The result does not depend on the order of `paths`, of
/// folder entries or of threads.
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let mut discovery = Discovery::default();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => walk(path, &mut files, &mut discovery.refused),
            Ok(found) if found.is_file() => files.push(path.clone()),
            _ => discovery.refused.push(Refused::new(path, Code::Unreadable)),
        }
    }
    files.sort();
    files.dedup();
    let mut found_series: BTreeMap<SeriesKey, Vec<Member>> = BTreeMap::new();
    let examined: Vec<Examined> = files.par_iter().map(|path| examine(path)).collect();
    for (path, examined) in files.into_iter().zip(examined) {
        match examined {
            Examined::Member(key, found) => found_series.entry(key).or_default().push(Member { path, found }),
            Examined::Refused(code) => discovery.refused.push(Refused::new(&path, code)),
            Examined::NotDicom => discovery.others.push(path),
            Examined::Directory => {}
        }
    }
    discovery.series = found_series.into_values().flat_map(clusters).collect();
    discovery.series.sort_by(|a, b| first_file(a).cmp(&first_file(b)));
    name_series(&mut discovery.series);
    discovery.refused.sort_by(|a, b| a.path.cmp(&b.path));
    discovery.refused.dedup();
    discovery
}

/// Series Instance UID, or the folder of files that have none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SeriesKey {
    Uid(String),
    Folder(PathBuf),
}

struct Member {
    path: PathBuf,
    found: Result<Box<SliceHeader>, Code>,
}

enum Examined {
    Member(SeriesKey, Result<Box<SliceHeader>, Code>),
    Refused(Code),
    NotDicom,
    Directory,
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, refused: &mut Vec<Refused>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        refused.push(Refused::new(folder, Code::Unreadable));
        return;
    };
    for entry in entries.flatten() {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // the entry's own type: a symbolic link is neither file nor folder
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_hidden => walk(&entry.path(), files, refused),
            Ok(kind) if kind.is_file() && !is_hidden => files.push(entry.path()),
            _ => {}
        }
    }
}

fn examine(path: &Path) -> Examined {
    let data_set = match open(path, Extent::Header) {
        Ok(Some(data_set)) => data_set,
        Ok(None) => return Examined::NotDicom,
        Err(error) => return Examined::Refused(error.code()),
    };
    let kind = header::object_kind(&data_set);
    let found = match kind {
        ObjectKind::Directory => return Examined::Directory,
        ObjectKind::Other => return Examined::Refused(Code::NotCt),
        ObjectKind::Localizer => Err(DicomError::Localizer),
        ObjectKind::Ct => header::slice_header(&data_set),
    };
    let folder = || path.parent().map(Path::to_path_buf).unwrap_or_default();
    let key = header::series_uid(&data_set).map_or_else(|| SeriesKey::Folder(folder()), SeriesKey::Uid);
    Examined::Member(key, found.map(Box::new).map_err(|error| error.code()))
}

/// Splits the files of one series into clusters of equal geometry. Files that cannot be used go
/// with the first cluster.
fn clusters(members: Vec<Member>) -> Vec<Series> {
    let mut clusters: Vec<Series> = Vec::new();
    let mut set_aside = Vec::new();
    for Member { path, found } in members {
        match found {
            Err(code) => set_aside.push(Refused::new(&path, code)),
            Ok(header) => {
                let slice = Slice { path, header: *header };
                match clusters.iter_mut().find(|cluster| alike(&cluster.slices[0].header, &slice.header)) {
                    Some(cluster) => cluster.slices.push(slice),
                    None => clusters.push(series_of(vec![slice])),
                }
            }
        }
    }
    if clusters.len() > 1 {
        clusters.iter_mut().for_each(|cluster| cluster.warnings.push(Code::Mixed));
    }
    if clusters.is_empty() {
        clusters.push(series_of(Vec::new()));
    }
    clusters[0].warnings.extend(set_aside.iter().flat_map(|refused| refused.verdict.codes()));
    clusters[0].set_aside = set_aside;
    clusters
}

fn series_of(slices: Vec<Slice>) -> Series {
    Series { path: PathBuf::new(), slices, set_aside: Vec::new(), warnings: Vec::new() }
}

fn alike(a: &SliceHeader, b: &SliceHeader) -> bool {
    let spacing_differs =
        (0..2).any(|axis| (a.pixel_spacing_mm[axis] - b.pixel_spacing_mm[axis]).abs() > SAME_WITHIN);
    a.frame_of_reference == b.frame_of_reference
        && (a.format.rows, a.format.columns) == (b.format.rows, b.format.columns)
        && !spacing_differs
        && a.row_direction.abs_diff_eq(b.row_direction, SAME_WITHIN)
        && a.column_direction.abs_diff_eq(b.column_direction, SAME_WITHIN)
}

fn files_of(series: &Series) -> impl Iterator<Item = &Path> {
    let slices = series.slices.iter().map(|slice| slice.path.as_path());
    slices.chain(series.set_aside.iter().map(|refused| refused.path.as_path()))
}

fn first_file(series: &Series) -> Option<&Path> {
    files_of(series).min()
}

/// Gives each series its common folder as path, or its first file where folders would be equal.
fn name_series(series: &mut [Series]) {
    let folders: Vec<PathBuf> = series.iter().map(|series| common_folder(files_of(series))).collect();
    for (index, series) in series.iter_mut().enumerate() {
        let is_shared =
            folders.iter().enumerate().any(|(other, folder)| other != index && *folder == folders[index]);
        let first = first_file(series).map(Path::to_path_buf);
        series.path = match first {
            Some(file) if is_shared => file,
            _ => folders[index].clone(),
        };
    }
}
