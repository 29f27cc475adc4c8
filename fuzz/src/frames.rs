//! Sound files around untrusted frames.

use std::io::Cursor;

use pulmo_scan::dicom::{SliceHeader, StoredPixels};
use pulmo_forge::forge::{Body, Element, Forge, PIXEL_DATA};

/// Rows and columns that the first byte of an input chooses.
const SIDES: [u16; 4] = [1, 8, 64, 512];

/// Decodes `data` as a frame of a sound file in this transfer syntax, as [`framed`] makes it.
pub fn decode_as(transfer_syntax: &str, data: &[u8]) {
    let Some(file) = framed(transfer_syntax, data) else { return };
    if let Ok(pixels) = StoredPixels::read(Cursor::new(file)) {
        assert_eq!(pixels.words().len(), pixels.format().samples());
    }
}

/// A sound file in this transfer syntax around a frame. The first two bytes of `data` choose rows, columns, bits and
/// sign; the rest is the codestream, in one fragment.
pub fn framed(transfer_syntax: &str, data: &[u8]) -> Option<Vec<u8>> {
    let (&[sides, bits], codestream) = data.split_first_chunk::<2>()?;
    let stored = u16::from(bits & 15) + 1;
    let allocated = if bits & 32 == 0 || stored > 8 { 16 } else { 8 };
    let fragments = Body::Fragments(vec![], vec![codestream.to_vec()]);
    let mut forge = formatted([allocated, stored, u16::from(bits >> 7)])
        .with(Element::word((0x0028, 0x0010), SIDES[usize::from(sides & 3)]))
        .with(Element::word((0x0028, 0x0011), SIDES[usize::from(sides >> 2 & 3)]))
        .with(Element::new(PIXEL_DATA, "OB", fragments));
    forge.transfer_syntax = Some(transfer_syntax.to_owned());
    Some(forge.bytes())
}

/// A native file of one row with these words; `None` where they are none or too many.
pub fn native(bits_stored: u16, signed: bool, words: &[u16]) -> Option<Vec<u8>> {
    let columns = u16::try_from(words.len()).ok().filter(|columns| (1..=4096).contains(columns))?;
    let forge = formatted([16, bits_stored, u16::from(signed)])
        .with(Element::word((0x0028, 0x0010), 1))
        .with(Element::word((0x0028, 0x0011), columns))
        .with(Element::new(PIXEL_DATA, "OW", Body::Words(words.to_vec())));
    Some(forge.bytes())
}

/// The header of a sound slice.
pub fn slice() -> Option<SliceHeader> {
    SliceHeader::read(Cursor::new(Forge::ct().bytes())).ok()
}

fn formatted([allocated, stored, representation]: [u16; 3]) -> Forge {
    [(0x0100, allocated), (0x0101, stored), (0x0102, stored - 1), (0x0103, representation)]
        .into_iter()
        .fold(Forge::ct(), |forge, (element, word)| forge.with(Element::word((0x0028, element), word)))
}
