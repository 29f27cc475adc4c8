//! JPEG with loss, sequential and coded by Huffman: baseline (8 bits) and extended (8 or 12 bits).
//!
//! The inverse cosine transform is the definition itself in `f32`, rounded once at the end, so a sample
//! is the nearest to what the standard defines; integer transforms of other decoders may differ by 1.
//!
//! # References
//! ITU-T T.81 annexes A and F.

use super::super::PixelFormat;
use super::CodecError;
use super::bits::{BitReader, Segment};
use super::error::malformed;
use super::huffman::{Huffman, extend};
use super::jpeg::{JpegHeader, take_restart};

/// Samples along a side of a block.
const SIDE: usize = 8;

/// cos(k pi / 16) for k from 0 to 8.
const COSINES: [f32; 9] =
    [1.0, 0.980_785_3, 0.923_879_5, 0.831_469_6, 0.707_106_77, 0.555_570_24, 0.382_683_43, 0.195_090_32, 0.0];

/// Where the coefficients of a scan stand in a block, row by row (T.81 figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

type Block = [[f32; SIDE]; SIDE];

/// Decodes a frame of one component into `words`.
///
/// # Errors
/// [`CodecError`] where the codestream is another image than `format` says, breaks the rules or ends
/// before the last sample.
pub(super) fn decode(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    let header = JpegHeader::read(frame)?;
    let codestream = header.codestream();
    codestream.check(format)?;
    let is_known = matches!((header.process, codestream.bits), (0xC0 | 0xC1, 8) | (0xC1, 12));
    let scan = header.scan()?;
    if !is_known || (scan.start, scan.end, scan.low) != (0, 63, 0) {
        return Err(CodecError::Unsupported { what: "another process than 1, 2 or 4" });
    }
    let decoder = Decoder::new(&header, scan.tables, codestream.bits)?;
    let columns = usize::from(format.columns);
    let across = columns.div_ceil(SIDE);
    let blocks = across * usize::from(format.rows).div_ceil(SIDE);
    let interval = match header.restart_interval as usize {
        0 => blocks,
        interval => interval,
    };
    let mut segment = Segment::with_capacity(header.data.len());
    let mut rest = header.data;
    for (index, first) in (0..blocks).step_by(interval).enumerate() {
        if index > 0 {
            rest = take_restart(rest, index - 1)?;
        }
        rest = segment.take_jpeg(rest);
        let mut reader = segment.reader();
        let mut direct = 0;
        for block in first..blocks.min(first + interval) {
            let samples = decoder.block(&mut reader, &mut direct)?;
            place(&samples, block, words, columns);
        }
    }
    Ok(())
}

/// Copies the block of this number to its place in an image of so many columns, as far as that lies inside.
fn place(samples: &[[u16; SIDE]; SIDE], block: usize, words: &mut [u16], columns: usize) {
    let across = columns.div_ceil(SIDE);
    let (down, left) = (block / across, block % across * SIDE);
    let width = SIDE.min(columns - left);
    let rows = words.chunks_exact_mut(columns).skip(down * SIDE);
    for (row, samples) in rows.zip(samples) {
        row[left..left + width].copy_from_slice(&samples[..width]);
    }
}

struct Decoder {
    direct: Huffman,
    alternating: Huffman,
    /// Quantisation steps in the order of a scan.
    steps: [f32; 64],
    /// By frequency and place: the cosine, scaled (T.81 A.3.3).
    basis: Block,
    bits: u8,
}

impl Decoder {
    fn new(header: &JpegHeader<'_>, tables: [u8; 2], bits: u8) -> Result<Self, CodecError> {
        let huffman = |class: usize| {
            let table = header.huffman[class].get(usize::from(tables[class])).copied().flatten();
            Huffman::new(table.ok_or(malformed("no Huffman table"))?)
        };
        let quantisation = header.quantisation_of_component().ok_or(malformed("no quantisation table"))?;
        let is_wide = quantisation.len() == 128;
        let step = |index: usize| match is_wide {
            true => f32::from(u16::from_be_bytes([quantisation[2 * index], quantisation[2 * index + 1]])),
            false => f32::from(quantisation[index]),
        };
        Ok(Self {
            direct: huffman(0)?,
            alternating: huffman(1)?,
            steps: std::array::from_fn(step),
            basis: std::array::from_fn(|frequency| std::array::from_fn(|place| basis(frequency, place))),
            bits,
        })
    }

    fn block(&self, reader: &mut BitReader<'_>, direct: &mut i32) -> Result<[[u16; SIDE]; SIDE], CodecError> {
        let mut coefficients = Block::default();
        let mut put = |index: usize, value: i32| {
            let at = usize::from(ZIGZAG[index]);
            // 16 bits at most, which `f32` holds exactly
            coefficients[at / SIDE][at % SIDE] = value as f32 * self.steps[index];
        };
        let category = category(&self.direct, reader)?;
        // within 16 bits in all sound streams; a broken one must not overflow
        *direct = direct.wrapping_add(extend(reader.take(category), category));
        put(0, *direct);
        let mut index = 1;
        while index < 64 {
            reader.fill();
            let symbol = self.alternating.take(reader)?;
            let (run, category) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            index += run;
            match (run, category) {
                // the end of the block
                (0, 0) => break,
                (15, 0) => {}
                (_, 0) => return Err(malformed("run of coefficients")),
                _ if index > 63 => return Err(malformed("run of coefficients")),
                _ => put(index, extend(reader.take(category), category)),
            }
            index += 1;
        }
        reader.check()?;
        Ok(self.samples(&coefficients))
    }

    /// The inverse cosine transform, the level shift and the bounds of samples.
    fn samples(&self, coefficients: &Block) -> [[u16; SIDE]; SIDE] {
        let columns_done = coefficients.map(|row| combine(&self.basis, row));
        let middle = f32::from(1_u16 << (self.bits - 1));
        let most = f32::from((1_u16 << self.bits) - 1);
        std::array::from_fn(|place| {
            let mut samples = [0.0; SIDE];
            for (frequency, row) in columns_done.iter().enumerate() {
                let weight = self.basis[frequency][place];
                samples.iter_mut().zip(row).for_each(|(sample, value)| *sample += weight * value);
            }
            samples.map(|sample| nearest((sample + middle).clamp(0.0, most)))
        })
    }
}

/// A sample that lies within its bounds, rounded.
#[expect(clippy::cast_possible_truncation, reason = "0 to 4095")]
fn nearest(sample: f32) -> u16 {
    sample.round() as u16
}

/// The sum of basis vectors, weighted.
fn combine(basis: &Block, weights: [f32; SIDE]) -> [f32; SIDE] {
    let mut sum = [0.0; SIDE];
    for (vector, weight) in basis.iter().zip(weights) {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

/// `C(u)/2 cos((2x + 1) u pi / 16)` of T.81 A.3.3.
fn basis(frequency: usize, place: usize) -> f32 {
    let angle = (2 * place + 1) * frequency % 32;
    let cosine = match angle {
        0..=8 => COSINES[angle],
        9..=16 => -COSINES[16 - angle],
        17..=24 => -COSINES[angle - 16],
        _ => COSINES[32 - angle],
    };
    if frequency == 0 { COSINES[4] / 2.0 } else { cosine / 2.0 }
}

/// Takes the category of a direct coefficient, at most 15.
fn category(table: &Huffman, reader: &mut BitReader<'_>) -> Result<u32, CodecError> {
    reader.fill();
    match table.take(reader)? {
        category @ 0..16 => Ok(u32::from(category)),
        _ => Err(malformed("Huffman symbol")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_is_orthonormal() {
        let basis: Block = std::array::from_fn(|u| std::array::from_fn(|x| basis(u, x)));
        for (u, a) in basis.iter().enumerate() {
            for (v, b) in basis.iter().enumerate() {
                let dot: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((dot - f32::from(u8::from(u == v))).abs() < 1e-6, "{u} {v}");
            }
        }
    }

    #[test]
    fn zigzag_visits_every_place_once() {
        let mut places = ZIGZAG;
        places.sort_unstable();
        assert!((0..64).eq(places));
    }
}
