//! Opens a file as a DICOM data set, told by content and never by name.
//!
//! The file meta information is read here, leniently: only its transfer syntax matters, and real
//! archives break every other rule of it. The parser is then given a meta group of our own.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::{InMemDicomObject, OpenFileOptions, ReadError};

use super::DicomError;
use super::codec::EXPLICIT_VR_BIG_ENDIAN;

/// Longest value accepted in the file meta information.
const LONGEST_META_VALUE: u32 = 1 << 20;

/// How much of a file to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that comes before Pixel Data.
    Header,
    /// Pixel Data too.
    Pixels,
}

/// A data set and the transfer syntax it was written in.
pub(super) struct DataSet {
    pub(super) object: InMemDicomObject,
    pub(super) transfer_syntax: String,
}

/// How a DICOM file starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// File meta information at this offset, after a preamble and `DICM` (PS3.10 section 7.1) or bare.
    Meta(u64),
    /// The data set itself, in this transfer syntax.
    DataSet(&'static str),
}

/// Opens the file; `Ok(None)` where its content is not DICOM.
pub(super) fn open(path: &Path, extent: Extent) -> Result<Option<DataSet>, DicomError> {
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut beginning = Vec::with_capacity(132);
    file.by_ref().take(132).read_to_end(&mut beginning).map_err(unreadable)?;
    let (transfer_syntax, offset) = match recognise(&beginning) {
        None => return Ok(None),
        Some(Start::DataSet(uid)) => (uid.to_owned(), 0),
        Some(Start::Meta(offset)) => {
            file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
            read_meta(&mut file, offset)?
        }
    };
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    let object = contained(|| parse(file, &transfer_syntax, extent)).unwrap_or(Err(DicomError::Malformed))?;
    Ok(Some(DataSet { object, transfer_syntax }))
}

/// Runs code of the parser or a codec that may panic on hostile input; `None` where it did.
pub(super) fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

fn unreadable(source: std::io::Error) -> DicomError {
    DicomError::Unreadable { source }
}

fn recognise(beginning: &[u8]) -> Option<Start> {
    if beginning.get(128..132) == Some(b"DICM") {
        return Some(Start::Meta(132));
    }
    let (tag, rest) = beginning.split_first_chunk::<4>()?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    let has_vr = VR::from_binary([length[0], length[1]]).is_some();
    match tag {
        [2, 0, 0, 0] if has_vr => Some(Start::Meta(0)),
        [8, 0, _, 0] if has_vr => Some(Start::DataSet(uids::EXPLICIT_VR_LITTLE_ENDIAN)),
        [0, 8, 0, _] if has_vr => Some(Start::DataSet(EXPLICIT_VR_BIG_ENDIAN)),
        // no value of the first elements of group 8 is long
        [8, 0, _, 0] if u32::from_le_bytes(*length) <= 1024 => {
            Some(Start::DataSet(uids::IMPLICIT_VR_LITTLE_ENDIAN))
        }
        _ => None,
    }
}

/// Reads the elements of group 0002 and returns the transfer syntax and where the data set starts.
/// The group's stated length is not used.
fn read_meta(file: &mut (impl Read + Seek), mut offset: u64) -> Result<(String, u64), DicomError> {
    let mut transfer_syntax = None;
    loop {
        let mut header = [0; 8];
        if file.read_exact(&mut header).is_err() || header[..2] != [2, 0] {
            let transfer_syntax = transfer_syntax.ok_or(DicomError::TransferSyntax)?;
            return Ok((transfer_syntax, offset));
        }
        let [_, _, element @ .., v, r, l, h] = header;
        let vr = VR::from_binary([v, r]).ok_or(DicomError::Malformed)?;
        let (header_length, length) = match vr {
            VR::OB | VR::OW | VR::UN | VR::UT | VR::SQ => {
                let mut long = [0; 4];
                file.read_exact(&mut long).map_err(|_| DicomError::Truncated)?;
                (12, u32::from_le_bytes(long))
            }
            _ => (8, u32::from(u16::from_le_bytes([l, h]))),
        };
        if length > LONGEST_META_VALUE {
            return Err(DicomError::Malformed);
        }
        let mut value = Vec::new();
        file.by_ref().take(u64::from(length)).read_to_end(&mut value).map_err(unreadable)?;
        if element == [0x10, 0] {
            let text = String::from_utf8_lossy(&value);
            transfer_syntax = Some(text.trim_matches(['\0', ' ']).to_owned()).filter(|uid| !uid.is_empty());
        }
        offset += header_length + u64::from(length);
    }
}

fn parse(data_set: impl Read, transfer_syntax: &str, extent: Extent) -> Result<InMemDicomObject, DicomError> {
    let options = match extent {
        Extent::Header => OpenFileOptions::new().read_until(tags::PIXEL_DATA),
        Extent::Pixels => OpenFileOptions::new().read_to(tags::PIXEL_DATA),
    };
    let file = Cursor::new(minimal_meta(transfer_syntax)?).chain(data_set);
    Ok(options.from_reader(file).map_err(|error| reason(&error))?.into_inner())
}

/// A file meta group that holds the transfer syntax and nothing else.
fn minimal_meta(transfer_syntax: &str) -> Result<Vec<u8>, DicomError> {
    let mut uid = transfer_syntax.as_bytes().to_vec();
    uid.resize(uid.len().next_multiple_of(2), 0);
    let length = u16::try_from(uid.len()).map_err(|_| DicomError::TransferSyntax)?;
    let mut meta = b"DICM\x02\0\0\0UL\x04\0".to_vec();
    meta.extend((u32::from(length) + 8).to_le_bytes());
    meta.extend(b"\x02\0\x10\0UI");
    meta.extend(length.to_le_bytes());
    meta.extend(uid);
    Ok(meta)
}

/// What the parser's error means; its own text, which may hold values, is dropped.
fn reason(error: &ReadError) -> DicomError {
    match error {
        ReadError::ReadUnrecognizedTransferSyntax { .. }
        | ReadError::ReadUnsupportedTransferSyntax { .. }
        | ReadError::ReadUnsupportedTransferSyntaxWithSuggestion { .. }
        | ReadError::ParseMetaDataSet { .. } => DicomError::TransferSyntax,
        ReadError::PrematureEnd { .. } => DicomError::Truncated,
        _ if ends_early(error) => DicomError::Truncated,
        _ => DicomError::Malformed,
    }
}

fn ends_early(error: &ReadError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let end = std::io::ErrorKind::UnexpectedEof;
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == end) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dicom_is_recognised_by_content() {
        let mut with_preamble = vec![0; 128];
        with_preamble.extend(b"DICM");
        assert_eq!(recognise(&with_preamble), Some(Start::Meta(132)));
        assert_eq!(recognise(b"\x02\0\0\0UL\x04\0"), Some(Start::Meta(0)));
        let data_set = |uid| Some(Start::DataSet(uid));
        assert_eq!(recognise(b"\x08\0\x05\0CS\x0a\0"), data_set(uids::EXPLICIT_VR_LITTLE_ENDIAN));
        assert_eq!(recognise(b"\0\x08\0\x05CS\0\x0a"), data_set(EXPLICIT_VR_BIG_ENDIAN));
        assert_eq!(recognise(b"\x08\0\x05\0\x0a\0\0\0"), data_set(uids::IMPLICIT_VR_LITTLE_ENDIAN));
        for other in [
            &b""[..],
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"%PDF-1.7",
            b"PK\x03\x04\x08\0\0\0",
        ] {
            assert_eq!(recognise(other), None);
        }
    }

    #[test]
    fn meta_is_read_without_its_group_length() {
        let mut bytes = b"\x02\0\0\0UL\x04\0\xff\xff\xff\xff\x02\0\x10\0UI\x04\x001.2\0".to_vec();
        let end = bytes.len() as u64;
        bytes.extend(b"\x08\0\x05\0CS\x02\0AB");
        assert_eq!(read_meta(&mut Cursor::new(&bytes), 0).unwrap(), ("1.2".to_owned(), end));
        assert!(matches!(read_meta(&mut Cursor::new(b"\x08\0\x05\0CS"), 0), Err(DicomError::TransferSyntax)));
    }
}
