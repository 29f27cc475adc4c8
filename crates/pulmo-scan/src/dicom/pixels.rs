//! Stored pixels of single frames, native or compressed.

use std::io::{Read, Seek};
use std::path::Path;

use super::frames::{FrameLocation, Frames};
use super::gate::{Endianness, Extent, FileHeader, GateError, read_file_header};
use super::open::{DicomFile, open};
use super::open_file::OpenFile;
use super::pixel_format::{check_single_frame, stored};
use super::{DicomError, PixelFormat, codec};

/// The samples of one frame as they are stored, before any rescaling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPixels {
    format: PixelFormat,
    words: Vec<u16>,
}

impl StoredPixels {
    /// Reads the stored pixels of a single-frame image, whatever its geometry.
    ///
    /// # Errors
    /// [`DicomError`] where the content is not DICOM, its pixel format is impossible, or the pixels
    /// cannot be decoded to the size that the header gives.
    pub fn read<R: Read + Seek>(mut source: R) -> Result<Self, DicomError> {
        let header = read_file_header(&mut source)?.ok_or(DicomError::NotDicom)?;
        single_frame(&header, &mut source)
    }

    /// The words of one frame; as many as `format` has samples.
    #[cfg(test)]
    pub(super) fn of(format: PixelFormat, words: Vec<u16>) -> Self {
        Self { format, words }
    }

    /// How the samples were stored.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The allocated words, row by row, with whatever lies above Bits Stored still in them.
    pub fn words(&self) -> &[u16] {
        &self.words
    }

    /// The values, row by row: each word cut to Bits Stored and sign-extended.
    pub fn values(&self) -> impl Iterator<Item = i32> + '_ {
        self.words.iter().map(|word| stored(*word, self.format))
    }
}

/// Reads the stored pixels of a single-frame file, whatever its geometry.
///
/// # Errors
/// As [`StoredPixels::read`], and where the file cannot be read.
pub fn stored_pixels(path: &Path) -> Result<StoredPixels, DicomError> {
    pixels_of(open(path)?.ok_or(DicomError::NotDicom)?)
}

/// Reads the pixels of a single-frame file that passed the gate.
///
/// # Errors
/// As [`StoredPixels::read`], and [`DicomError::Changed`] where the file was written to since.
pub(super) fn pixels_of(opened: DicomFile) -> Result<StoredPixels, DicomError> {
    let DicomFile { header, file } = opened;
    unchanged(&file, single_frame(&header, &mut file.reader()))
}

/// What was read of a file, if nobody wrote to it meanwhile.
pub(super) fn unchanged<T>(file: &OpenFile, read: Result<T, DicomError>) -> Result<T, DicomError> {
    if file.is_unchanged() { read } else { Err(DicomError::Changed) }
}

fn single_frame<R: Read + Seek>(header: &FileHeader, source: &mut R) -> Result<StoredPixels, DicomError> {
    check_single_frame(header)?;
    Frames::of(header)?.stored(source, 0)
}

impl Frames {
    /// Reads the samples of the frame of this index, from 0 on.
    pub(super) fn stored<R: Read + Seek>(
        &self,
        source: &mut R,
        frame: usize,
    ) -> Result<StoredPixels, DicomError> {
        let mut words = vec![0; self.format().samples()];
        self.stored_into(source, frame, &mut words)?;
        Ok(StoredPixels { format: self.format(), words })
    }

    /// Reads the samples of the frame of this index into `words`, as many as a frame has.
    pub(super) fn stored_into<R: Read + Seek>(
        &self,
        source: &mut R,
        frame: usize,
        words: &mut [u16],
    ) -> Result<(), DicomError> {
        let format = self.format();
        if words.len() != format.samples() {
            return Err(DicomError::PixelLength { expected: format.samples(), found: words.len() });
        }
        match self.place(frame)? {
            FrameLocation::Native { first, after, swaps } => {
                let mut bytes = vec![0; format.bytes()];
                match swaps {
                    false => self.storage().read(source, first + after, &mut bytes)?,
                    true => self.read_swapped(source, first, after, &mut bytes)?,
                }
                fill(words, &bytes, format, self.order());
                Ok(())
            }
            FrameLocation::Encapsulated { fragments } => {
                let codestream = self.codestream(source, fragments)?;
                codec::decode_words(&codestream, self.transfer_syntax(), format, words)
            }
        }
    }

    /// The bytes of a compressed frame, of which these are the fragments.
    pub(super) fn codestream<R: Read + Seek>(
        &self,
        source: &mut R,
        fragments: &[Extent],
    ) -> Result<Vec<u8>, DicomError> {
        let length = fragments.iter().map(|fragment| fragment.length as usize).sum();
        // no coding makes noise that much larger; what claims to is no frame of this size
        if length > 4 * self.format().bytes() + 65_536 {
            return Err(GateError::Fragments.into());
        }
        let mut codestream = vec![0; length];
        let mut rest = codestream.as_mut_slice();
        for fragment in fragments {
            let (part, after) = rest.split_at_mut(fragment.length as usize);
            self.storage().read(source, fragment.offset, part)?;
            rest = after;
        }
        Ok(codestream)
    }

    /// Reads bytes that lie in big-endian words: each two change places (PS3.5 section 8.1.1).
    fn read_swapped<R: Read + Seek>(
        &self,
        source: &mut R,
        first: u64,
        after: u64,
        bytes: &mut [u8],
    ) -> Result<(), DicomError> {
        let skipped = usize::from(after % 2 == 1);
        let mut whole = vec![0; (skipped + bytes.len()).next_multiple_of(2)];
        self.storage().read(source, first + after - skipped as u64, &mut whole)?;
        whole.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
        bytes.copy_from_slice(&whole[skipped..skipped + bytes.len()]);
        Ok(())
    }
}

fn fill(words: &mut [u16], bytes: &[u8], format: PixelFormat, order: Endianness) {
    codec::fill(words, bytes, format);
    if order == Endianness::Big && format.bits_allocated == 16 {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
}
