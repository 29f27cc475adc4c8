//! The codestream in the boxes of a JPEG XL file.
//!
//! Other boxes hold compressed text of any size; they are passed over, and no decoder sees them.
//!
//! # References
//! ISO/IEC 18181-2 clause 9.

use std::borrow::Cow;

use super::CodecError;
use super::error::malformed;

/// The first box of a file.
const SIGNATURE: [u8; 12] = [0, 0, 0, 12, b'J', b'X', b'L', b' ', 0x0D, 0x0A, 0x87, 0x0A];

/// Whether the frame is a codestream without boxes.
pub(super) fn is_bare(frame: &[u8]) -> bool {
    !frame.starts_with(&SIGNATURE)
}

/// The codestream of a frame, which stands bare or in boxes.
///
/// # Errors
/// [`CodecError`] where a box does not fit into the frame, or there is not one codestream.
pub(super) fn codestream(frame: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    if is_bare(frame) {
        return Ok(frame.into());
    }
    let (mut whole, mut parts) = (None, Vec::new());
    let mut rest = frame;
    // a byte pads a frame to an even length
    while rest.len() > 1 {
        let JpegXlBox { kind, content, after } = next_box(rest)?;
        match (kind, content) {
            (b"jxlc", content) if whole.is_none() && parts.is_empty() => whole = Some(content),
            (b"jxlp", [_, _, _, _, part @ ..]) if whole.is_none() => parts.extend_from_slice(part),
            (b"jxlc" | b"jxlp", _) => return Err(malformed("boxes")),
            _ => {}
        }
        rest = after;
    }
    match whole {
        Some(whole) if parts.is_empty() => Ok(whole.into()),
        None if !parts.is_empty() => Ok(parts.into()),
        _ => Err(malformed("boxes")),
    }
}

/// A box and what follows it.
struct JpegXlBox<'a> {
    kind: &'a [u8; 4],
    content: &'a [u8],
    after: &'a [u8],
}

/// The first box.
fn next_box(bytes: &[u8]) -> Result<JpegXlBox<'_>, CodecError> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(CodecError::Truncated)?;
    let (kind, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::Truncated)?;
    let (length, rest) = match u32::from_be_bytes(*length) {
        // up to the end
        0 => return Ok(JpegXlBox { kind, content: rest, after: &[] }),
        1 => {
            let (length, rest) = rest.split_first_chunk::<8>().ok_or(CodecError::Truncated)?;
            (u64::from_be_bytes(*length).checked_sub(16), rest)
        }
        length => (u64::from(length).checked_sub(8), rest),
    };
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(malformed("boxes"))?;
    let (content, after) = rest.split_at_checked(length).ok_or(CodecError::Truncated)?;
    Ok(JpegXlBox { kind, content, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let one = |(kind, content): &(&[u8; 4], &[u8])| {
            let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
            [&length[..], &kind[..], content].concat()
        };
        [SIGNATURE.to_vec(), boxes.iter().flat_map(one).collect()].concat()
    }

    #[test]
    fn the_codestream_is_taken_out_of_its_boxes() {
        let bare = [0xFF, 0x0A, 1, 2, 3];
        assert_eq!(codestream(&bare), Ok(bare.as_slice().into()));
        let (head, tail) = bare.split_at(2);
        let parts = [(b"jxlp", [&[0; 4], head].concat()), (b"jxlp", [&[0x80, 0, 0, 1], tail].concat())];
        let parts = [(parts[0].0, parts[0].1.as_slice()), (parts[1].0, parts[1].1.as_slice())];
        for boxes in [&[(b"ftyp", &b"jxl "[..]), (b"jxlc", &bare), (b"xml ", b"more")][..], &parts] {
            let file = boxed(boxes);
            assert!(!is_bare(&file));
            assert_eq!(codestream(&file), Ok(bare.as_slice().into()));
            assert_eq!(codestream(&[file.as_slice(), &[0]].concat()), Ok(bare.as_slice().into()));
        }
        let to_the_end = [&boxed(&[])[..], &[0; 4], b"jxlc", &bare].concat();
        assert_eq!(codestream(&to_the_end), Ok(bare.as_slice().into()));
        let long = [&boxed(&[])[..], &[0, 0, 0, 1], b"jxlc", &21_u64.to_be_bytes(), &bare].concat();
        assert_eq!(codestream(&long), Ok(bare.as_slice().into()));
    }

    #[test]
    fn boxes_that_do_not_hold_one_codestream_are_refused() {
        let bare = [0xFF, 0x0A, 1, 2, 3];
        for boxes in [
            &[][..],
            &[(b"jxlc", &bare[..]), (b"jxlc", &bare)],
            &[(b"jxlc", &bare[..]), (b"jxlc", &bare), (b"jxlc", &bare)],
            &[(b"jxlp", &bare[..]), (b"jxlc", &bare)],
            &[(b"jxlc", &bare[..]), (b"jxlp", &bare)],
            &[(b"jxlp", &bare[..3])],
        ] {
            assert_eq!(codestream(&boxed(boxes)), Err(malformed("boxes")));
        }
        let whole = boxed(&[(b"jxlc", &bare)]);
        for end in 12..whole.len() - 1 {
            assert!(codestream(&whole[..end]).is_err(), "cut at {end}");
        }
        let short = [&boxed(&[])[..], &[0, 0, 0, 7], b"jxlc"].concat();
        assert_eq!(codestream(&short), Err(malformed("boxes")));
    }
}
