//! A series: the CT slices that belong together, known by their headers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::enhanced::{self, Frame};
use super::frames::Frames;
use super::open::{Opened, open};
use super::pixels::pixels_of;
use super::{DicomError, Doubt, Refused, SliceHeader, StoredPixels, header};
use crate::findings::Reason;

/// One image of a series and what its header says.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The file.
    pub path: PathBuf,
    /// Index of the frame in a multi-frame file, from 0 on; `None` for a file of one image.
    pub frame: Option<usize>,
    /// What its header said when the series was found.
    pub header: SliceHeader,
}

impl Slice {
    /// Reads the slice's stored pixels.
    ///
    /// # Errors
    /// [`DicomError`] where the file changed since it was found, or its pixels cannot be decoded.
    pub fn pixels(&self) -> Result<StoredPixels, DicomError> {
        MultiFrames::of([self]).pixels(self)
    }
}

/// The multi-frame files among slices, each read once.
#[derive(Debug, Default)]
pub(super) struct MultiFrames(BTreeMap<PathBuf, MultiFrame>);

/// A multi-frame file.
#[derive(Debug)]
struct MultiFrame {
    places: Frames,
    frames: Vec<Frame>,
    /// The bytes of all frames of a deflated file, once one was asked for; `None` where they could not be
    /// inflated any more, which the gate did before.
    inflated: OnceLock<Option<Vec<u8>>>,
}

impl MultiFrame {
    fn pixels(&self, path: &Path, index: usize) -> Result<StoredPixels, DicomError> {
        let mut file = File::open(path).map_err(|source| DicomError::Unreadable { source })?;
        if !self.places.are_deflated() {
            return self.places.stored(&mut file, index);
        }
        let inflated = self.inflated.get_or_init(|| self.places.inflated(&mut file).ok());
        let bytes = inflated.as_deref().ok_or(DicomError::Changed)?;
        self.places.clone().in_inflated().stored(&mut Cursor::new(bytes), index)
    }
}

impl MultiFrames {
    /// Reads the headers of the multi-frame files among slices. What cannot be read is left out.
    pub(super) fn of<'a>(slices: impl IntoIterator<Item = &'a Slice>) -> Self {
        let mut files = BTreeMap::new();
        for Slice { path, .. } in slices.into_iter().filter(|slice| slice.frame.is_some()) {
            if files.contains_key(path) {
                continue;
            }
            let Ok(Some(Opened { scan, .. })) = open(path) else { continue };
            if let (Ok(places), Ok(frames)) = (Frames::of(&scan), enhanced::frames(&scan)) {
                files.insert(path.clone(), MultiFrame { places, frames, inflated: OnceLock::new() });
            }
        }
        Self(files)
    }

    /// Reads the stored pixels of a slice.
    pub(super) fn pixels(&self, slice: &Slice) -> Result<StoredPixels, DicomError> {
        let Some(index) = slice.frame else {
            let opened = open(&slice.path)?.ok_or(DicomError::Changed)?;
            return match header::slice_header(&opened.scan) {
                Ok(header) if header == slice.header => pixels_of(opened),
                _ => Err(DicomError::Changed),
            };
        };
        let file = self.0.get(&slice.path).ok_or(DicomError::Changed)?;
        match file.frames.get(index) {
            Some(Frame::Slice(header)) if **header == slice.header => file.pixels(&slice.path, index),
            _ => Err(DicomError::Changed),
        }
    }
}

/// CT slices of one Series Instance UID, patient, study, frame of reference, size, pixel spacing, orientation
/// and, where several lie at one position, reconstruction and phase; in the order of their paths. Whether they make a volume is [`Stack`](super::Stack)'s to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The folder that holds all slices; where it holds another series too, the first slice's file.
    pub path: PathBuf,
    /// The slices; empty where every file of the series was set aside.
    pub slices: Vec<Slice>,
    /// Files of the series that cannot be used, each with its reason.
    pub set_aside: Vec<Refused>,
    /// Files that may have held slices of this series and cannot be used; those of `set_aside`, and of the
    /// series that this one was split from, but no localizers.
    pub lost: Vec<Refused>,
    /// Why it cannot be told which slices are one scan; `None` where nothing speaks against it.
    pub doubt: Option<Doubt>,
    /// What was seen while grouping.
    pub warnings: Vec<Reason>,
}

/// The deepest folder that holds all `paths`; `.` for bare names of files.
pub(super) fn common_folder<'a>(mut paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let first = paths.next().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    let common: PathBuf = paths.fold(first, |common, path| {
        common.components().zip(path.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    });
    if common.as_os_str().is_empty() { PathBuf::from(".") } else { common }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_folder_is_the_deepest_one() {
        let folder = |paths: &[&str]| common_folder(paths.iter().map(Path::new));
        assert_eq!(folder(&["a/b/1.dcm", "a/b/2.dcm"]), Path::new("a/b"));
        assert_eq!(folder(&["a/b/1.dcm", "a/bc/2.dcm"]), Path::new("a"));
        assert_eq!(folder(&["/x/1", "/x/y/z/2"]), Path::new("/x"));
        assert_eq!(folder(&["1.dcm"]), Path::new("."));
        assert_eq!(folder(&["1.dcm", "2.dcm"]), Path::new("."));
        assert_eq!(folder(&["a/1.dcm", "b/2.dcm"]), Path::new("."));
    }
}
