//! JPEG 2000: the codestream is checked from end to end, and the decoder sees no byte but its own.
//!
//! The decoder is OpenJPEG in Rust (`openjp2`). The pure-Rust `hayro-jpeg2000` 0.5.0 was tried in November
//! 2026: as fast (0.94 to 0.98 of the speed on 20 lossless slices of 512 x 512) and the same without loss,
//! but it takes no sign from the codestream, differs by 1 from OpenJPEG in the lossy `CT1_J2KI` (2,477
//! pixels), `CT2_J2KI` (1,675) and `JPEG2000.dcm` (317), and asked for 15 TB of memory, which ends the
//! program, where bytes in the midst of a codestream were damaged.
//!
//! # References
//! ITU-T T.800 annex A.

use std::panic::catch_unwind;

use jpeg2k::{DecodeParameters, Image};

use super::super::PixelFormat;
use super::CodecError;
use super::bits::low_half;
use super::codestream::Codestream;
use super::error::malformed;

/// Most tiles of one frame; 64 x 64 tiles of a frame of 4096 x 4096.
const MOST_TILES: u64 = 4096;

/// Start of a codestream: SOC, then SIZ.
const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];

/// Decodes a frame of one component, bare or in JP2 boxes, into `words`.
///
/// # Errors
/// [`CodecError`] where the codestream is another image than `format` says, does not hold all its
/// tile-parts, or cannot be decoded to the last sample.
pub(super) fn decode(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    let codestream = check(frame, format)?;
    let strictly = DecodeParameters::new().strict(true);
    let decoded = catch_unwind(|| Image::from_bytes_with(codestream, strictly));
    let image = decoded.ok().and_then(Result::ok).ok_or(malformed("the decoder refuses it"))?;
    match image.components() {
        [component] if component.data().len() == words.len() => {
            let samples = component.data();
            // samples of 16 bits at most, signed or not, in their low bits
            words.iter_mut().zip(samples).for_each(|(word, sample)| *word = low_half(*sample));
            Ok(())
        }
        _ => Err(malformed("components")),
    }
}

/// Checks a frame before it is decoded, and returns its codestream alone: nothing that follows allocates more
/// than the header announces, and no box around it can lead the decoder to another one.
fn check(frame: &[u8], format: PixelFormat) -> Result<&[u8], CodecError> {
    let at = frame.windows(4).take(4096).position(|bytes| *bytes == START);
    let codestream = &frame[at.ok_or(malformed("start of codestream"))?..];
    size(codestream)?.check(format)?;
    let after = check_tile_parts(&codestream[2..])?;
    Ok(&codestream[..codestream.len() - after.len()])
}

/// Reads the image and tile size (SIZ), T.800 A.5.1.
fn size(codestream: &[u8]) -> Result<Codestream, CodecError> {
    let siz = codestream.get(START.len()..).and_then(<[u8]>::first_chunk::<41>).ok_or(malformed("SIZ"))?;
    let word = |at: usize| u32::from_be_bytes([siz[at], siz[at + 1], siz[at + 2], siz[at + 3]]);
    let [x_end, y_end, x_start, y_start] = [word(4), word(8), word(12), word(16)];
    let [tile_width, tile_height, tile_x, tile_y] = [word(20), word(24), word(28), word(32)];
    // an origin beyond the end leaves nothing, which no header agrees with
    let (columns, rows) = (x_end.saturating_sub(x_start), y_end.saturating_sub(y_start));
    let bits = (siz[38] & 0x7F) + 1;
    let is_subsampled = siz[39] != 1 || siz[40] != 1;
    let has_no_tiles = tile_x > x_start || tile_y > y_start || tile_width == 0 || tile_height == 0;
    if is_subsampled || has_no_tiles || columns == 0 || rows == 0 {
        return Err(CodecError::Differs { rows, columns, bits });
    }
    let along = |end: u32, start: u32, step: u32| u64::from((end - start).div_ceil(step));
    if along(x_end, tile_x, tile_width) * along(y_end, tile_y, tile_height) > MOST_TILES {
        return Err(CodecError::Differs { rows, columns, bits });
    }
    let components = u16::from_be_bytes([siz[36], siz[37]]);
    Ok(Codestream { rows, columns, components, bits, signed: Some(siz[38] & 0x80 != 0) })
}

/// Walks the main header and all tile-parts to the end of the codestream, and returns what follows it: a
/// decoder would make up what is missing.
fn check_tile_parts(mut rest: &[u8]) -> Result<&[u8], CodecError> {
    let mut tile_parts = 0;
    loop {
        let Some((marker, after)) = rest.split_first_chunk::<2>() else {
            // without its end marker, but no sample is lost
            return if tile_parts > 0 { Ok(rest) } else { Err(CodecError::Truncated) };
        };
        let length = after.first_chunk::<2>().map(|length| usize::from(u16::from_be_bytes(*length)));
        match *marker {
            [0xFF, 0xD9] if tile_parts > 0 => return Ok(after),
            // start of tile-part: its length counts from the marker on, 0 says up to the end
            [0xFF, 0x90] => {
                let segment = rest.first_chunk::<12>().ok_or(CodecError::Truncated)?;
                let length = u32::from_be_bytes([segment[6], segment[7], segment[8], segment[9]]) as usize;
                match length {
                    0 => return check_end(&rest[12..]),
                    14.. => rest = rest.get(length..).ok_or(CodecError::Truncated)?,
                    _ => return Err(malformed("tile-part")),
                }
                tile_parts += 1;
            }
            // a segment of the main header
            [0xFF, 0x50..=0x6F] if tile_parts == 0 => {
                rest = length.and_then(|length| after.get(length..)).ok_or(CodecError::Truncated)?;
            }
            // one byte of padding where the end marker was lost
            [0, _] if tile_parts > 0 && rest.len() <= 2 => return Ok(rest),
            _ => return Err(malformed("marker")),
        }
    }
}

/// A last tile-part of unknown length is whole only where the end marker follows it; returns what comes then.
fn check_end(tile_part: &[u8]) -> Result<&[u8], CodecError> {
    let last = tile_part.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let (whole, after) = tile_part.split_at(last);
    if whole.ends_with(&[0xFF, 0xD9]) { Ok(after) } else { Err(CodecError::Truncated) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: PixelFormat =
        PixelFormat { rows: 2, columns: 3, bits_allocated: 16, bits_stored: 12, signed: true };

    fn codestream(tile_part_length: u32) -> Vec<u8> {
        let mut bytes = START.to_vec();
        bytes.extend([0, 41, 0, 0]);
        bytes.extend([5_u32, 4, 2, 2, 5, 4, 0, 0].iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend([0, 1, 0x8B, 1, 1]);
        bytes.extend([0xFF, 0x52, 0, 4, 9, 9, 0xFF, 0x90, 0, 10, 0, 0]);
        bytes.extend(tile_part_length.to_be_bytes());
        bytes.extend([0, 1, 0xFF, 0x93, 1, 2, 3, 0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn size_and_sign_are_told() {
        let expected = Codestream { rows: 2, columns: 3, components: 1, bits: 12, signed: Some(true) };
        assert_eq!(size(&codestream(17)), Ok(expected));
        assert!(check(&codestream(17), FORMAT).is_ok());
        let unsigned = PixelFormat { signed: false, ..FORMAT };
        assert_eq!(check(&codestream(17), unsigned), Err(CodecError::Sign));
    }

    #[test]
    fn cut_codestreams_are_refused() {
        for tile_part_length in [0, 17] {
            let bytes = codestream(tile_part_length);
            assert!(check(&bytes, FORMAT).is_ok());
            // the end marker alone may be lost where the tile-part tells its length
            let least = if tile_part_length == 0 { bytes.len() } else { bytes.len() - 2 };
            for end in 0..least {
                assert!(check(&bytes[..end], FORMAT).is_err(), "cut at {end}");
            }
        }
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// ORIGIN: imagecodecs 2026.3.6 (OpenJPEG 2.5.4): `jpeg2k_encode(a, level=0, reversible=True,
    /// codecformat="j2k", resolutions=1)` of 1 8 15 / 22 29 36, and as "jp2" of 200 less these.
    const PLAIN: &str = "ff4fff51002900000000000300000002000000000000000000000003000000020000000000000000 \
         0001070101ff52000c00000001000004040001ff5c00044040ff6400250001437265617465642062 \
         79204f70656e4a5045472076657273696f6e20322e352e34ff90000a0000000000180001ff93cfb4 \
         1c088fece825028fffd9";
    const BOXED: &str = "0000000c6a5020200d0a870a00000014667479706a703220000000006a7032200000002d6a703268 \
         000000166968647200000002000000030001070700000000000f636f6c7201000000000011000000 \
         8b6a703263ff4fff5100290000000000030000000200000000000000000000000300000002000000 \
         00000000000001070101ff52000c00000001000004040001ff5c00044040ff640025000143726561 \
         746564206279204f70656e4a5045472076657273696f6e20322e352e34ff90000a00000000001900 \
         01ff93cfb420039bb25defa0cb3fffd9";

    #[test]
    fn the_codestream_that_was_checked_is_decoded_whatever_boxes_say() {
        let format = PixelFormat { rows: 2, columns: 3, bits_allocated: 8, bits_stored: 8, signed: false };
        let decoded = |frame: &[u8]| {
            let mut words = [0; 6];
            decode(frame, format, &mut words).map(|()| words)
        };
        let (plain, boxed) = (bytes(PLAIN), bytes(BOXED));
        let expected = [1, 8, 15, 22, 29, 36];
        assert_eq!(decoded(&plain), Ok(expected));
        assert_eq!(decoded(&boxed), Ok([199, 192, 185, 178, 171, 164]));
        // a box that readers pass over, between those of the file's type and of its header
        let length = u32::try_from(plain.len() + 8).unwrap().to_be_bytes();
        let smuggled = [&boxed[..32], &length, b"free", &plain, &boxed[32..]].concat();
        assert_eq!(decoded(&smuggled), Ok(expected));
        assert_eq!(decoded(&[plain.as_slice(), &boxed].concat()), Ok(expected));
    }
}
