//! Compressed frames: what the codestream says of itself is compared with the header before a
//! decoder sees it, and no decoder's panic gets out.

use std::borrow::Cow;

use dicom_core::value::C;
use dicom_dictionary_std::uids;
use dicom_encoding::TransferSyntaxIndex;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::open::contained;
use super::{DicomError, PixelFormat};

/// Explicit VR Big Endian: retired by the standard, still found in archives.
pub(super) const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How a transfer syntax stores pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    Rle,
    Jpeg,
    Jpeg2000,
}

/// How the transfer syntax stores pixels; `None` where pulmo does not read it.
pub(super) fn coding(transfer_syntax: &str) -> Option<Coding> {
    match transfer_syntax {
        uids::IMPLICIT_VR_LITTLE_ENDIAN
        | uids::EXPLICIT_VR_LITTLE_ENDIAN
        | uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        | EXPLICIT_VR_BIG_ENDIAN => Some(Coding::Native),
        uids::RLE_LOSSLESS => Some(Coding::Rle),
        uids::JPEG_BASELINE8_BIT
        | uids::JPEG_EXTENDED12_BIT
        | uids::JPEG_LOSSLESS
        | uids::JPEG_LOSSLESS_SV1 => Some(Coding::Jpeg),
        uids::JPEG2000_LOSSLESS | uids::JPEG2000 => Some(Coding::Jpeg2000),
        _ => None,
    }
}

/// Refuses transfer syntaxes that pulmo does not read.
pub(super) fn check_supported(transfer_syntax: &str) -> Result<(), DicomError> {
    coding(transfer_syntax).map(|_| ()).ok_or(DicomError::TransferSyntax)
}

/// What a codestream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Codestream {
    rows: u32,
    columns: u32,
    components: u16,
    bits: u8,
    /// `None` where the coding does not say.
    signed: Option<bool>,
}

/// Decodes one compressed frame to little-endian samples of the format's bytes.
pub(super) fn decode(
    frame: &[u8],
    transfer_syntax: &str,
    format: PixelFormat,
) -> Result<Vec<u8>, DicomError> {
    let bits = match coding(transfer_syntax).ok_or(DicomError::TransferSyntax)? {
        Coding::Native => return Err(DicomError::Malformed),
        Coding::Rle => check_rle(frame, format)?,
        Coding::Jpeg => check(jpeg_codestream(frame).ok_or(DicomError::Codec)?, format)?,
        // the decoder writes as many bytes as it is told to
        Coding::Jpeg2000 => {
            check(jpeg2000_codestream(frame).ok_or(DicomError::Codec)?, format)?;
            format.bits_allocated
        }
    };
    let single =
        SingleFrame { frame, transfer_syntax, format: PixelFormat { bits_allocated: bits, ..format } };
    let syntax = TransferSyntaxRegistry.get(transfer_syntax).ok_or(DicomError::TransferSyntax)?;
    let reader = syntax.pixel_data_reader().ok_or(DicomError::TransferSyntax)?;
    let mut decoded = Vec::new();
    contained(|| reader.decode_frame(&single, 0, &mut decoded))
        .ok_or(DicomError::Codec)?
        .map_err(|_| DicomError::Codec)?;
    if bits < format.bits_allocated {
        decoded = decoded.into_iter().flat_map(|sample| [sample, 0]).collect();
    }
    match decoded.len() == format.bytes() {
        true => Ok(decoded),
        false => Err(DicomError::PixelLength { expected: format.bytes(), found: decoded.len() }),
    }
}

/// Returns the bits of one decoded sample, 8 or 16, where codestream and header agree.
fn check(codestream: Codestream, format: PixelFormat) -> Result<u16, DicomError> {
    let Codestream { rows, columns, components, bits, signed } = codestream;
    let agrees = rows == u32::from(format.rows)
        && columns == u32::from(format.columns)
        && components == 1
        && (1..=format.bits_allocated).contains(&u16::from(bits))
        && signed.is_none_or(|signed| !signed || format.signed);
    if !agrees {
        return Err(DicomError::CodecDimensions { rows, columns, bits });
    }
    Ok(if bits <= 8 { 8 } else { 16 })
}

/// Checks the 64-byte header of an RLE frame: one segment a byte of a sample, in ascending order.
///
/// # References
/// DICOM PS3.5 annex G.5.
fn check_rle(frame: &[u8], format: PixelFormat) -> Result<u16, DicomError> {
    let (header, _) = frame.split_first_chunk::<64>().ok_or(DicomError::Codec)?;
    let words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word) as usize);
    let words: Vec<usize> = words.collect();
    let segments = usize::from(format.bits_allocated / 8);
    let offsets = &words[1..=segments];
    let ascending = offsets.windows(2).all(|pair| pair[0] < pair[1]);
    let inside =
        offsets.first().is_some_and(|first| *first >= 64) && offsets.iter().all(|at| *at < frame.len());
    if words[0] != segments || !ascending || !inside {
        return Err(DicomError::Codec);
    }
    Ok(format.bits_allocated)
}

/// Reads the frame header (SOF) of a JPEG codestream, ITU-T T.81 B.2.2.
fn jpeg_codestream(frame: &[u8]) -> Option<Codestream> {
    let mut rest = frame.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let (&[0xFF, marker], after) = rest.split_first_chunk::<2>()? else { return None };
        match marker {
            // fill byte: the second 0xFF starts the marker
            0xFF => rest = &rest[1..],
            0x01 | 0xD0..=0xD7 => rest = after,
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let &[_, _, bits, y1, y0, x1, x0, components] = after.first_chunk::<8>()?;
                return Some(Codestream {
                    rows: u32::from(u16::from_be_bytes([y1, y0])),
                    columns: u32::from(u16::from_be_bytes([x1, x0])),
                    components: u16::from(components),
                    bits,
                    signed: None,
                });
            }
            0xD8..=0xDA => return None,
            _ => {
                let length = u16::from_be_bytes(*after.first_chunk::<2>()?);
                rest = after.get(usize::from(length)..)?;
            }
        }
    }
}

/// Reads the SIZ marker segment of a JPEG 2000 codestream, bare or in a JP2 box, ITU-T T.800 A.5.1.
fn jpeg2000_codestream(frame: &[u8]) -> Option<Codestream> {
    let start = frame.windows(4).take(4096).position(|bytes| bytes == [0xFF, 0x4F, 0xFF, 0x51])?;
    let siz = frame.get(start + 4..)?.first_chunk::<41>()?;
    let word = |at: usize| u32::from_be_bytes([siz[at], siz[at + 1], siz[at + 2], siz[at + 3]]);
    let [x_end, y_end, x_start, y_start] = [word(4), word(8), word(12), word(16)];
    let is_subsampled = siz[39] != 1 || siz[40] != 1;
    (!is_subsampled).then_some(())?;
    Some(Codestream {
        rows: y_end.checked_sub(y_start)?,
        columns: x_end.checked_sub(x_start)?,
        components: u16::from_be_bytes([siz[36], siz[37]]),
        bits: (siz[38] & 0x7F) + 1,
        signed: Some(siz[38] & 0x80 != 0),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: PixelFormat =
        PixelFormat { rows: 2, columns: 3, bits_allocated: 16, bits_stored: 12, signed: false };

    #[test]
    fn a_jpeg_tells_its_size() {
        let jpeg =
            [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 9, 9, 0xFF, 0xFF, 0xC3, 0, 11, 12, 0, 2, 0, 3, 1, 1, 0x11, 0];
        let codestream = jpeg_codestream(&jpeg).unwrap();
        assert_eq!((codestream.rows, codestream.columns, codestream.bits), (2, 3, 12));
        assert_eq!(check(codestream, FORMAT).unwrap(), 16);
        assert!(check(Codestream { rows: 65500, ..codestream }, FORMAT).is_err());
        assert!(jpeg_codestream(&jpeg[..12]).is_none());
        assert!(jpeg_codestream(b"\xFF\xD8\xFF\xE0\0").is_none());
    }

    #[test]
    fn a_jpeg_2000_tells_its_size_and_sign() {
        let mut siz = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        siz.extend([5u32, 4, 2, 2, 5, 4, 0, 0].iter().flat_map(|word| word.to_be_bytes()));
        siz.extend([0, 1, 0x8B, 1, 1]);
        let codestream = jpeg2000_codestream(&siz).unwrap();
        assert_eq!(
            codestream,
            Codestream { rows: 2, columns: 3, components: 1, bits: 12, signed: Some(true) }
        );
        assert!(check(codestream, FORMAT).is_err());
        assert!(check(codestream, PixelFormat { signed: true, ..FORMAT }).is_ok());
    }

    #[test]
    fn hostile_rle_headers_are_refused() {
        let header = |words: &[u32]| -> Vec<u8> {
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes.resize(80, 0);
            bytes
        };
        assert!(check_rle(&header(&[2, 64, 70]), FORMAT).is_ok());
        for bad in [header(&[u32::MAX, 64, 70]), header(&[2, 70, 64]), header(&[2, 64, 80]), vec![0; 10]] {
            assert!(matches!(check_rle(&bad, FORMAT), Err(DicomError::Codec)));
        }
    }
}
