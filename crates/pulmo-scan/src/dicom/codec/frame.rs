//! One compressed frame, by the decoder of its transfer syntax.

use dicom_dictionary_std::uids;

use super::super::{DicomError, PixelFormat};
use super::{Coding, coding, jpeg_2000, jpeg_dct, jpeg_lossless, jpeg_ls, jpeg_xl, plain, rle};

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
        Coding::Jpeg => jpeg_dct::decode(frame, format, words)?,
        Coding::JpegLossless => jpeg_lossless::decode(frame, format, words)?,
        Coding::JpegLs => {
            let is_lossless = transfer_syntax == uids::JPEGLS_LOSSLESS;
            jpeg_ls::decode(frame, format, if is_lossless { 0 } else { u8::MAX }, words)?;
        }
        Coding::Jpeg2000 => jpeg_2000::decode(frame, format, words)?,
        Coding::JpegXl => jpeg_xl::decode(frame, transfer_syntax, format, words)?,
        Coding::InFragments => plain::decode(frame, format, words)?,
        Coding::DeflatedFrames => plain::inflate(frame, format, words)?,
    }
    Ok(())
}
