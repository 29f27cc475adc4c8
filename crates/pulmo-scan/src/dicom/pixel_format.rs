//! How pixels are stored, and how many frames of them.

use dicom_dictionary_std::tags;

use super::DicomError;
use super::attributes::{Attribute, Attributes, attribute};
use super::gate::FileHeader;
use crate::findings::Code;

/// Largest number of rows or columns accepted.
pub const MAX_SIDE: u16 = 4096;

/// Largest number of frames accepted.
pub const MAX_FRAMES: u32 = 4096;

const ROWS: Attribute = attribute(tags::ROWS, "Rows");
const COLUMNS: Attribute = attribute(tags::COLUMNS, "Columns");
const SAMPLES: Attribute = attribute(tags::SAMPLES_PER_PIXEL, "Samples per Pixel");
const FRAMES: Attribute = attribute(tags::NUMBER_OF_FRAMES, "Number of Frames");
const BITS_ALLOCATED: Attribute = attribute(tags::BITS_ALLOCATED, "Bits Allocated");
const BITS_STORED: Attribute = attribute(tags::BITS_STORED, "Bits Stored");
const HIGH_BIT: Attribute = attribute(tags::HIGH_BIT, "High Bit");
const REPRESENTATION: Attribute = attribute(tags::PIXEL_REPRESENTATION, "Pixel Representation");

/// How pixels are stored: checked before any decoder sees them.
///
/// # References
/// DICOM PS3.3 C.7.6.3 (Image Pixel module), PS3.5 section 8.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    /// Rows, 1 to [`MAX_SIDE`].
    pub rows: u16,
    /// Columns, 1 to [`MAX_SIDE`].
    pub columns: u16,
    /// Bits of one sample's storage: 8 or 16.
    pub bits_allocated: u16,
    /// Bits that hold the value, 1 to `bits_allocated`, from bit 0 on.
    pub bits_stored: u16,
    /// Whether values are two's complement.
    pub signed: bool,
}

impl PixelFormat {
    /// Samples of one frame.
    pub fn samples(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Bytes of one uncompressed frame.
    pub fn bytes(&self) -> usize {
        self.samples() * usize::from(self.bits_allocated / 8)
    }
}

/// The value of a sample: its low `bits_stored` bits, sign-extended where the format is signed.
pub(super) fn stored(word: u16, format: PixelFormat) -> i32 {
    let unused = 16 - format.bits_stored;
    let at_top = word << unused;
    if format.signed { i32::from(at_top.cast_signed() >> unused) } else { i32::from(at_top >> unused) }
}

/// Number of Frames, 1 where it is not given.
pub(super) fn number_of_frames(header: &FileHeader) -> Result<u32, DicomError> {
    let frames = Attributes(&header.data_set).integer(FRAMES);
    let frames = frames.map_err(|source| DicomError::attribute(source, Code::Frames))?.unwrap_or(1);
    let counted = u32::try_from(frames).ok().filter(|frames| (1..=MAX_FRAMES).contains(frames));
    counted.ok_or(DicomError::Frames { frames })
}

/// Refuses multi-frame objects.
pub(super) fn check_single_frame(header: &FileHeader) -> Result<(), DicomError> {
    match number_of_frames(header)? {
        1 => Ok(()),
        frames => Err(DicomError::MultiFrame { frames: i64::from(frames) }),
    }
}

/// Reads and checks how pixels are stored.
pub(super) fn pixel_format(header: &FileHeader) -> Result<PixelFormat, DicomError> {
    let read = |attribute, code| {
        Attributes(&header.data_set).unsigned(attribute).map_err(|source| DicomError::attribute(source, code))
    };
    let samples = read(SAMPLES, Code::SamplesPerPixel)?;
    if samples != 1 {
        return Err(DicomError::SamplesPerPixel { samples });
    }
    let [rows, columns] = [read(ROWS, Code::Dimensions)?, read(COLUMNS, Code::Dimensions)?];
    let sides = 1..=MAX_SIDE;
    if !sides.contains(&rows) || !sides.contains(&columns) {
        return Err(DicomError::Dimensions { rows, columns });
    }
    let allocated = read(BITS_ALLOCATED, Code::Bits)?;
    let stored = read(BITS_STORED, Code::Bits)?;
    let high = read(HIGH_BIT, Code::Bits)?;
    let representation = read(REPRESENTATION, Code::Bits)?;
    let fits = [8, 16].contains(&allocated) && (1..=allocated).contains(&stored) && high == stored - 1;
    if !fits || representation > 1 {
        return Err(DicomError::Bits { allocated, stored, high, representation });
    }
    let signed = representation == 1;
    Ok(PixelFormat { rows, columns, bits_allocated: allocated, bits_stored: stored, signed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bits_stored: u16, signed: bool) -> PixelFormat {
        PixelFormat { rows: 1, columns: 1, bits_allocated: 16, bits_stored, signed }
    }

    #[test]
    fn samples_are_cut_and_sign_extended() {
        assert_eq!(stored(0x0C00, format(12, true)), -1024);
        assert_eq!(stored(0xFC00, format(12, true)), -1024);
        assert_eq!(stored(0xF400, format(12, true)), 0x400);
        assert_eq!(stored(0xF400, format(12, false)), 0x400);
        assert_eq!(stored(0x8000, format(16, true)), -32768);
        assert_eq!(stored(0xFFFF, format(16, false)), 65535);
        assert_eq!(stored(0x00FF, format(8, true)), -1);
    }
}
