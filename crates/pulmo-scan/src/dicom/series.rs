//! A series: the CT slices that belong together, known by their headers.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::enhanced::{self, Frame};
use super::frames::Frames;
use super::gate::{FileHeader, read_file_header};
use super::instance::instance;
use super::open::{DicomFile, open};
use super::open_file::OpenFile;
use super::pixels::{pixels_of, unchanged};
use super::{DicomError, Doubt, Refused, SliceHeader, StoredPixels, header};
use crate::findings::{Reason, SourceInstance};

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
        MultiFrames::of([self]).read(self).map(|read| read.pixels)
    }
}

/// What is read of a slice to make a volume of it.
pub(super) struct SliceContent {
    pub(super) pixels: StoredPixels,
    /// Which stored image it is; `None` where its file does not say.
    pub(super) instance: Option<SourceInstance>,
}

/// The multi-frame files among slices, each opened once and its header read once.
#[derive(Default)]
pub(super) struct MultiFrames(BTreeMap<PathBuf, MultiFrame>);

/// A multi-frame file that is kept open, so that its pixels are those its header speaks of.
struct MultiFrame {
    places: Frames,
    frames: Vec<Frame>,
    instance: Option<SourceInstance>,
    file: OpenFile,
    /// The bytes of all frames of a deflated file, once one was asked for; `None` where they could not be
    /// inflated any more, which the gate did before.
    inflated: OnceLock<Option<Vec<u8>>>,
}

impl MultiFrame {
    fn pixels(&self, index: usize) -> Result<StoredPixels, DicomError> {
        let mut file = self.file.reader();
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
            let Ok(Some(DicomFile { header, file })) = open(path) else { continue };
            if let (Ok(places), Ok(frames)) = (Frames::of(&header), enhanced::frames(&header)) {
                let inflated = OnceLock::new();
                let instance = instance(&header.data_set);
                files.insert(path.clone(), MultiFrame { places, frames, instance, file, inflated });
            }
        }
        Self(files)
    }

    /// Reads a slice's stored pixels, and which image it is.
    pub(super) fn read(&self, slice: &Slice) -> Result<SliceContent, DicomError> {
        let Some(index) = slice.frame else {
            let opened = unchanged_since(slice, open(&slice.path)?)?;
            let instance = instance(&opened.header.data_set);
            return Ok(SliceContent { pixels: pixels_of(opened)?, instance });
        };
        let file = self.0.get(&slice.path).ok_or(DicomError::Changed)?;
        match file.frames.get(index) {
            Some(Frame::Slice(header)) if **header == slice.header => {
                let of_frame =
                    |instance: &SourceInstance| SourceInstance { frame: Some(index + 1), ..instance.clone() };
                let instance = file.instance.as_ref().map(of_frame);
                Ok(SliceContent { pixels: unchanged(&file.file, file.pixels(index))?, instance })
            }
            _ => Err(DicomError::Changed),
        }
    }

    /// Reads the header of a slice's file again, of which little was kept.
    pub(super) fn file_header(&self, slice: &Slice) -> Result<FileHeader, DicomError> {
        match self.0.get(&slice.path) {
            Some(MultiFrame { file, .. }) => {
                unchanged(file, read_file_header(file.reader())?.ok_or(DicomError::Changed))
            }
            None => Ok(unchanged_since(slice, open(&slice.path)?)?.header),
        }
    }
}

/// The file of a single slice, if its header still says what it said when the slice was found.
fn unchanged_since(slice: &Slice, opened: Option<DicomFile>) -> Result<DicomFile, DicomError> {
    let opened = opened.ok_or(DicomError::Changed)?;
    match header::slice_header(&opened.header) {
        Ok(header) if header == slice.header => Ok(opened),
        _ => Err(DicomError::Changed),
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

impl Series {
    /// The files of its slices and of those set aside.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let slices = self.slices.iter().map(|slice| slice.path.as_path());
        slices.chain(self.set_aside.iter().map(|refused| refused.path.as_path()))
    }
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
    use crate::dicom::{CtSeriesDescription, DisplayWindow, PatientPosition, PixelLayout, write_ct_series};
    use crate::geometry::Grid;
    use crate::volume::Volume;

    /// A slice whose values are all `hu`.
    fn write(path: &Path, hu: f32) {
        let volume = Volume::from_fn(Grid::aligned([1, 8, 8], [1.0; 3]).unwrap(), |_| hu);
        let description = CtSeriesDescription {
            patient_id: "a".to_owned(),
            is_synthetic: true,
            image_type: String::new(),
            manufacturer: String::new(),
            body_part: String::new(),
            series_description: String::new(),
            uid_seed: 1,
            patient_position: PatientPosition::Hfs,
            slice_thickness_mm: 1.0,
            kvp: 120.0,
            convolution_kernel: "B".to_owned(),
            layout: PixelLayout::Signed16,
            window: DisplayWindow { centre_hu: 40.0, width_hu: 400.0 },
            padding_stored: None,
            file_names: vec![path.file_name().unwrap().to_string_lossy().into_owned()],
            instances_descend: false,
        };
        write_ct_series(path.parent().unwrap(), &volume, &description).unwrap();
    }

    /// A file taken for a multi-frame one, and its first frame.
    fn taken_for_frames(path: &Path) -> (MultiFrames, Slice) {
        let DicomFile { header, file } = open(path).unwrap().unwrap();
        let places = Frames::of(&header).unwrap();
        let header = header::slice_header(&header).unwrap();
        let frames = vec![Frame::Slice(Box::new(header.clone()))];
        let taken = MultiFrame { places, frames, instance: None, file, inflated: OnceLock::new() };
        let slice = Slice { path: path.to_owned(), frame: Some(0), header };
        (MultiFrames(BTreeMap::from([(path.to_owned(), taken)])), slice)
    }

    #[test]
    fn pixels_of_a_multi_frame_file_are_those_its_header_was_read_with() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["a.dcm", "b.dcm"].map(|name| folder.path().join(name));
        write(&path, 40.0);
        write(&other, 90.0);
        let (files, slice) = taken_for_frames(&path);
        let before = files.read(&slice).unwrap().pixels;
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(files.read(&slice).unwrap().pixels, before);
        assert_ne!(taken_for_frames(&path).0.read(&slice).unwrap().pixels, before);
    }

    #[test]
    fn a_multi_frame_file_that_is_written_to_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.dcm");
        write(&path, 40.0);
        let (files, slice) = taken_for_frames(&path);
        write(&path, 90.0);
        let late = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(late).unwrap();
        assert!(matches!(files.read(&slice), Err(DicomError::Changed)));
    }

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
