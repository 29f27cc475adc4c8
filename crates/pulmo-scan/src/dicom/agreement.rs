//! One image by two readers: ours and dicom-rs.

use std::io::{Cursor, Read, Seek};

use super::codec::{self, Coding};
use super::frames::{FrameLocation, Frames};
use super::gate::{FileHeader, read_file_header};
use super::pixel_format::{check_single_frame, stored};
use super::second_reader::SecondReader;
use super::{DicomError, PixelFormat, SecondReaderError, StoredPixels};
use crate::findings::Reason;

/// Farthest that two decoders of JPEG with loss may be apart: the standard leaves them the rounding.
const MOST_ROUNDED: u32 = 2;

/// What two readers make of one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Agreement {
    /// The same stored pixels.
    Equal,
    /// Stored pixels that differ by 2 at most, which is what decoders of JPEG with loss may round differently.
    Rounded,
    /// Other stored pixels.
    Differ(PixelDifference),
    /// One of them refuses the image.
    Refused(ReaderRefusal),
}

/// The first pixel that two readers read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelDifference {
    /// Its index, row by row, from 0 on.
    pub pixel: usize,
    /// The stored value by pulmo.
    pub pulmo: i32,
    /// The stored value by dicom-rs.
    pub dicom_rs: i32,
}

/// Which reader refuses an image, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReaderRefusal {
    /// Ours. The second reader is not asked then.
    #[error("pulmo refuses it, {0}")]
    Pulmo(Reason),
    /// dicom-rs.
    #[error("dicom-rs {0}")]
    DicomRs(SecondReaderError),
}

impl From<DicomError> for ReaderRefusal {
    fn from(error: DicomError) -> Self {
        Self::Pulmo((&error).into())
    }
}

/// Reads a single-frame image by both readers, whatever its geometry.
pub fn compare_readers<R: Read + Seek>(mut source: R) -> Agreement {
    let header = read_file_header(&mut source).map_err(DicomError::from);
    let readers = header.and_then(|header| header.ok_or(DicomError::NotDicom)).and_then(|header| {
        check_single_frame(&header)?;
        TwoReaders::of(&header, &mut source)
    });
    match readers {
        Ok(readers) => readers.image(&mut source, 0),
        Err(error) => Agreement::Refused(error.into()),
    }
}

/// Two readers over one file.
pub(super) struct TwoReaders {
    frames: Frames,
    /// The bytes of all frames of a deflated file.
    inflated: Option<Vec<u8>>,
    second: Result<SecondReader, SecondReaderError>,
}

impl TwoReaders {
    /// Both readers over a file that passed the gate.
    ///
    /// # Errors
    /// [`DicomError`] where ours refuses the file as a whole.
    pub(super) fn of<R: Read + Seek>(header: &FileHeader, source: &mut R) -> Result<Self, DicomError> {
        let frames = Frames::of(header)?;
        let inflated = frames.are_deflated().then(|| frames.inflated(source)).transpose()?;
        let frames = if inflated.is_some() { frames.in_inflated() } else { frames };
        Ok(Self { frames, inflated, second: SecondReader::open(header, source) })
    }

    /// What both make of a frame. dicom-rs is asked only for what ours has decoded.
    pub(super) fn image<R: Read + Seek>(&self, source: &mut R, frame: usize) -> Agreement {
        let ours = match &self.inflated {
            Some(bytes) => self.frames.stored(&mut Cursor::new(bytes), frame),
            None => self.frames.stored(source, frame),
        };
        let compared = ours.map_err(ReaderRefusal::from).and_then(|ours| {
            let second = self.second(source, frame).map_err(ReaderRefusal::DicomRs)?;
            Ok(compare(&ours, &second, self.coding()))
        });
        compared.unwrap_or_else(Agreement::Refused)
    }

    fn coding(&self) -> Option<Coding> {
        codec::coding(self.frames.transfer_syntax())
    }

    fn second<R: Read + Seek>(&self, source: &mut R, frame: usize) -> Result<Vec<u16>, SecondReaderError> {
        let second = self.second.as_ref().map_err(|error| *error)?;
        if self.coding() == Some(Coding::Jpeg2000) && !self.is_bare(source, frame).unwrap_or(false) {
            return Err(SecondReaderError::Boxes);
        }
        second.words(frame, self.frames.format())
    }

    /// Whether the frame is a codestream of JPEG 2000 without boxes, which ours passes over.
    fn is_bare<R: Read + Seek>(&self, source: &mut R, frame: usize) -> Result<bool, DicomError> {
        let FrameLocation::Encapsulated { fragments } = self.frames.place(frame)? else { return Ok(false) };
        Ok(self.frames.codestream(source, fragments)?.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]))
    }
}

fn compare(ours: &StoredPixels, second: &[u16], coding: Option<Coding>) -> Agreement {
    let format: PixelFormat = ours.format();
    let second = second.iter().map(|word| stored(*word, format));
    let pairs = ours.values().zip(second).enumerate();
    let mut differing = pairs.filter(|(_, (ours, second))| ours != second).peekable();
    let Some(&(pixel, (pulmo, dicom_rs))) = differing.peek() else { return Agreement::Equal };
    match coding {
        Some(Coding::Jpeg) if differing.all(|(_, (a, b))| a.abs_diff(b) <= MOST_ROUNDED) => {
            Agreement::Rounded
        }
        _ => Agreement::Differ(PixelDifference { pixel, pulmo, dicom_rs }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: PixelFormat =
        PixelFormat { rows: 1, columns: 4, bits_allocated: 16, bits_stored: 12, signed: true };

    #[test]
    fn the_first_difference_is_told_by_stored_values() {
        let ours = StoredPixels::of(FORMAT, vec![0, 0xFFF, 5, 7]);
        // what lies above the stored bits is no part of the value
        assert_eq!(compare(&ours, &[0xF000, 0x0FFF, 5, 7], Some(Coding::Native)), Agreement::Equal);
        let difference = PixelDifference { pixel: 1, pulmo: -1, dicom_rs: -3 };
        for coding in [Coding::Native, Coding::Rle, Coding::JpegLossless, Coding::Jpeg2000] {
            assert_eq!(compare(&ours, &[0, 0xFFD, 5, 8], Some(coding)), Agreement::Differ(difference));
        }
        assert_eq!(compare(&ours, &[0, 0xFFD, 5, 8], Some(Coding::Jpeg)), Agreement::Rounded);
        assert_eq!(compare(&ours, &[0, 0xFFD, 5, 10], Some(Coding::Jpeg)), Agreement::Differ(difference));
    }
}
