//! Where Pixel Data lies in a file.

use std::io::{Read, Seek};

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::GateError;
use super::bytes::Bytes;
use super::data_set::DataSet;
use super::encoding::Encoding;

/// Longest basic offset table: 4 bytes a frame, for many more frames than pulmo reads.
const LONGEST_OFFSET_TABLE: u32 = 1 << 18;

/// Where Pixel Data lies. Offsets count from the beginning of the file, or of the inflated data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dicom) enum PixelData {
    /// Uncompressed samples.
    Native {
        /// `OB`, `OW` or `UN`.
        vr: VR,
        /// Where the samples lie.
        extent: Extent,
    },
    /// Compressed frames in fragments (PS3.5 annex A.4).
    Encapsulated {
        /// The basic offset table; empty where there is none.
        offset_table: Vec<u32>,
        /// The fragments in order.
        fragments: Vec<Extent>,
    },
}

/// Some bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) struct Extent {
    /// Where they start.
    pub(in crate::dicom) offset: u64,
    /// How many they are.
    pub(in crate::dicom) length: u32,
}

impl Extent {
    /// Where they end.
    pub(in crate::dicom) fn end(self) -> u64 {
        self.offset + u64::from(self.length)
    }
}

/// Passes over the items of encapsulated Pixel Data, up to and with the delimiter, and returns where
/// they lie. At most `most` fragments are accepted.
pub(super) fn encapsulated<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    most: u32,
) -> Result<PixelData, GateError> {
    let offset_table = offset_table(bytes)?;
    let mut fragments = Vec::new();
    while let Some(length) = item(bytes)? {
        if fragments.len() >= most as usize {
            return Err(GateError::Elements { most });
        }
        fragments.push(Extent { offset: bytes.at(), length });
        pass(bytes, length)?;
    }
    Ok(PixelData::Encapsulated { offset_table, fragments })
}

fn offset_table<R: Read + Seek>(bytes: &mut Bytes<R>) -> Result<Vec<u32>, GateError> {
    // without any item there is not even a table
    let length = item(bytes)?.ok_or(GateError::Fragments)?;
    if length > LONGEST_OFFSET_TABLE || !length.is_multiple_of(4) {
        return Err(GateError::Fragments);
    }
    let mut table = vec![0; length as usize];
    if bytes.read(&mut table)? < table.len() {
        return Err(cut_off(bytes));
    }
    Ok(table.as_chunks::<4>().0.iter().map(|entry| u32::from_le_bytes(*entry)).collect())
}

/// Reads an item's header and returns its length; `None` for the delimiter.
fn item<R: Read + Seek>(bytes: &mut Bytes<R>) -> Result<Option<u32>, GateError> {
    let mut header = [0; 8];
    if bytes.read(&mut header)? < header.len() {
        return Err(cut_off(bytes));
    }
    let [a, b, c, d, length @ ..] = header;
    match Encoding::EXPLICIT.tag([a, b, c, d]) {
        tags::ITEM => Ok(Some(u32::from_le_bytes(length))),
        tags::SEQUENCE_DELIMITATION_ITEM => Ok(None),
        _ => Err(GateError::Fragments),
    }
}

fn pass<R: Read + Seek>(bytes: &mut Bytes<R>, length: u32) -> Result<(), GateError> {
    match bytes.skip(u64::from(length))? {
        true => Ok(()),
        false if length == u32::MAX => Err(GateError::Fragments),
        false => Err(cut_off(bytes)),
    }
}

fn cut_off<R: Read + Seek>(bytes: &Bytes<R>) -> GateError {
    bytes.cut_off(tags::PIXEL_DATA)
}

/// Bytes of native Pixel Data that the header announces; `None` where it does not.
pub(super) fn announced(header: &DataSet) -> Option<u64> {
    let word = |tag| {
        let bytes = header.get(tag)?.bytes().first_chunk::<2>()?;
        Some(u64::from(u16::from_le_bytes(*bytes)))
    };
    let frames = match header.get(tags::NUMBER_OF_FRAMES) {
        None => 1,
        Some(element) => std::str::from_utf8(element.bytes()).ok()?.trim().parse::<u32>().ok()?,
    };
    let sample = word(tags::BITS_ALLOCATED)?.div_ceil(8) * word(tags::SAMPLES_PER_PIXEL)?;
    let frame = word(tags::ROWS)?.checked_mul(word(tags::COLUMNS)?)?.checked_mul(sample)?;
    frame.checked_mul(u64::from(frames)).map(|bytes| bytes.next_multiple_of(2))
}
