//! What the chunks of a PNG file say beside its pixels.
//!
//! # References
//! W3C, Portable Network Graphics (third edition): 5 (chunks), 11.3.2.7 (`sBIT`), 11.3.4 (animation).

use image::metadata::Orientation;

use super::PictureError;
use super::gray::Declared;
use super::orientation::of_exif;

const SIGNATURE: usize = 8;

/// What the chunks say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    pub(super) orientation: Orientation,
    pub(super) declared: Declared,
}

/// Walks all chunks to the last one (`IEND`); what follows it is not looked at.
///
/// # Errors
/// [`PictureError::Truncated`] where the file ends before that, [`PictureError::Pages`] where it is an
/// animation of several frames.
pub(super) fn check(bytes: &[u8]) -> Result<Chunks, PictureError> {
    let mut rest = bytes.get(SIGNATURE..).ok_or(PictureError::Truncated)?;
    let mut found = Chunks { orientation: Orientation::NoTransforms, declared: Declared::Nothing };
    let (mut depth, mut frames) = (0, 0);
    loop {
        let (kind, data, after) = chunk(rest).ok_or(PictureError::Truncated)?;
        match kind {
            b"IHDR" => depth = data.get(8).copied().unwrap_or(0),
            b"sBIT" if depth == 16 => found.declared = significant(data),
            b"eXIf" => found.orientation = of_exif(data),
            b"acTL" => {
                let count = data.first_chunk().map_or(0, |count| u32::from_be_bytes(*count));
                frames = frames.max(usize::try_from(count).unwrap_or(usize::MAX));
            }
            // a frame beside the one that all viewers show
            b"fdAT" => frames = frames.max(2),
            b"IEND" if frames > 1 => return Err(PictureError::Pages { pages: frames }),
            b"IEND" => return Ok(found),
            _ => {}
        }
        rest = after;
    }
}

/// Kind and data of the first chunk, and what follows its checksum.
fn chunk(rest: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (data, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let (_checksum, after) = rest.split_first_chunk::<4>()?;
    Some((kind, data, after))
}

/// The bits that count, where they are the same in all channels but alpha.
fn significant(data: &[u8]) -> Declared {
    match data {
        [bits] | [bits, _] if (1..16).contains(bits) => Declared::HighBits(u32::from(*bits)),
        [red, green, blue, ..] if red == green && green == blue && (1..16).contains(red) => {
            Declared::HighBits(u32::from(*red))
        }
        _ => Declared::Nothing,
    }
}
