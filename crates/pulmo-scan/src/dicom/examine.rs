//! What one file is, told by its header.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::attributes::Attributes;
use super::enhanced::{self, Frame};
use super::gate::{BEGINNING, DataSet};
use super::grouping::{Member, Part};
use super::header::{self, ObjectKind};
use super::identity::{SeriesKey, Traits};
use super::open::open_into;
use super::{DicomError, Refused, Slice, SliceHeader};
use crate::findings::Reason;

/// What a file is.
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
    let header = match open_into(path, &mut beginning) {
        Ok(Some(opened)) => opened.header,
        Ok(None) if may_be_a_lost_slice(path) => return Examined::Orphan((&DicomError::NotDicom).into()),
        Ok(None) => return Examined::NotDicom,
        Err(error) => return left_of(path, &beginning, &error),
    };
    let found = match header::object_kind(&header.data_set) {
        ObjectKind::Directory => return Examined::Directory,
        ObjectKind::Other => return Examined::Refused((&DicomError::NotCt).into()),
        ObjectKind::Localizer => Err(DicomError::Localizer),
        ObjectKind::Ct => header::slice_header(&header).map(|header| vec![(None, Some(Box::new(header)))]),
        ObjectKind::Enhanced => enhanced::frames(&header).map(numbered),
    };
    let slice = |(frame, header): Numbered| match header {
        Some(header) => Ok(Box::new(Slice { path: path.to_path_buf(), frame, header: *header })),
        None => Err(Refused::new(path, &DicomError::Localizer)),
    };
    Examined::Part(match found {
        Ok(images) => part_of(path, &header.data_set, images.into_iter().map(slice).collect()),
        Err(error) => part_of(path, &header.data_set, vec![Err(refused_at(path, &header.data_set, &error))]),
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
