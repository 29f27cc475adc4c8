//! Groups the CT slices among files into series, by their headers only.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use glam::DVec3;

use super::attributes::Attributes;
use super::catalogue::{Catalogue, SeriesFiles};
use super::enhanced::{self, Frame};
use super::gate::{BEGINNING, DataSet};
use super::grouping::{Member, Part};
use super::header::{self, ObjectKind};
use super::identity::{SeriesKey, Traits};
use super::listing::{Links, list};
use super::open::open_into;
use super::passed_over::PassedOver;
use super::{DicomError, Series, Slice, SliceHeader};
use crate::findings::{Reason, Verdict};

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub verdict: Verdict,
    /// Image Position (Patient), where its header still tells it.
    pub position_mm: Option<DVec3>,
}

impl Refused {
    pub(super) fn new(path: &Path, reason: impl Into<Reason>) -> Self {
        Self { path: path.to_path_buf(), verdict: Verdict::RejectFile(reason.into()), position_mm: None }
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

pub(super) enum Examined {
    /// Slices of a series, or what is left of them.
    Part(Part),
    /// A file of no series.
    Refused(Reason),
    /// A file that cannot be read and does not say whose it is.
    Orphan(Reason),
    NotDicom,
    Directory,
}

/// What a file is, told by its header.
pub(super) fn examine(path: &Path) -> Examined {
    let mut beginning = DataSet::default();
    let scan = match open_into(path, &mut beginning) {
        Ok(Some(opened)) => opened.scan,
        Ok(None) if may_be_a_lost_slice(path) => return Examined::Orphan((&DicomError::NotDicom).into()),
        Ok(None) => return Examined::NotDicom,
        Err(error) => return left_of(path, &beginning, &error),
    };
    let found = match header::object_kind(&scan.data_set) {
        ObjectKind::Directory => return Examined::Directory,
        ObjectKind::Other => return Examined::Refused((&DicomError::NotCt).into()),
        ObjectKind::Localizer => Err(DicomError::Localizer),
        ObjectKind::Ct => header::slice_header(&scan).map(|header| vec![(None, Some(Box::new(header)))]),
        ObjectKind::Enhanced => enhanced::frames(&scan).map(numbered),
    };
    let slice = |(frame, header): Numbered| match header {
        Some(header) => Ok(Box::new(Slice { path: path.to_path_buf(), frame, header: *header })),
        None => Err(Refused::new(path, &DicomError::Localizer)),
    };
    Examined::Part(match found {
        Ok(images) => part_of(path, &scan.data_set, images.into_iter().map(slice).collect()),
        Err(error) => part_of(path, &scan.data_set, vec![Err(refused_at(path, &scan.data_set, &error))]),
    })
}

/// Whether a file without DICOM content was one once: by its name, or because nothing but zeros, or
/// nothing, is left of it as after a copy that broke off.
fn may_be_a_lost_slice(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("dcm" | "dicom" | "dc3" | "ima") => true,
        None => is_blank(path).unwrap_or(false),
        Some(_) => false,
    }
}

/// Whether a file is empty or begins with zeros where DICOM would begin.
fn is_blank(path: &Path) -> std::io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING as u64).read_to_end(&mut beginning)?;
    Ok(beginning.iter().all(|byte| *byte == 0))
}

/// What a file that fails says before its fault: which CT series it was of, if it came to that.
fn left_of(path: &Path, beginning: &DataSet, error: &DicomError) -> Examined {
    match header::object_kind(beginning) {
        ObjectKind::Ct | ObjectKind::Enhanced if header::names_series(beginning) => {
            Examined::Part(part_of(path, beginning, vec![Err(refused_at(path, beginning, error))]))
        }
        ObjectKind::Other if header::has_modality(beginning) => Examined::Refused(error.into()),
        _ => Examined::Orphan(error.into()),
    }
}

fn part_of(path: &Path, data_set: &DataSet, members: Vec<Member>) -> Part {
    let traits = Traits::of(Attributes(data_set), path);
    Part { key: SeriesKey::of(Attributes(data_set), &traits), traits, members }
}

fn refused_at(path: &Path, data_set: &DataSet, error: &DicomError) -> Refused {
    let position_mm = header::position(Attributes(data_set)).ok();
    Refused { position_mm, ..Refused::new(path, error) }
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

pub(super) fn files_of(series: &Series) -> impl Iterator<Item = &Path> {
    let slices = series.slices.iter().map(|slice| slice.path.as_path());
    slices.chain(series.set_aside.iter().map(|refused| refused.path.as_path()))
}

fn first_file(series: &Series) -> Option<&Path> {
    files_of(series).min()
}
