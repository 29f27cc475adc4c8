//! JPEG XL: the header is read before the decoder sees a byte, and the decoder has a bound of memory.
//!
//! The decoder is `jxl-oxide`, which dicom-rs uses too. It is not called through `dicom-pixeldata` 0.10.1, which
//! gives it no bound, lets it read whatever boxes stand around the codestream, and spreads samples of fewer than 16
//! bits over 16: of a slice of 12 bits, 261,311 of 262,144 pixels were wrong (November 2026).
//!
//! # References
//! ISO/IEC 18181-1; DICOM PS3.5 section 8.2.15.

use std::panic::catch_unwind;

use dicom_dictionary_std::uids;
use jxl_oxide::{AllocTracker, JxlImage};

use super::super::PixelFormat;
use super::CodecError;
use super::error::malformed;
use super::jpeg_xl_boxes::codestream;
use super::jpeg_xl_header::image_header;

/// Most memory that the decoder may take: for each sample, and beside that. Lossless slices take 11 bytes a sample,
/// lossy ones 37.
const MOST_MEMORY: [usize; 2] = [64, 1 << 20];

/// Most frames that make one image, most of them never shown: what others are made of.
const MOST_FRAMES: usize = 8;

/// Farthest from 0 to 1 that a sample may lie which lost nothing.
const WITHIN: f32 = 1e-6;

/// Decodes a frame of one component, bare or in boxes, into `words`.
///
/// # Errors
/// [`CodecError`] where the codestream is another image than `format` says, loses although its transfer syntax does not
/// or is signed although it does, ends early, or cannot be decoded to the last sample within the bound of memory.
pub(super) fn decode(
    frame: &[u8],
    transfer_syntax: &str,
    format: PixelFormat,
    words: &mut [u16],
) -> Result<(), CodecError> {
    let is_lossless = transfer_syntax == uids::JPEGXL_LOSSLESS;
    let codestream = codestream(frame)?;
    let header = image_header(&codestream)?;
    header.codestream.check(format)?;
    match (is_lossless, header.is_xyb, format.signed) {
        (true, true, _) => return Err(malformed("colours that lose")),
        // lossy coding knows no sign, and whether a writer shifted the values up cannot be told
        (false, _, true) => return Err(CodecError::Sign),
        _ => {}
    }
    let decoded = catch_unwind(|| samples(&codestream, words.len()));
    let samples = decoded.ok().ok_or(malformed("the decoder fails"))??;
    let is_in_range = samples.iter().all(|sample| (-WITHIN..=1.0 + WITHIN).contains(sample));
    if samples.len() != words.len() || is_lossless && !is_in_range {
        return Err(malformed("samples"));
    }
    let most = f32::from(u16::MAX >> (16 - header.codestream.bits));
    words.iter_mut().zip(&samples).for_each(|(word, sample)| *word = rounded(sample * most, most));
    Ok(())
}

/// The samples of the only image, from 0 to 1.
fn samples(mut codestream: &[u8], count: usize) -> Result<Vec<f32>, CodecError> {
    let [a_sample, beside] = MOST_MEMORY;
    let tracker = AllocTracker::with_limit(a_sample * count + beside);
    let refused = |_| malformed("the decoder refuses it");
    let image = JxlImage::builder().alloc_tracker(tracker).read(&mut codestream).map_err(refused)?;
    if !image.is_loading_done() {
        return Err(CodecError::Truncated);
    }
    if image.num_loaded_frames() > MOST_FRAMES || image.num_loaded_keyframes() != 1 {
        return Err(CodecError::Unsupported { what: "many frames" });
    }
    let image = image.render_frame(0).map_err(refused)?;
    let mut stream = image.stream();
    if stream.channels() != 1 || u64::from(stream.width()) * u64::from(stream.height()) != count as u64 {
        return Err(malformed("samples"));
    }
    let mut samples = vec![f32::NAN; count];
    let written = stream.write_to_buffer(&mut samples);
    samples.truncate(written);
    Ok(samples)
}

/// The nearest whole number from 0 to `most`, which fits 16 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 65535")]
fn rounded(value: f32, most: f32) -> u16 {
    value.round().clamp(0.0, most) as u16
}
