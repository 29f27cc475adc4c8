//! Which transfer syntaxes pulmo reads, and how each stores pixels.

use dicom_dictionary_std::uids;

use super::super::DicomError;

/// Explicit VR Big Endian: retired by the standard, still found in archives.
const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How a transfer syntax stores pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum Coding {
    /// Uncompressed.
    Native,
    /// Run lengths of byte planes, PS3.5 annex G.
    Rle,
    /// JPEG with loss, Huffman-coded and sequential (processes 1, 2 and 4).
    Jpeg,
    /// JPEG without loss (process 14).
    JpegLossless,
    /// JPEG-LS, without loss or nearly so.
    JpegLs,
    /// JPEG 2000, and its high-throughput form.
    Jpeg2000,
    /// JPEG XL.
    JpegXl,
    /// Uncompressed, in fragments.
    InFragments,
    /// Deflated, each frame by itself.
    DeflatedFrames,
}

/// How the transfer syntax stores pixels; `None` where pulmo does not read it.
pub(in crate::dicom) fn coding(transfer_syntax: &str) -> Option<Coding> {
    match transfer_syntax {
        uids::IMPLICIT_VR_LITTLE_ENDIAN
        | uids::EXPLICIT_VR_LITTLE_ENDIAN
        | uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        | EXPLICIT_VR_BIG_ENDIAN => Some(Coding::Native),
        uids::RLE_LOSSLESS => Some(Coding::Rle),
        uids::JPEG_BASELINE8_BIT | uids::JPEG_EXTENDED12_BIT => Some(Coding::Jpeg),
        uids::JPEG_LOSSLESS | uids::JPEG_LOSSLESS_SV1 => Some(Coding::JpegLossless),
        uids::JPEGLS_LOSSLESS | uids::JPEGLS_NEAR_LOSSLESS => Some(Coding::JpegLs),
        uids::JPEG2000_LOSSLESS
        | uids::JPEG2000
        | uids::HTJ2K_LOSSLESS
        | uids::HTJ2K_LOSSLESS_RPCL
        | uids::HTJ2K => Some(Coding::Jpeg2000),
        uids::JPEGXL_LOSSLESS | uids::JPEGXLJPEG_RECOMPRESSION | uids::JPEGXL => Some(Coding::JpegXl),
        uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN => Some(Coding::InFragments),
        uids::DEFLATED_IMAGE_FRAME_COMPRESSION => Some(Coding::DeflatedFrames),
        _ => None,
    }
}

/// Refuses transfer syntaxes that pulmo does not read.
pub(in crate::dicom) fn check_supported(transfer_syntax: &str) -> Result<(), DicomError> {
    coding(transfer_syntax).map(|_| ()).ok_or(DicomError::TransferSyntax)
}
