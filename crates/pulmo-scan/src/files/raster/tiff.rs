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
use super::limits::{MAX_PICTURE_SIDE, MOST_BYTES};
use crate::files::half;

/// Most directories that are looked at: a file of two pages is refused as one of many is.
const MOST_DIRECTORIES: usize = 10_000;

/// Most bytes of one tag's value.
const MOST_TAG_BYTES: usize = 64 << 20;

/// No compression.
const NONE: u16 = 1;

/// Slices of a volume in one directory (SGI).
const IMAGE_DEPTH: Tag = Tag::Unknown(32997);

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

/// An open TIFF file of one picture.
pub(super) struct Tiff<'a> {
    bytes: &'a [u8],
    decoder: TiffDecoder<'a>,
    pub(super) orientation: Orientation,
    pub(super) size: [u32; 2],
    pub(super) colours: ColorType,
    format: SampleFormat,
}

/// What a TIFF file of one channel holds.
pub(super) enum TiffSamples {
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
    check_directories(&mut decoder, [height, width], bytes.len() as u64)?;
    let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
    let format = decoder.find_tag_unsigned_vec(Tag::SampleFormat)?.unwrap_or_default();
    Ok(Tiff {
        bytes,
        orientation: orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        size: [height, width],
        colours: decoder.colortype()?,
        format: format
            .first()
            .map_or(SampleFormat::Uint, |format| SampleFormat::from_u16_exhaustive(*format)),
        decoder,
    })
}

fn check_directories(decoder: &mut TiffDecoder<'_>, size: [u32; 2], end: u64) -> Result<(), PictureError> {
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
            pages = pages.max(described_pages(&text, size));
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

/// The pictures that one directory stands for, as ImageJ and tifffile describe stacks of which they left
/// the other directories out; 1 where nothing is described.
fn described_pages(text: &str, [height, width]: [u32; 2]) -> usize {
    if let Some(lines) = text.strip_prefix("ImageJ=") {
        let images = lines.lines().find_map(|line| line.strip_prefix("images="));
        return images.and_then(|images| images.trim().parse().ok()).unwrap_or(1);
    }
    let shape = text.strip_prefix("{\"shape\": [").filter(|rest| rest.contains("\"truncated\": true"));
    let sides = shape.and_then(|shape| shape.split(']').next()).unwrap_or_default();
    let values: usize =
        sides.split(',').filter_map(|side| side.trim().parse::<usize>().ok()).fold(1, usize::saturating_mul);
    (values / (height as usize * width as usize).max(1)).max(1)
}

/// Checks that compressed strips, and all tiles, lie within the file: decompressors make up what they lack,
/// and a tile's last rows may lie outside the picture.
fn check_extents(
    decoder: &mut TiffDecoder<'_>,
    pointer: tiff::tags::IfdPointer,
    end: u64,
) -> Result<(), PictureError> {
    let directory = decoder.read_directory(pointer)?;
    let mut tags = decoder.read_directory_tags(&directory);
    let is_plain = tags.find_tag_unsigned::<u16>(Tag::Compression)?.unwrap_or(NONE) == NONE;
    if is_plain && !directory.contains(Tag::TileOffsets) {
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
    pub(super) fn samples(mut self) -> Result<TiffSamples, PictureError> {
        let unusual = |what: &str| PictureError::Pixels { what: what.to_owned() };
        let bits = self.bits();
        let is_inverted = self.decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)? == Some(0);
        let is_gray = self.format == SampleFormat::Uint && bits <= 16;
        if is_inverted && !is_gray {
            return Err(unusual("signed, floating-point or wide samples of which 0 is white"));
        }
        if is_gray && (9..=15).contains(&bits) {
            let packed = self.packed()?.ok_or_else(|| unusual("compressed samples of 9 to 15 bits"))?;
            let mut values = self.unpacked(&packed);
            values.iter_mut().filter(|_| is_inverted).for_each(|value| *value = WHITE - *value);
            return Ok(TiffSamples::Gray(Gray { values, is_dark: false }));
        }
        let declared = self.declared()?;
        let mut bytes = vec![0; self.decoder.image_buffer_layout()?.complete_len];
        self.decoder.read_image_bytes(&mut bytes)?;
        if is_gray && bits != 16 {
            return Ok(TiffSamples::Gray(Gray { values: self.unpacked(&bytes), is_dark: false }));
        }
        if is_gray {
            let mut samples: Vec<u16> = words(&bytes).map(u16::from_ne_bytes).collect();
            if is_inverted {
                invert_below(&mut samples, declared.unwrap_or(u16::MAX));
            }
            let declared = declared.map_or(Declared::Nothing, Declared::White);
            return Ok(TiffSamples::Gray(gray_16(&samples, 1, declared)));
        }
        numbers(&bytes, self.format, bits)
            .map(TiffSamples::Numbers)
            .ok_or_else(|| unusual("samples of an odd width"))
    }

    /// White as `MaxSampleValue` tells it, where that is the largest number of some bits: else it is the
    /// largest that happens to be in the picture.
    fn declared(&mut self) -> Result<Option<u16>, PictureError> {
        let most = self.decoder.find_tag_unsigned::<u16>(Tag::MaxSampleValue).ok().flatten();
        Ok(most.filter(|most| (255..u16::MAX).contains(most) && (most + 1).is_power_of_two()))
    }

    /// The bytes of all strips, which the decoder does not read of 9 to 15 bits; `None` where they are
    /// compressed or lie in tiles.
    fn packed(&mut self) -> Result<Option<Vec<u8>>, PictureError> {
        let offsets = self.decoder.find_tag_unsigned_vec::<u64>(Tag::StripOffsets)?;
        let counts = self.decoder.find_tag_unsigned_vec::<u64>(Tag::StripByteCounts)?;
        let compression = self.decoder.find_tag_unsigned::<u16>(Tag::Compression)?.unwrap_or(NONE);
        let (Some(offsets), Some(counts), NONE) = (offsets, counts, compression) else { return Ok(None) };
        let mut packed = Vec::new();
        for (offset, count) in offsets.into_iter().zip(counts) {
            let start = usize::try_from(offset).ok();
            let end = usize::try_from(offset.saturating_add(count)).ok();
            let strip = start.zip(end).and_then(|(start, end)| self.bytes.get(start..end));
            packed.extend_from_slice(strip.ok_or(PictureError::Truncated)?);
            if packed.len() > self.bytes.len() {
                return Err(PictureError::Damaged { what: "its strips overlap" });
            }
        }
        let [rows, row_bytes] = [self.size[0] as usize, self.row_bytes()];
        if packed.len() < rows * row_bytes { Err(PictureError::Truncated) } else { Ok(Some(packed)) }
    }

    /// Bytes of a row of samples without gaps; the next one starts with a byte of its own.
    fn row_bytes(&self) -> usize {
        (self.size[1] as usize * usize::from(self.bits())).div_ceil(8).max(1)
    }

    /// Gray values of samples of fewer than 16 bits without gaps between them.
    #[expect(clippy::cast_precision_loss, reason = "numbers of 15 bits")]
    fn unpacked(&self, bytes: &[u8]) -> Vec<f32> {
        let bits = usize::from(self.bits());
        let [rows, columns] = self.size.map(|side| side as usize);
        let white = ((1_u32 << bits) - 1) as f32;
        let row_of = |row: &[u8]| -> Vec<f32> {
            (0..columns).map(|column| sample(row, column * bits, bits) as f32 * WHITE / white).collect()
        };
        bytes.chunks_exact(self.row_bytes()).take(rows).flat_map(row_of).collect()
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
