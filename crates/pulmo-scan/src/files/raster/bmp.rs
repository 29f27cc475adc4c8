//! Whether a BMP file is whole.

use super::PictureError;

/// Start of the header of all BMP files since 1990, behind which the pixels' size is told.
const HEADER: usize = 14;

/// Checks that the pixels lie within the file.
///
/// # Errors
/// [`PictureError::Truncated`] where the file ends before them.
///
/// # References
/// Microsoft, BITMAPINFOHEADER: rows are padded to 4 bytes; compressed pixels tell their size.
pub(super) fn check(bytes: &[u8]) -> Result<(), PictureError> {
    let start = number(bytes, 10)?;
    if number(bytes, HEADER)? < 40 {
        // OS/2: never compressed, so the decoder comes to the end of the file itself
        return Ok(());
    }
    let [width, height] = [number(bytes, 18)?, number(bytes, 22)?];
    let bits = u64::from(number(bytes, 28)? & 0xFFFF);
    // the height of a picture that stands upside down is negative
    let rows = u64::from(height.cast_signed().unsigned_abs());
    let size = match number(bytes, 30)? {
        1 | 2 => u64::from(number(bytes, 34)?),
        _ => (u64::from(width) * bits).div_ceil(32).saturating_mul(4 * rows),
    };
    if u64::from(start).saturating_add(size) <= bytes.len() as u64 {
        Ok(())
    } else {
        Err(PictureError::Truncated)
    }
}

/// The little-endian number at a place.
fn number(bytes: &[u8], at: usize) -> Result<u32, PictureError> {
    let number = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or(PictureError::Truncated)?;
    Ok(u32::from_le_bytes(*number))
}
