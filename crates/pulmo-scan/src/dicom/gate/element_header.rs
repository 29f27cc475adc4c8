//! The header of one element: tag, value representation and length.

use std::io::{Read, Seek};

use dicom_core::{Tag, VR};

use super::GateError;
use super::bytes::Bytes;
use super::encoding::{DataSetEncoding, ITEM, VrEncoding, has_long_length};

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
pub(super) struct ElementHeader {
    pub(super) tag: Tag,
    /// The value representation; `None` where the encoding does not name it.
    pub(super) named: Option<VR>,
    pub(super) length: Length,
}

/// Where an element stands: only the first of a file tells whether the encoding is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementPlace {
    First,
    Later,
}

/// Reads the next header; `None` at the end of the file, or where only zeros are left of one.
pub(super) fn read_element_header<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    encoding: DataSetEncoding,
    place: ElementPlace,
) -> Result<Option<ElementHeader>, GateError> {
    let mut header = [0; 8];
    let found = bytes.read(&mut header)?;
    let [a, b, c, d, v, r, l, h] = header;
    let tag = encoding.tag([a, b, c, d]);
    if found < header.len() {
        let is_padding = header[..found].iter().all(|byte| *byte == 0);
        return if is_padding { Ok(None) } else { Err(bytes.cut_off(tag)) };
    }
    if tag.group() == ITEM.group() {
        return Ok(Some(ElementHeader { tag, named: None, length: Length::of(encoding.long([v, r, l, h])) }));
    }
    if header == [0; 8] {
        // filling, in any encoding; the walk tells whether it may stand here
        return Ok(Some(ElementHeader { tag, named: None, length: Length::Bytes(0) }));
    }
    let vr = VR::from_binary([v, r]);
    if place == ElementPlace::First && contradicts(encoding, tag, vr) {
        return Err(GateError::ContradictedSyntax);
    }
    if encoding.vr_encoding == VrEncoding::Implicit {
        return Ok(Some(ElementHeader { tag, named: None, length: Length::of(encoding.long([v, r, l, h])) }));
    }
    let vr = vr.ok_or(GateError::ValueRepresentation { tag })?;
    if !has_long_length(vr) {
        let length = Length::Bytes(u32::from(encoding.word([l, h])));
        return Ok(Some(ElementHeader { tag, named: Some(vr), length }));
    }
    let mut long = [0; 4];
    if bytes.read(&mut long)? < long.len() {
        return Err(bytes.cut_off(tag));
    }
    Ok(Some(ElementHeader { tag, named: Some(vr), length: Length::of(encoding.long(long)) }))
}

/// Whether the first element of a file is written in another encoding than the file's.
fn contradicts(encoding: DataSetEncoding, tag: Tag, vr: Option<VR>) -> bool {
    let is_swapped = tag.group().swap_bytes() < tag.group() && tag.group().trailing_zeros() >= 8;
    let is_named = vr.is_some();
    is_swapped || is_named != (encoding.vr_encoding == VrEncoding::Explicit)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(
        bytes: &[u8],
        encoding: DataSetEncoding,
        place: ElementPlace,
    ) -> Result<Option<ElementHeader>, GateError> {
        read_element_header(&mut Bytes::plain(Cursor::new(bytes)).unwrap(), encoding, place)
    }

    #[test]
    fn headers_of_every_encoding() {
        let expected = |named, length| Some(ElementHeader { tag: Tag(0x28, 0x10), named, length });
        for (bytes, encoding, named, length) in [
            (&b"\x28\0\x10\0US\x02\0"[..], DataSetEncoding::EXPLICIT, Some(VR::US), Length::Bytes(2)),
            (b"\x28\0\x10\0\x02\0\0\0", DataSetEncoding::IMPLICIT, None, Length::Bytes(2)),
            (b"\0\x28\0\x10US\0\x02", DataSetEncoding::BIG_ENDIAN, Some(VR::US), Length::Bytes(2)),
            (
                b"\x28\0\x10\0UN\0\0\xff\xff\xff\xff",
                DataSetEncoding::EXPLICIT,
                Some(VR::UN),
                Length::Undefined,
            ),
        ] {
            let header = read(bytes, encoding, ElementPlace::First).unwrap();
            assert_eq!(header, expected(named, length));
        }
        assert!(matches!(read(b"", DataSetEncoding::EXPLICIT, ElementPlace::Later), Ok(None)));
        assert!(matches!(read(b"\0\0", DataSetEncoding::EXPLICIT, ElementPlace::Later), Ok(None)));
        assert!(matches!(
            read(b"\x28\0", DataSetEncoding::EXPLICIT, ElementPlace::Later),
            Err(GateError::Truncated { .. })
        ));
    }

    #[test]
    fn the_first_element_tells_whether_the_encoding_is_right() {
        let explicit = b"\x08\0\x05\0CS\x0a\0";
        let implicit = b"\x08\0\x05\0\x0a\0\0\0";
        let big = b"\0\x08\0\x05CS\0\x0a";
        for (bytes, encoding) in [
            (explicit, DataSetEncoding::IMPLICIT),
            (implicit, DataSetEncoding::EXPLICIT),
            (big, DataSetEncoding::EXPLICIT),
            (explicit, DataSetEncoding::BIG_ENDIAN),
        ] {
            let first = read(bytes, encoding, ElementPlace::First);
            assert!(matches!(first, Err(GateError::ContradictedSyntax)), "{bytes:?}");
        }
        let later = read(implicit, DataSetEncoding::EXPLICIT, ElementPlace::Later);
        assert!(matches!(later, Err(GateError::ValueRepresentation { .. })));
    }
}
