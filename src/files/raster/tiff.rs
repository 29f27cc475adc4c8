//! TIFF and BigTIFF: pages, orientation, bits, and gray values of every kind.
//!
//! Unsigned samples of up to 16 bits are gray between black and white. Signed, floating-point and wider
//! ones have no white: they are measurements, Hounsfield units for instance, and are kept as they are.
//!
//! # References
//! Adobe, TIFF 6.0.

use std::io::Cursor;

use image::metadata::Orientation;
use tiff::ColorType;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{SampleFormat, Tag};

use super::PictureError;
use super::gray::{Declared, Gray, WHITE, gray_16};
use super::picture::{MAX_PICTURE_SIDE, MOST_BYTES};
use crate::files::torch::half;

/// Most directories that are looked at: a file of two pages is refused as one of many is.
const MOST_DIRECTORIES: usize = 10_000;

/// Most bytes of one tag's value.
const MOST_TAG_BYTES: usize = 64 << 20;

/// Slices of a volume in one directory (SGI).
const IMAGE_DEPTH: Tag = Tag::Unknown(32997);

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

/// An open TIFF file of one picture.
pub(super) struct Tiff<'a> {
    decoder: TiffDecoder<'a>,
    pub(super) orientation: Orientation,
    pub(super) size: [u32; 2],
    pub(super) colours: ColorType,
    format: SampleFormat,
}

/// What a TIFF file of one channel holds.
pub(super) enum Samples {
    Gray(Gray),
    /// Numbers without a white.
    Numbers(Vec<f32>),
}

/// Opens a file and checks that all of its directories are whole and that one of them is a picture.
///
/// # Errors
/// [`PictureError::Truncated`], [`PictureError::Pages`], and where the file breaks the rules.
pub(super) fn open(bytes: &[u8]) -> Result<Tiff<'_>, PictureError> {
    let mut decoder = Decoder::new(Cursor::new(bytes))?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MOST_BYTES;
    limits.intermediate_buffer_size = MOST_BYTES;
    limits.ifd_value_size = MOST_TAG_BYTES;
    decoder = decoder.with_limits(limits);
    let (width, height) = decoder.dimensions()?;
    if width.max(height) > MAX_PICTURE_SIDE {
        return Err(PictureError::TooLarge);
    }
    check_directories(&mut decoder, bytes.len() as u64)?;
    let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
    let format = decoder.find_tag_unsigned_vec(Tag::SampleFormat)?.unwrap_or_default();
    Ok(Tiff {
        orientation: orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        size: [height, width],
        colours: decoder.colortype()?,
        format: format
            .first()
            .map_or(SampleFormat::Uint, |format| SampleFormat::from_u16_exhaustive(*format)),
        decoder,
    })
}

fn check_directories(decoder: &mut TiffDecoder<'_>, end: u64) -> Result<(), PictureError> {
    let mut next = decoder.ifd_pointer();
    let mut pages = 0;
    for index in 0..MOST_DIRECTORIES {
        let Some(pointer) = next else { break };
        let directory = decoder.read_directory(pointer)?;
        next = directory.next();
        let mut tags = decoder.read_directory_tags(&directory);
        let kind = tags.find_tag_unsigned::<u32>(Tag::NewSubfileType)?.unwrap_or(0);
        let old_kind = tags.find_tag_unsigned::<u16>(Tag::SubfileType)?.unwrap_or(1);
        // smaller copies (bit 0) and masks (bit 2) are no pages
        let is_page = kind & 0b101 == 0 && old_kind != 2;
        if index == 0 && !is_page {
            return Err(PictureError::Pixels { what: "a TIFF that starts with a smaller copy".into() });
        }
        let slices = tags.find_tag_unsigned::<u32>(IMAGE_DEPTH)?.unwrap_or(1);
        pages += if is_page { usize::try_from(slices).unwrap_or(usize::MAX).max(1) } else { 0 };
        if let Ok(text) = tags.get_tag_ascii_string(Tag::ImageDescription) {
            pages = pages.max(described_pages(&text));
        }
        for tag in tags.tag_iter() {
            if let Err(tiff::TiffError::IoError(error)) = tag {
                return Err(tiff::TiffError::IoError(error).into());
            }
        }
        check_extents(decoder, pointer, end)?;
    }
    if pages > 1 { Err(PictureError::Pages { pages }) } else { Ok(()) }
}

/// The pictures that one directory stands for in files of `ImageJ`, which leaves out the directories of
/// large stacks.
fn described_pages(text: &str) -> usize {
    let of_imagej = text.strip_prefix("ImageJ=").unwrap_or_default();
    let images = of_imagej.lines().find_map(|line| line.strip_prefix("images="));
    images.and_then(|images| images.trim().parse().ok()).unwrap_or(1)
}

/// Checks that compressed strips and tiles lie within the file: decompressors make up what they lack.
fn check_extents(
    decoder: &mut TiffDecoder<'_>,
    pointer: tiff::tags::IfdPointer,
    end: u64,
) -> Result<(), PictureError> {
    const NONE: u16 = 1;
    let directory = decoder.read_directory(pointer)?;
    let mut tags = decoder.read_directory_tags(&directory);
    if tags.find_tag_unsigned::<u16>(Tag::Compression)?.unwrap_or(NONE) == NONE {
        return Ok(());
    }
    for [offsets, counts] in
        [[Tag::StripOffsets, Tag::StripByteCounts], [Tag::TileOffsets, Tag::TileByteCounts]]
    {
        let offsets = tags.find_tag_unsigned_vec::<u64>(offsets)?.unwrap_or_default();
        let counts = tags.find_tag_unsigned_vec::<u64>(counts)?.unwrap_or_default();
        if offsets.iter().zip(counts).any(|(offset, count)| offset.saturating_add(count) > end) {
            return Err(PictureError::Truncated);
        }
    }
    Ok(())
}

impl Tiff<'_> {
    /// Bits of a sample.
    pub(super) fn bits(&self) -> u16 {
        u16::from(self.colours.bit_depth())
    }

    /// The samples of a picture of one channel, row by row.
    ///
    /// # Errors
    /// [`PictureError`] where they are of an unusual kind, cut off or damaged.
    pub(super) fn samples(mut self) -> Result<Samples, PictureError> {
        let unusual = |what: &str| PictureError::Pixels { what: what.to_owned() };
        let bits = self.bits();
        let is_inverted = self.decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)? == Some(0);
        let predictor = self.decoder.find_tag_unsigned::<u16>(Tag::Predictor)?.unwrap_or(1);
        let is_gray = self.format == SampleFormat::Uint && bits <= 16;
        if is_inverted && !is_gray {
            return Err(unusual("signed, floating-point or wide samples of which 0 is white"));
        }
        if !matches!(bits, 8 | 16 | 32 | 64) && predictor != 1 {
            return Err(unusual("packed samples that are told by their differences"));
        }
        let declared = self.declared()?;
        let mut bytes = vec![0; self.decoder.image_buffer_layout()?.complete_len];
        self.decoder.read_image_bytes(&mut bytes)?;
        if is_gray && bits != 16 {
            return Ok(Samples::Gray(Gray { values: self.unpacked(&mut bytes), is_dark: false }));
        }
        if is_gray {
            let mut samples: Vec<u16> = words(&bytes).map(u16::from_ne_bytes).collect();
            if is_inverted {
                invert_below(&mut samples, declared.unwrap_or(u16::MAX));
            }
            let declared = declared.map_or(Declared::Nothing, Declared::White);
            return Ok(Samples::Gray(gray_16(&samples, 1, declared)));
        }
        numbers(&bytes, self.format, bits)
            .map(Samples::Numbers)
            .ok_or_else(|| unusual("samples of an odd width"))
    }

    /// White as `MaxSampleValue` tells it, where that is the largest number of some bits: else it is the
    /// largest that happens to be in the picture.
    fn declared(&mut self) -> Result<Option<u16>, PictureError> {
        let most = self.decoder.find_tag_unsigned::<u16>(Tag::MaxSampleValue).ok().flatten();
        Ok(most.filter(|most| (255..u16::MAX).contains(most) && (most + 1).is_power_of_two()))
    }

    /// Gray values of samples of fewer than 16 bits, each row of which starts with a byte.
    fn unpacked(&self, bytes: &mut [u8]) -> Vec<f32> {
        let bits = usize::from(self.bits());
        let columns = self.size[1] as usize;
        let row_bytes = (columns * bits).div_ceil(8).max(1);
        // the decoder turned pairs of bytes, as if a sample filled them
        let is_turned = bits > 8 && self.decoder.byte_order() != tiff::tags::ByteOrder::native();
        let white = ((1_u32 << bits) - 1) as f32;
        let mut values = Vec::with_capacity(columns * self.size[0] as usize);
        for row in bytes.chunks_exact_mut(row_bytes) {
            if is_turned {
                row.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
            }
            values.extend((0..columns).map(|column| sample(row, column * bits, bits) as f32 * WHITE / white));
        }
        values
    }
}

/// Samples that the decoder took from 65535, taken from their own white instead, where none is above it.
fn invert_below(samples: &mut [u16], white: u16) {
    if samples.iter().all(|sample| u16::MAX - sample <= white) {
        samples.iter_mut().for_each(|sample| *sample -= u16::MAX - white);
    }
}

/// The `bits` bits from bit `start` on, the most significant first; 16 at most.
fn sample(row: &[u8], start: usize, bits: usize) -> u32 {
    let byte = |at: usize| u32::from(row.get(at).copied().unwrap_or(0));
    let at = start / 8;
    let three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    three >> (24 - start % 8 - bits) & ((1 << bits) - 1)
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Numbers without a white, in the byte order of this machine.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "volumes hold f32: 24 bits of each value"
)]
fn numbers(bytes: &[u8], format: SampleFormat, bits: u16) -> Option<Vec<f32>> {
    Some(match (format, bits) {
        (SampleFormat::Int, 8) => words(bytes).map(|bytes| i8::from_ne_bytes(bytes).into()).collect(),
        (SampleFormat::Int, 16) => words(bytes).map(|bytes| i16::from_ne_bytes(bytes).into()).collect(),
        (SampleFormat::Int, 32) => words(bytes).map(|bytes| i32::from_ne_bytes(bytes) as f32).collect(),
        (SampleFormat::Int, 64) => words(bytes).map(|bytes| i64::from_ne_bytes(bytes) as f32).collect(),
        (SampleFormat::Uint, 32) => words(bytes).map(|bytes| u32::from_ne_bytes(bytes) as f32).collect(),
        (SampleFormat::Uint, 64) => words(bytes).map(|bytes| u64::from_ne_bytes(bytes) as f32).collect(),
        (SampleFormat::IEEEFP, 16) => words(bytes).map(|bytes| half(u16::from_ne_bytes(bytes))).collect(),
        (SampleFormat::IEEEFP, 32) => words(bytes).map(f32::from_ne_bytes).collect(),
        (SampleFormat::IEEEFP, 64) => words(bytes).map(|bytes| f64::from_ne_bytes(bytes) as f32).collect(),
        _ => return None,
    })
}
