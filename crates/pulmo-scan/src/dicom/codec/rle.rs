//! RLE: each byte of a sample in a segment of its own, the high byte first, run lengths by PackBits.
//!
//! # References
//! DICOM PS3.5 annex G.

use super::super::PixelFormat;
use super::CodecError;
use super::error::malformed;

const HEADER: usize = 64;

/// Decodes a frame of one component into `words`.
///
/// # Errors
/// [`CodecError`] where the header does not describe one segment a byte of a sample, in order and inside
/// the frame, or a segment holds too few bytes.
pub(super) fn decode(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    words.fill(0);
    for segment in segments(frame, format)? {
        let mut words = words.iter_mut();
        let mut rest = segment;
        while words.len() > 0 {
            let (head, after) = rest.split_first().ok_or(CodecError::Truncated)?;
            rest = match head.cast_signed() {
                literal @ 0.. => {
                    let count = usize::from(literal.unsigned_abs()) + 1;
                    let (bytes, after) = after.split_at_checked(count).ok_or(CodecError::Truncated)?;
                    bytes.iter().zip(&mut words).for_each(|(byte, word)| append(word, *byte));
                    after
                }
                -128 => after,
                run => {
                    let (byte, after) = after.split_first().ok_or(CodecError::Truncated)?;
                    let count = usize::from(run.unsigned_abs()) + 1;
                    words.by_ref().take(count).for_each(|word| append(word, *byte));
                    after
                }
            };
        }
    }
    Ok(())
}

fn append(word: &mut u16, byte: u8) {
    *word = *word << 8 | u16::from(byte);
}

/// The segments of a frame, the high byte's first.
fn segments(frame: &[u8], format: PixelFormat) -> Result<impl Iterator<Item = &[u8]>, CodecError> {
    let (header, _) = frame.split_first_chunk::<HEADER>().ok_or(malformed("RLE header"))?;
    let word = |at: usize| {
        let bytes = header.get(4 * at..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    };
    let count = usize::from(format.bits_allocated / 8);
    let bounds: Vec<usize> = (1..=count).map(word).chain([frame.len()]).collect();
    let ascending = bounds.is_sorted_by(|a, b| a < b);
    if word(0) != count || !ascending || bounds[0] < HEADER {
        return Err(malformed("RLE header"));
    }
    Ok((0..count).map(move |index| &frame[bounds[index]..bounds[index + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: PixelFormat =
        PixelFormat { rows: 2, columns: 3, bits_allocated: 16, bits_stored: 12, signed: false };

    fn frame(words: &[u32], body: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn runs_and_literals_are_unpacked() {
        // high bytes: six times 1; low bytes: 0 1 2, nothing, three times 9
        let frame = frame(&[2, 64, 66], &[0xFB, 1, 2, 0, 1, 2, 0x80, 0xFE, 9]);
        let mut words = [7; 6];
        decode(&frame, FORMAT, &mut words).unwrap();
        assert_eq!(words, [0x100, 0x101, 0x102, 0x109, 0x109, 0x109]);
        for end in 0..frame.len() {
            assert!(decode(&frame[..end], FORMAT, &mut words).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        let body = [0xFB, 1, 0xFB, 1];
        let mut words = [0; 6];
        assert!(decode(&frame(&[2, 64, 66], &body), FORMAT, &mut words).is_ok());
        for header in [[u32::MAX, 64, 66], [2, 66, 64], [2, 64, 68], [2, 63, 66], [1, 64, 66], [2, 64, 64]] {
            let answer = decode(&frame(&header, &body), FORMAT, &mut words);
            assert_eq!(answer, Err(malformed("RLE header")), "{header:?}");
        }
    }
}
