//! What the segments of a JPEG file say beside its pixels, and whether all pixels are there.
//!
//! # References
//! ITU-T T.81 annex B; CIPA DC-007 (several pictures in one file).

use image::metadata::Orientation;

use super::PictureError;
use super::jpeg_scan::{JpegFrame, check_scan};
use super::orientation::of_exif;

/// Walks the file to the end of its picture, through every code of every scan; what follows the end is
/// not looked at, but for a further picture of the same size.
///
/// # Errors
/// [`PictureError::Truncated`] where the file or a scan ends early, [`PictureError::Damaged`] where a scan
/// breaks the rules, [`PictureError::Pages`] where the file holds several pictures of one size.
pub(super) fn check(bytes: &[u8]) -> Result<Orientation, PictureError> {
    let mut rest = bytes.get(2..).ok_or(PictureError::Truncated)?;
    let mut frame = JpegFrame::default();
    let mut orientation = None;
    let mut has_index = false;
    loop {
        let (marker, after) = marker(rest).ok_or(PictureError::Truncated)?;
        if is_alone(marker) {
            rest = after;
            continue;
        }
        if marker == 0xD9 {
            frame.check_components()?;
            let further = if has_index { further_of_size(after, frame.size()) } else { 0 };
            return match further {
                0 => Ok(orientation.unwrap_or(Orientation::NoTransforms)),
                further => Err(PictureError::Pages { pages: 1 + further }),
            };
        }
        let (segment, after) = segment(after).ok_or(PictureError::Truncated)?;
        rest = after;
        match marker {
            0xDA => rest = check_scan(&mut frame, segment, after)?,
            0xE1 if segment.starts_with(b"Exif\0\0") => _ = orientation.get_or_insert(of_exif(segment)),
            0xE2 if segment.starts_with(b"MPF\0") => has_index = true,
            _ => frame.take(marker, segment)?,
        }
    }
}

/// The next marker, whatever stands before it, and what follows it.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = bytes.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF))?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

/// Whether a marker has no segment: TEM, a restart, a start.
fn is_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xD0..=0xD8)
}

/// A segment without its length, and what follows it.
fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    let (segment, after) = bytes.split_at_checked(length)?;
    Some((segment.get(2..)?, after))
}

/// How many further pictures of a size begin in `bytes`; smaller ones are previews and maps of brightness.
fn further_of_size(bytes: &[u8], size: [u16; 2]) -> usize {
    let starts = bytes.windows(3).enumerate().filter(|(_, start)| *start == [0xFF, 0xD8, 0xFF]);
    starts.filter(|(at, _)| size_of(&bytes[at + 2..]) == Some(size)).count()
}

/// The size that the first frame header tells.
fn size_of(mut rest: &[u8]) -> Option<[u16; 2]> {
    loop {
        let (found, after) = marker(rest)?;
        if found == 0xDA || is_alone(found) {
            return None;
        }
        let (segment, after) = segment(after)?;
        if JpegFrame::is_start(found) {
            let mut frame = JpegFrame::default();
            return frame.take(found, segment).ok().map(|()| frame.size());
        }
        rest = after;
    }
}
