//! Where Pixel Data lies in a file.

use std::io::{Read, Seek};

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::GateError;
use super::budget::{HeaderBudget, MOST_ELEMENTS};
use super::bytes::Bytes;
use super::data_set::DataSet;
use super::encoding::{DataSetEncoding, ITEM, SEQUENCE_END};

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
        /// Which of them begin like a codestream: JPEG, JPEG-LS or JPEG 2000.
        beginnings: Vec<usize>,
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

/// Passes over the items of encapsulated Pixel Data, up to and with the delimiter, and returns where
/// they lie.
pub(super) fn encapsulated<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    budget: &mut HeaderBudget,
) -> Result<PixelData, GateError> {
    let offset_table = offset_table(bytes)?;
    let (mut fragments, mut beginnings) = (Vec::new(), Vec::new());
    while let Some(length) = item(bytes)? {
        budget.count()?;
        if fragments.len() >= MOST_ELEMENTS as usize {
            return Err(GateError::Elements { most: MOST_ELEMENTS });
        }
        let extent = Extent { offset: bytes.at(), length };
        if pass_fragment(bytes, length)? {
            beginnings.push(fragments.len());
        }
        fragments.push(extent);
    }
    Ok(PixelData::Encapsulated { offset_table, fragments, beginnings })
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
    match DataSetEncoding::EXPLICIT.tag([a, b, c, d]) {
        ITEM => Ok(Some(u32::from_le_bytes(length))),
        SEQUENCE_END => Ok(None),
        _ => Err(GateError::Fragments),
    }
}

/// Passes over a fragment and returns whether it begins like a codestream.
fn pass_fragment<R: Read + Seek>(bytes: &mut Bytes<R>, length: u32) -> Result<bool, GateError> {
    let mut beginning = [0; 3];
    if length == u32::MAX {
        return Err(GateError::Fragments);
    }
    let Some(rest) = length.checked_sub(3) else {
        return if bytes.skip(u64::from(length))? { Ok(false) } else { Err(cut_off(bytes)) };
    };
    if bytes.read(&mut beginning)? < beginning.len() || !bytes.skip(u64::from(rest))? {
        return Err(cut_off(bytes));
    }
    Ok(matches!(beginning, [0xFF, 0xD8, 0xFF] | [0xFF, 0x4F, 0xFF]))
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
