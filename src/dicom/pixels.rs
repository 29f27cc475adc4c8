//! Stored pixels of one slice, native or compressed.

use std::path::Path;

use dicom_core::value::{PrimitiveValue, Value};
use dicom_dictionary_std::tags;

use super::codec::{self, Coding};
use super::open::{DataSet, Extent, open};
use super::{DicomError, PixelFormat, header, hounsfield};

/// The samples of one frame as they are stored, before any rescaling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPixels {
    format: PixelFormat,
    words: Vec<u16>,
}

impl StoredPixels {
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
        self.words.iter().map(|word| hounsfield::stored(*word, self.format))
    }
}

/// Reads the stored pixels of a single-frame file, whatever its geometry.
///
/// # Errors
/// [`DicomError`] where the file is not DICOM, its pixel format is impossible, or the pixels
/// cannot be decoded to the size that the header gives.
pub fn stored_pixels(path: &Path) -> Result<StoredPixels, DicomError> {
    let data_set = open(path, Extent::Pixels)?.ok_or(DicomError::NotDicom)?;
    header::check_single_frame(&data_set)?;
    pixels_of(data_set)
}

/// Takes the pixels out of a data set that was read with them.
pub(super) fn pixels_of(data_set: DataSet) -> Result<StoredPixels, DicomError> {
    let format = header::pixel_format(&data_set)?;
    let DataSet { mut object, transfer_syntax } = data_set;
    let coding = codec::coding(&transfer_syntax).ok_or(DicomError::TransferSyntax)?;
    let element = object.take(tags::PIXEL_DATA).ok_or(DicomError::NoPixels)?;
    let words = match (coding, element.into_value()) {
        (Coding::Native, Value::Primitive(value)) => native_words(value, format)?,
        (Coding::Rle | Coding::Jpeg | Coding::Jpeg2000, Value::PixelSequence(sequence)) => {
            let frame = sequence.fragments().concat();
            words_of(&codec::decode(&frame, &transfer_syntax, format)?, format)
        }
        _ => return Err(DicomError::Malformed),
    };
    match words.len() == format.samples() {
        true => Ok(StoredPixels { format, words }),
        false => Err(DicomError::PixelLength { expected: format.samples(), found: words.len() }),
    }
}

fn native_words(value: PrimitiveValue, format: PixelFormat) -> Result<Vec<u16>, DicomError> {
    let check = |found: usize| {
        // an odd length is padded to an even one
        let expected = format.bytes();
        let fits = found == expected || (expected % 2 == 1 && found == expected + 1);
        if fits { Ok(()) } else { Err(DicomError::PixelLength { expected, found }) }
    };
    match value {
        PrimitiveValue::Empty => Err(DicomError::NoPixels),
        // words are already in this machine's byte order
        PrimitiveValue::U16(words) => {
            check(2 * words.len())?;
            if format.bits_allocated == 16 {
                return Ok(words.into_vec());
            }
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            Ok(words_of(&bytes, format))
        }
        PrimitiveValue::U8(bytes) => {
            check(bytes.len())?;
            Ok(words_of(&bytes, format))
        }
        _ => Err(DicomError::Malformed),
    }
}

/// Little-endian bytes of whole samples (and perhaps one byte of padding) as words.
fn words_of(bytes: &[u8], format: PixelFormat) -> Vec<u16> {
    match format.bits_allocated {
        8 => bytes.iter().take(format.samples()).map(|byte| u16::from(*byte)).collect(),
        _ => bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
    }
}
