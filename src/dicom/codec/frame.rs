//! One compressed frame, by the decoder of its transfer syntax.

use std::borrow::Cow;

use dicom_core::value::C;
use dicom_encoding::TransferSyntaxIndex;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::super::open::contained;
use super::super::{DicomError, PixelFormat};
use super::jpeg::JpegHeader;
use super::{CodecError, Coding, coding, jpeg_2000, jpeg_lossless, jpeg_ls, rle};

/// Decodes one compressed frame into `words`: samples of 8 bits stand in the low byte, samples of a
/// codestream of fewer bits than Bits Allocated in the low bits.
///
/// # Errors
/// [`DicomError`] where the codestream contradicts the header or cannot be decoded, or `words` are not
/// as many as the samples of a frame. What `words` then hold is no image.
pub(in crate::dicom) fn decode_words(
    frame: &[u8],
    transfer_syntax: &str,
    format: PixelFormat,
    words: &mut [u16],
) -> Result<(), DicomError> {
    if words.len() != format.samples() || words.is_empty() {
        return Err(DicomError::PixelLength { expected: format.samples(), found: words.len() });
    }
    match coding(transfer_syntax).ok_or(DicomError::TransferSyntax)? {
        Coding::Native => return Err(DicomError::Malformed),
        Coding::Rle => rle::decode(frame, format, words)?,
        Coding::JpegLossless => jpeg_lossless::decode(frame, format, words)?,
        Coding::JpegLs => jpeg_ls::decode(frame, format, words)?,
        Coding::Jpeg => {
            let codestream = JpegHeader::read(frame)?.codestream();
            codestream.check(format)?;
            let bits_allocated = if codestream.bits <= 8 { 8 } else { 16 };
            decode_by_registry(frame, transfer_syntax, PixelFormat { bits_allocated, ..format }, words)?;
        }
        Coding::Jpeg2000 => {
            jpeg_2000::check(frame, format)?;
            decode_by_registry(frame, transfer_syntax, format, words)?;
        }
    }
    Ok(())
}

/// Decodes one compressed frame to little-endian samples of the format's bytes.
///
/// # Errors
/// As [`decode_words`].
pub(in crate::dicom) fn decode(
    frame: &[u8],
    transfer_syntax: &str,
    format: PixelFormat,
) -> Result<Vec<u8>, DicomError> {
    let mut words = vec![0; format.samples()];
    decode_words(frame, transfer_syntax, format, &mut words)?;
    let bytes = usize::from(format.bits_allocated / 8);
    Ok(words.iter().flat_map(|word| word.to_le_bytes().into_iter().take(bytes)).collect())
}

fn decode_by_registry(
    frame: &[u8],
    transfer_syntax: &str,
    format: PixelFormat,
    words: &mut [u16],
) -> Result<(), CodecError> {
    let single = SingleFrame { frame, transfer_syntax, format };
    let unsupported = CodecError::Unsupported { what: "this transfer syntax" };
    let syntax = TransferSyntaxRegistry.get(transfer_syntax).ok_or(unsupported)?;
    let reader = syntax.pixel_data_reader().ok_or(unsupported)?;
    let mut decoded = Vec::new();
    let failed = CodecError::Malformed { what: "the decoder refuses it" };
    contained(|| reader.decode_frame(&single, 0, &mut decoded)).ok_or(failed)?.map_err(|_| failed)?;
    if decoded.len() != format.bytes() {
        return Err(failed);
    }
    match format.bits_allocated {
        8 => words.iter_mut().zip(decoded).for_each(|(word, byte)| *word = u16::from(byte)),
        _ => {
            let pairs = decoded.as_chunks::<2>().0;
            words.iter_mut().zip(pairs).for_each(|(word, pair)| *word = u16::from_le_bytes(*pair));
        }
    }
    Ok(())
}

/// One frame in one fragment, as the codecs want to see it.
struct SingleFrame<'a> {
    frame: &'a [u8],
    transfer_syntax: &'a str,
    format: PixelFormat,
}

impl PixelDataObject for SingleFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.transfer_syntax
    }

    fn rows(&self) -> Option<u16> {
        Some(self.format.rows)
    }

    fn cols(&self) -> Option<u16> {
        Some(self.format.columns)
    }

    fn samples_per_pixel(&self) -> Option<u16> {
        Some(1)
    }

    fn bits_allocated(&self) -> Option<u16> {
        Some(self.format.bits_allocated)
    }

    fn bits_stored(&self) -> Option<u16> {
        Some(self.format.bits_stored.min(self.format.bits_allocated))
    }

    fn photometric_interpretation(&self) -> Option<&str> {
        Some("MONOCHROME2")
    }

    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }

    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }

    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.frame))
    }

    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        Some(Cow::Borrowed(&[0]))
    }

    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData {
            fragments: C::from_elem(self.frame.to_vec(), 1),
            offset_table: C::from_elem(0, 1),
        })
    }
}
