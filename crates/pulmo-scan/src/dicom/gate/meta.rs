//! How a file starts, and the file meta information.
//!
//! It is read leniently: only its transfer syntax matters, and real archives break every other rule
//! of it. The group's stated length is not used.

use std::io::{Read, Seek};

use dicom_core::VR;
use dicom_dictionary_std::uids;

use super::GateError;
use super::bytes::Bytes;
use super::encoding::{DataSetEncoding, EXPLICIT_VR_BIG_ENDIAN, has_long_length};

/// Bytes that tell how a file starts: preamble and `DICM`.
pub(in crate::dicom) const BEGINNING: usize = 132;
/// Longest value accepted in the file meta information.
const LONGEST_VALUE: u32 = 1 << 20;
/// Most elements accepted in it; the standard knows 19.
const MOST_ELEMENTS: u32 = 1000;
/// No UID is longer (PS3.5 section 9.1); one byte pads it.
const LONGEST_UID: u32 = 65;

/// How a DICOM file starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileStart {
    /// File meta information at this offset, after a preamble and `DICM` (PS3.10 section 7.1) or bare.
    Meta(u64),
    /// The data set itself, in this transfer syntax.
    DataSet(&'static str),
}

/// Tells DICOM by a file's first bytes.
pub(super) fn recognise(beginning: &[u8]) -> Option<FileStart> {
    if beginning.get(128..BEGINNING) == Some(b"DICM") {
        return Some(FileStart::Meta(BEGINNING as u64));
    }
    let (tag, rest) = beginning.split_first_chunk::<4>()?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    let has_vr = VR::from_binary([length[0], length[1]]).is_some();
    match tag {
        [2, 0, 0, 0] if has_vr => Some(FileStart::Meta(0)),
        [8, 0, _, 0] if has_vr => Some(FileStart::DataSet(uids::EXPLICIT_VR_LITTLE_ENDIAN)),
        [0, 8, 0, _] if has_vr => Some(FileStart::DataSet(EXPLICIT_VR_BIG_ENDIAN)),
        // no value of the first elements of group 8 is long
        [8, 0, _, 0] if u32::from_le_bytes(*length) <= 1024 => {
            Some(FileStart::DataSet(uids::IMPLICIT_VR_LITTLE_ENDIAN))
        }
        _ => None,
    }
}

/// What is read of the file meta information.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileMeta {
    /// Transfer Syntax UID.
    pub(super) transfer_syntax: String,
    /// Where the data set starts.
    pub(super) data_set_at: u64,
}

/// Reads the elements of group 0002.
pub(super) fn read_meta<R: Read + Seek>(bytes: &mut Bytes<R>) -> Result<FileMeta, GateError> {
    let mut transfer_syntax = None;
    for _ in 0..MOST_ELEMENTS {
        let offset = bytes.at();
        let mut header = [0; 8];
        let found = bytes.read(&mut header)?;
        if found < header.len() || header[..2] != [2, 0] {
            return match transfer_syntax {
                Some(transfer_syntax) => Ok(FileMeta { transfer_syntax, data_set_at: offset }),
                None if found < header.len() => Err(GateError::Meta),
                None => Err(GateError::UnknownSyntax),
            };
        }
        let [_, _, element @ .., v, r, l, h] = header;
        let vr = VR::from_binary([v, r]).ok_or(GateError::Meta)?;
        let mut length = u32::from(u16::from_le_bytes([l, h]));
        if has_long_length(vr) {
            let mut long = [0; 4];
            bytes.read(&mut long)?;
            length = DataSetEncoding::EXPLICIT.long(long);
        }
        if length > LONGEST_VALUE {
            return Err(GateError::Meta);
        }
        if element != [0x10, 0] {
            if !bytes.skip(u64::from(length))? {
                return Err(GateError::Meta);
            }
        } else if transfer_syntax.replace(read_uid(bytes, length)?).is_some() {
            return Err(GateError::Meta);
        }
    }
    Err(GateError::Meta)
}

fn read_uid<R: Read + Seek>(bytes: &mut Bytes<R>, length: u32) -> Result<String, GateError> {
    if length > LONGEST_UID {
        return Err(GateError::UnknownSyntax);
    }
    let mut value = vec![0; length as usize];
    if bytes.read(&mut value)? < value.len() {
        return Err(GateError::Meta);
    }
    let text = String::from_utf8_lossy(&value);
    Ok(text.trim_matches(['\0', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn dicom_is_recognised_by_content() {
        let mut with_preamble = vec![0; 128];
        with_preamble.extend(b"DICM");
        assert_eq!(recognise(&with_preamble), Some(FileStart::Meta(132)));
        assert_eq!(recognise(b"\x02\0\0\0UL\x04\0"), Some(FileStart::Meta(0)));
        let data_set = |uid| Some(FileStart::DataSet(uid));
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
        let mut file = b"\x02\0\0\0UL\x04\0\xff\xff\xff\xff\x02\0\x10\0UI\x04\x001.2\0".to_vec();
        let end = file.len() as u64;
        file.extend(b"\x08\0\x05\0CS\x02\0AB");
        let read = |file: &[u8]| read_meta(&mut Bytes::plain(Cursor::new(file)).unwrap());
        assert_eq!(read(&file).unwrap(), FileMeta { transfer_syntax: "1.2".to_owned(), data_set_at: end });
        assert!(matches!(read(b"\x08\0\x05\0CS\0\0"), Err(GateError::UnknownSyntax)));
        assert!(matches!(read(b""), Err(GateError::Meta)));
        assert!(matches!(read(&file[..22]), Err(GateError::Meta)));
    }
}
