//! Groups the CT slices among files into series, by their headers only.

use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, SeriesFiles};
use super::cluster::clusters;
use super::enhanced::{self, Frame};
use super::header::{self, ObjectKind};
use super::listing::{Links, list};
use super::open::open;
use super::passed_over::PassedOver;
use super::{DicomError, Series, Slice, SliceHeader};
use crate::findings::{Code, Verdict};

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub verdict: Verdict,
}

impl Refused {
    pub(super) fn new(path: &Path, code: Code) -> Self {
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
    /// What was passed over.
    pub passed: PassedOver,
}

/// Finds CT series in files and folders. Reads headers only, and keeps them all.
///
/// Paths are listed as by [`list`] with [`Links::Files`]; DICOM directories are passed over. The result
/// does not depend on the order of `paths`, of folder entries or of threads.
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let Catalogue { series, refused, others, passed } = Catalogue::of(list(paths, Links::Files));
    let mut series: Vec<Series> = series.into_iter().flat_map(SeriesFiles::series).collect();
    series.sort_by(|a, b| first_file(a).cmp(&first_file(b)));
    Discovery { series, refused, others, passed }
}

/// Series Instance UID, or the folder of files that have none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SeriesKey {
    Uid(String),
    Folder(PathBuf),
}

/// A slice, or why a file or frame is none.
pub(super) type Member = Result<Box<Slice>, Refused>;

pub(super) enum Examined {
    Members(SeriesKey, Vec<Member>),
    Refused(Code),
    NotDicom,
    Directory,
}

/// What a file is, told by its header.
pub(super) fn examine(path: &Path) -> Examined {
    let scan = match open(path) {
        Ok(Some(opened)) => opened.scan,
        Ok(None) => return Examined::NotDicom,
        Err(error) => return Examined::Refused(error.code()),
    };
    let found = match header::object_kind(&scan) {
        ObjectKind::Directory => return Examined::Directory,
        ObjectKind::Other => return Examined::Refused(Code::NotCt),
        ObjectKind::Localizer => Err(DicomError::Localizer),
        ObjectKind::Ct => header::slice_header(&scan).map(|header| vec![(None, Some(Box::new(header)))]),
        ObjectKind::Enhanced => enhanced::frames(&scan).map(numbered),
    };
    let folder = || path.parent().map(Path::to_path_buf).unwrap_or_default();
    let key = header::series_uid(&scan).map_or_else(|| SeriesKey::Folder(folder()), SeriesKey::Uid);
    let slice = |(frame, header): Numbered| match header {
        Some(header) => Ok(Box::new(Slice { path: path.to_path_buf(), frame, header: *header })),
        None => Err(Refused::new(path, Code::Localizer)),
    };
    let members = match found {
        Ok(images) => images.into_iter().map(slice).collect(),
        Err(error) => vec![Err(Refused::new(path, error.code()))],
    };
    Examined::Members(key, members)
}

/// An image of a file: the number of its frame where the file holds frames, and its header unless it
/// is a localizer.
type Numbered = (Option<usize>, Option<Box<SliceHeader>>);

fn numbered(frames: Vec<Frame>) -> Vec<Numbered> {
    let header = |frame| match frame {
        Frame::Slice(header) => Some(header),
        Frame::Localizer => None,
    };
    frames.into_iter().enumerate().map(|(index, frame)| (Some(index), header(frame))).collect()
}

/// Splits the files of one series into those that may make one volume each. Files that cannot be
/// used go with the first.
pub(super) fn split(members: Vec<Member>) -> Vec<Series> {
    let mut set_aside = Vec::new();
    let mut slices = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Err(refused) => set_aside.push(refused),
            Ok(slice) => slices.push(*slice),
        }
    }
    set_aside.dedup();
    let mut series: Vec<Series> = clusters(slices).into_iter().map(series_of).collect();
    if series.is_empty() {
        series.push(series_of(Vec::new()));
    }
    if series.len() > 1 {
        series.iter_mut().for_each(|series| series.warnings.push(Code::Mixed));
    }
    series[0].warnings.extend(set_aside.iter().flat_map(|refused| refused.verdict.codes()));
    series[0].set_aside = set_aside;
    series
}

fn series_of(slices: Vec<Slice>) -> Series {
    let contradicts = |slice: &Slice| {
        let SliceHeader { acquisition, column_direction, .. } = &slice.header;
        acquisition.contradicts(slice.header.normal(), *column_direction)
    };
    let warnings = slices.iter().any(contradicts).then_some(Code::PatientPosition).into_iter().collect();
    Series { path: PathBuf::new(), slices, set_aside: Vec::new(), warnings }
}

pub(super) fn files_of(series: &Series) -> impl Iterator<Item = &Path> {
    let slices = series.slices.iter().map(|slice| slice.path.as_path());
    slices.chain(series.set_aside.iter().map(|refused| refused.path.as_path()))
}

fn first_file(series: &Series) -> Option<&Path> {
    files_of(series).min()
}
