//! The gate: reads a file's header, checks all of its structure, and never its pixels.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::GateError;
use super::bytes::Bytes;
use super::data_set::DataSet;
use super::encoding::{DataSetEncoding, Endianness, is_deflated};
use super::meta::{BEGINNING, FileMeta, FileStart, read_meta, recognise};
use super::pixel_data::PixelData;
use super::walk::walk;
use crate::findings::Code;

/// Largest file: no CT object needs more, and 32-bit lengths hardly reach further.
const MOST_BYTES: u64 = 4 << 30;

/// What the gate found in a DICOM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dicom) struct FileHeader {
    /// The elements that pulmo reads.
    pub(in crate::dicom) data_set: DataSet,
    /// Transfer Syntax UID.
    pub(in crate::dicom) transfer_syntax: String,
    /// Where Pixel Data lies; `None` where there is none, or where there are float pixels.
    pub(in crate::dicom) pixel_data: Option<PixelData>,
    /// What was seen and passed over.
    pub(in crate::dicom) warnings: Vec<Code>,
    /// Byte order of native pixels.
    pub(in crate::dicom) order: Endianness,
    /// How the data set's bytes are found in the file.
    pub(in crate::dicom) storage: DataSetStorage,
    /// Where the elements lie that describe the pixels, and these, each with its header.
    pub(in crate::dicom) image_elements: Vec<Range<u64>>,
}

/// How the data set's bytes are found in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum DataSetStorage {
    /// As they stand; offsets count from the file's beginning.
    Plain,
    /// Deflated from this offset on; offsets count in the inflated data set.
    Deflated {
        /// Where the deflated data set starts.
        start: u64,
    },
}

/// Reads a file's header; `None` where its content is not DICOM.
///
/// Memory is bounded by 64 MiB whatever the file says. All of its structure is checked: lengths
/// against what is left, nesting, order, items, value representations.
pub(in crate::dicom) fn read_file_header<R: Read + Seek>(source: R) -> Result<Option<FileHeader>, GateError> {
    read_file_header_into(source, &mut DataSet::default())
}

/// Like [`scan`]; of a file that fails, `beginning` holds what was kept before the fault.
pub(in crate::dicom) fn read_file_header_into<R: Read + Seek>(
    mut source: R,
    beginning: &mut DataSet,
) -> Result<Option<FileHeader>, GateError> {
    let mut first = [0; BEGINNING];
    let mut bytes = Bytes::plain(&mut source)?;
    let found = bytes.read(&mut first)?;
    let first = &first[..found];
    let Some(start) = recognise(first) else { return Ok(None) };
    if bytes.end() > MOST_BYTES {
        return Err(GateError::FileSize { bytes: bytes.end(), most: MOST_BYTES });
    }
    let FileMeta { transfer_syntax, data_set_at } = match start {
        FileStart::DataSet(uid) => FileMeta { transfer_syntax: uid.to_owned(), data_set_at: 0 },
        FileStart::Meta(offset) => {
            bytes.go_back_to(offset)?;
            read_meta(&mut bytes)?
        }
    };
    let encoding = DataSetEncoding::of(&transfer_syntax)?;
    let is_deflated = is_deflated(&transfer_syntax);
    bytes.go_back_to(data_set_at)?;
    if is_deflated {
        bytes = bytes.inflated_from(data_set_at)?;
    }
    let seen = walk(&mut bytes, encoding, beginning)?;
    let has_preamble = start == FileStart::Meta(BEGINNING as u64);
    let has_marked_preamble = has_preamble && first[..128].iter().any(|byte| *byte != 0);
    let mut warnings = Vec::new();
    warnings.extend(has_marked_preamble.then_some(Code::Preamble));
    warnings.extend(seen.has_odd_length.then_some(Code::OddLength));
    Ok(Some(FileHeader {
        data_set: std::mem::take(beginning),
        transfer_syntax,
        pixel_data: seen.pixel_data.filter(|_| !seen.has_float_pixels),
        warnings,
        order: encoding.order,
        storage: if is_deflated {
            DataSetStorage::Deflated { start: data_set_at }
        } else {
            DataSetStorage::Plain
        },
        image_elements: seen.image_elements,
    }))
}

impl DataSetStorage {
    /// Fills `buffer` with the bytes at an offset that the gate told.
    pub(in crate::dicom) fn read<R: Read + Seek>(
        self,
        source: &mut R,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), GateError> {
        let mut bytes = match self {
            Self::Plain => {
                source.seek(SeekFrom::Start(offset)).map_err(|source| GateError::Unreadable { source })?;
                return source.read_exact(buffer).map_err(|source| GateError::Unreadable { source });
            }
            Self::Deflated { start } => Bytes::inflated(source, start)?,
        };
        let is_whole = bytes.skip(offset)? && bytes.read(buffer)? == buffer.len();
        if is_whole { Ok(()) } else { Err(bytes.cut_off(dicom_dictionary_std::tags::PIXEL_DATA)) }
    }
}
