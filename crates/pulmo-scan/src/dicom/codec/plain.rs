//! Samples without any coding of images: as bytes in a fragment, or as deflated bytes.
//!
//! # References
//! DICOM PS3.5 annex A.4; RFC 1951.

use std::cmp::Ordering;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::super::PixelFormat;
use super::CodecError;
use super::error::malformed;

/// Takes a frame's bytes, low bytes first, as `words`.
///
/// # Errors
/// [`CodecError`] where they are not as many as the header says; a byte may pad them to an even number.
pub(super) fn decode(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    let is_padded = frame.len().is_multiple_of(2) && frame.len() == format.bytes() + 1;
    exactly(if is_padded { &frame[..format.bytes()] } else { frame }, format, words)
}

/// Inflates a frame and takes its bytes as `words`.
///
/// # Errors
/// [`CodecError`] where it does not inflate, or not to as many bytes as the header says.
pub(super) fn inflate(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    let mut bytes = Vec::with_capacity(format.bytes() + 1);
    let most = format.bytes() as u64 + 1;
    let read = DeflateDecoder::new(frame).take(most).read_to_end(&mut bytes);
    read.map_err(|_| malformed("deflated bytes"))?;
    exactly(&bytes, format, words)
}

fn exactly(bytes: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    match bytes.len().cmp(&format.bytes()) {
        Ordering::Less => Err(CodecError::Truncated),
        Ordering::Greater => Err(malformed("more bytes than samples")),
        Ordering::Equal => {
            fill(words, bytes, format);
            Ok(())
        }
    }
}

/// Takes bytes as words: one each where a sample has 8 bits, else the low one first.
pub(in crate::dicom) fn fill(words: &mut [u16], bytes: &[u8], format: PixelFormat) {
    match format.bits_allocated {
        8 => words.iter_mut().zip(bytes).for_each(|(word, byte)| *word = u16::from(*byte)),
        _ => words
            .iter_mut()
            .zip(bytes.as_chunks::<2>().0)
            .for_each(|(word, pair)| *word = u16::from_le_bytes(*pair)),
    }
}
