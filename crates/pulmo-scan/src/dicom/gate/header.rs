//! The header of one element: tag, value representation and length.

use std::io::{Read, Seek};

use dicom_core::{Tag, VR};

use super::GateError;
use super::bytes::Bytes;
use super::encoding::{Encoding, ITEM, Naming, has_long_length};

/// A declared length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Bytes(u32),
    /// Up to a delimiter.
    Undefined,
}

impl Length {
    pub(super) fn of(length: u32) -> Self {
        if length == u32::MAX { Self::Undefined } else { Self::Bytes(length) }
    }
}

/// The header of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: Tag,
    /// The value representation; `None` where the encoding does not name it.
    pub(super) named: Option<VR>,
    pub(super) length: Length,
}

/// Where an element stands: only the first of a file tells whether the encoding is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Later,
}

/// Reads the next header; `None` at the end of the file, or where only zeros are left of one.
pub(super) fn read_header<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    encoding: Encoding,
    place: Place,
) -> Result<Option<Header>, GateError> {
    let mut header = [0; 8];
    let found = bytes.read(&mut header)?;
    let [a, b, c, d, v, r, l, h] = header;
    let tag = encoding.tag([a, b, c, d]);
    if found < header.len() {
        let is_padding = header[..found].iter().all(|byte| *byte == 0);
        return if is_padding { Ok(None) } else { Err(bytes.cut_off(tag)) };
    }
    if tag.group() == ITEM.group() {
        return Ok(Some(Header { tag, named: None, length: Length::of(encoding.long([v, r, l, h])) }));
    }
    if header == [0; 8] {
        // filling, in any encoding; the walk tells whether it may stand here
        return Ok(Some(Header { tag, named: None, length: Length::Bytes(0) }));
    }
    let vr = VR::from_binary([v, r]);
    if place == Place::First && contradicts(encoding, tag, vr) {
        return Err(GateError::ContradictedSyntax);
    }
    if encoding.naming == Naming::Implicit {
        return Ok(Some(Header { tag, named: None, length: Length::of(encoding.long([v, r, l, h])) }));
    }
    let vr = vr.ok_or(GateError::ValueRepresentation { tag })?;
    if !has_long_length(vr) {
        let length = Length::Bytes(u32::from(encoding.word([l, h])));
        return Ok(Some(Header { tag, named: Some(vr), length }));
    }
    let mut long = [0; 4];
    if bytes.read(&mut long)? < long.len() {
        return Err(bytes.cut_off(tag));
    }
    Ok(Some(Header { tag, named: Some(vr), length: Length::of(encoding.long(long)) }))
}

/// Whether the first element of a file is written in another encoding than the file's.
fn contradicts(encoding: Encoding, tag: Tag, vr: Option<VR>) -> bool {
    let is_swapped = tag.group().swap_bytes() < tag.group() && tag.group().trailing_zeros() >= 8;
    let is_named = vr.is_some();
    is_swapped || is_named != (encoding.naming == Naming::Explicit)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8], encoding: Encoding, place: Place) -> Result<Option<Header>, GateError> {
        read_header(&mut Bytes::plain(Cursor::new(bytes)).unwrap(), encoding, place)
    }

    #[test]
    fn headers_of_every_encoding() {
        let expected = |named, length| Some(Header { tag: Tag(0x28, 0x10), named, length });
        for (bytes, encoding, named, length) in [
            (&b"\x28\0\x10\0US\x02\0"[..], Encoding::EXPLICIT, Some(VR::US), Length::Bytes(2)),
            (b"\x28\0\x10\0\x02\0\0\0", Encoding::IMPLICIT, None, Length::Bytes(2)),
            (b"\0\x28\0\x10US\0\x02", Encoding::BIG_ENDIAN, Some(VR::US), Length::Bytes(2)),
            (b"\x28\0\x10\0UN\0\0\xff\xff\xff\xff", Encoding::EXPLICIT, Some(VR::UN), Length::Undefined),
        ] {
            let header = read(bytes, encoding, Place::First).unwrap();
            assert_eq!(header, expected(named, length));
        }
        assert!(matches!(read(b"", Encoding::EXPLICIT, Place::Later), Ok(None)));
        assert!(matches!(read(b"\0\0", Encoding::EXPLICIT, Place::Later), Ok(None)));
        assert!(matches!(
            read(b"\x28\0", Encoding::EXPLICIT, Place::Later),
            Err(GateError::Truncated { .. })
        ));
    }

    #[test]
    fn the_first_element_tells_whether_the_encoding_is_right() {
        let explicit = b"\x08\0\x05\0CS\x0a\0";
        let implicit = b"\x08\0\x05\0\x0a\0\0\0";
        let big = b"\0\x08\0\x05CS\0\x0a";
        for (bytes, encoding) in [
            (explicit, Encoding::IMPLICIT),
            (implicit, Encoding::EXPLICIT),
            (big, Encoding::EXPLICIT),
            (explicit, Encoding::BIG_ENDIAN),
        ] {
            let first = read(bytes, encoding, Place::First);
            assert!(matches!(first, Err(GateError::ContradictedSyntax)), "{bytes:?}");
        }
        let later = read(implicit, Encoding::EXPLICIT, Place::Later);
        assert!(matches!(later, Err(GateError::ValueRepresentation { .. })));
    }
}
