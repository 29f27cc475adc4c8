//! A series: the CT slices that belong together, known by their headers.

use std::path::{Path, PathBuf};

use super::open::{Extent, open};
use super::pixels::pixels_of;
use super::{DicomError, Refused, SliceHeader, StoredPixels, header};
use crate::findings::Code;

/// One file of a series and what its header says.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The file.
    pub path: PathBuf,
    /// What its header said when the series was found.
    pub header: SliceHeader,
}

impl Slice {
    /// Reads the slice's stored pixels.
    ///
    /// # Errors
    /// [`DicomError`] where the file changed since it was found, or its pixels cannot be decoded.
    pub fn pixels(&self) -> Result<StoredPixels, DicomError> {
        let data_set = open(&self.path, Extent::Pixels)?.ok_or(DicomError::Changed)?;
        match header::slice_header(&data_set) {
            Ok(header) if header == self.header => pixels_of(data_set),
            _ => Err(DicomError::Changed),
        }
    }
}

/// CT slices of one Series Instance UID, frame of reference, size, pixel spacing and orientation,
/// in the order of their paths; whether they make a volume is [`Stack`](super::Stack)'s to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The folder that holds all slices; where it holds another series too, the first slice's file.
    pub path: PathBuf,
    /// The slices; empty where every file of the series was set aside.
    pub slices: Vec<Slice>,
    /// Files of the series that cannot be used, each with its reason.
    pub set_aside: Vec<Refused>,
    /// What was seen while grouping.
    pub warnings: Vec<Code>,
}

/// The deepest folder that holds all `paths`.
pub(super) fn common_folder<'a>(mut paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let first = paths.next().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    paths.fold(first, |common, path| {
        common.components().zip(path.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    })
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
        assert_eq!(folder(&["1.dcm"]), Path::new(""));
    }
}
