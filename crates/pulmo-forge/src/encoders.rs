//! Small encoders for the codings that CT archives use, and their wrapping in a DICOM file.
//!
//! Written from the standards (ITU-T T.81 annex H, DICOM PS3.5 annexes A.4 and G), apart from the decoders.

use super::ct::CtSlice;

pub const RLE: &str = "1.2.840.10008.1.2.5";
pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
pub const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";
pub const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
pub const JPEG_LOSSLESS_SV1: &str = "1.2.840.10008.1.2.4.70";
pub const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
pub const JPEG_LS_NEAR: &str = "1.2.840.10008.1.2.4.81";
pub const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

/// An image to encode.
#[derive(Debug, Clone)]
pub struct Image {
    pub rows: usize,
    pub columns: usize,
    pub bits: u32,
    pub samples: Vec<u16>,
}

impl Image {
    /// The sample at a place.
    pub fn at(&self, row: usize, column: usize) -> i32 {
        i32::from(self.samples[row * self.columns + column])
    }

    /// Noise, a ramp and flat parts: differences of every size, and runs.
    pub fn textured(rows: usize, columns: usize, bits: u32) -> Self {
        let most = (1_u32 << bits) - 1;
        let mut state = 12345_u32 + bits;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let samples = (0..rows * columns).map(|index| {
            let (row, column) = ((index / columns) as u32, (index % columns) as u32);
            let value = match (row / 5 + column / 9) % 4 {
                0 => most / 2,
                1 => noise(),
                2 => row * 3 + column * 7 + noise() % 3,
                _ => (row + column) % 2 * most,
            };
            (value & most) as u16
        });
        let samples = samples.collect();
        Self { rows, columns, bits, samples }
    }
}

impl Image {
    /// The image with each 8 x 8 block filled with its first sample.
    pub fn of_flat_blocks(self) -> Self {
        let place = |index: usize| (index / self.columns / 8 * 8, index % self.columns / 8 * 8);
        let first = |index: usize| self.at(place(index).0, place(index).1) as u16;
        let samples = (0..self.samples.len()).map(first).collect();
        Self { samples, ..self }
    }
}

/// Writes bits, the first at the top.
#[derive(Debug, Default)]
pub struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    held: u32,
    /// After 0xFF: JPEG-LS stuffs one bit, JPEG a byte.
    stuffs_bits: bool,
}

impl Bits {
    /// Bits stuffed as JPEG-LS wants it.
    pub fn of_jpeg_ls() -> Self {
        Self { stuffs_bits: true, ..Self::default() }
    }

    pub fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.pending = self.pending << 1 | (value.checked_shr(bit).unwrap_or(0) & 1);
            self.held += 1;
            let is_after_ff = self.stuffs_bits && self.bytes.last() == Some(&0xFF);
            if self.held == if is_after_ff { 7 } else { 8 } {
                self.bytes.push(self.pending as u8);
                if self.pending == 0xFF && !self.stuffs_bits {
                    self.bytes.push(0);
                }
                (self.pending, self.held) = (0, 0);
            }
        }
    }

    /// Pads to a whole byte and takes the bytes.
    pub fn finish(&mut self, padding: u32) -> Vec<u8> {
        while self.held > 0 {
            self.put(padding, 1);
        }
        if self.stuffs_bits && self.bytes.last() == Some(&0xFF) {
            self.bytes.push(0);
        }
        std::mem::take(&mut self.bytes)
    }
}

/// A marker segment.
pub fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    [&[0xFF, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat()
}

/// The frame header of one component.
pub fn frame_header(marker: u8, image: &Image) -> Vec<u8> {
    let mut body = vec![image.bits as u8];
    body.extend((image.rows as u16).to_be_bytes());
    body.extend((image.columns as u16).to_be_bytes());
    body.extend([1, 1, 0x11, 0]);
    segment(marker, &body)
}

/// How to encode JPEG without loss.
#[derive(Debug, Clone, Copy)]
pub struct Lossless {
    pub predictor: u8,
    pub point_transform: u32,
    /// Rows between restart markers; 0 for none.
    pub restart_rows: usize,
}

pub const SV1: Lossless = Lossless { predictor: 1, point_transform: 0, restart_rows: 0 };

/// One code of each length from 2 to 16 and two more of 16, for the categories 0 to 16.
const COUNTS: [u8; 16] = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3];

/// Encodes JPEG lossless (process 14).
pub fn jpeg_lossless(image: &Image, how: Lossless) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    out.extend(frame_header(0xC3, image));
    out.extend(segment(0xC4, &[&[0][..], &COUNTS, &(0..17).collect::<Vec<u8>>()].concat()));
    let restart = if how.restart_rows == 0 { image.rows } else { how.restart_rows };
    if how.restart_rows > 0 {
        out.extend(segment(0xDD, &((restart * image.columns) as u16).to_be_bytes()));
    }
    out.extend(segment(0xDA, &[1, 1, 0, how.predictor, 0, how.point_transform as u8]));
    let mut bits = Bits::default();
    let shifted =
        Image { samples: image.samples.iter().map(|s| s >> how.point_transform).collect(), ..*image };
    for row in 0..image.rows {
        if row > 0 && row % restart == 0 {
            out.extend(bits.finish(1));
            out.extend([0xFF, 0xD0 + (row / restart - 1) as u8 % 8]);
        }
        for column in 0..image.columns {
            let predicted = predict(&shifted, (row, column), (how, row % restart == 0));
            put_difference(&mut bits, (shifted.at(row, column) - predicted) as i16);
        }
    }
    out.extend(bits.finish(1));
    out.extend([0xFF, 0xD9]);
    out
}

fn predict(image: &Image, (row, column): (usize, usize), (how, is_first): (Lossless, bool)) -> i32 {
    match (is_first, column) {
        (true, 0) => 1 << (image.bits - how.point_transform - 1),
        (true, _) => image.at(row, column - 1),
        (false, 0) => image.at(row - 1, column),
        _ => {
            let a = image.at(row, column - 1);
            let b = image.at(row - 1, column);
            let c = image.at(row - 1, column - 1);
            match how.predictor {
                1 => a,
                2 => b,
                3 => c,
                4 => a + b - c,
                5 => a + ((b - c) >> 1),
                6 => b + ((a - c) >> 1),
                _ => (a + b) >> 1,
            }
        }
    }
}

/// Encodes flat blocks by lossy JPEG: their direct coefficients in steps of 8 are their samples.
pub fn jpeg_of_flat_blocks(image: &Image, restart_blocks: usize) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    let step = [&[0][..], &[8; 64]].concat();
    out.extend(segment(0xDB, &step));
    out.extend(frame_header(if image.bits == 8 { 0xC0 } else { 0xC1 }, image));
    out.extend(segment(0xC4, &[&[0][..], &COUNTS, &(0..17).collect::<Vec<u8>>()].concat()));
    // one code for alternating coefficients: 0 says that the block ends
    out.extend(segment(0xC4, &[&[0x10, 1][..], &[0; 16]].concat()));
    if restart_blocks > 0 {
        out.extend(segment(0xDD, &(restart_blocks as u16).to_be_bytes()));
    }
    out.extend(segment(0xDA, &[1, 1, 0, 0, 63, 0]));
    let mut bits = Bits::default();
    let middle = 1 << (image.bits - 1);
    let mut previous = 0;
    let blocks =
        (0..image.rows).step_by(8).flat_map(|row| (0..image.columns).step_by(8).map(move |c| (row, c)));
    for (index, (row, column)) in blocks.enumerate() {
        if restart_blocks > 0 && index > 0 && index % restart_blocks == 0 {
            out.extend(bits.finish(1));
            out.extend([0xFF, 0xD0 + (index / restart_blocks - 1) as u8 % 8]);
            previous = 0;
        }
        let direct = image.at(row, column) - middle;
        put_difference(&mut bits, (direct - previous) as i16);
        bits.put(0, 1);
        previous = direct;
    }
    out.extend(bits.finish(1));
    out.extend([0xFF, 0xD9]);
    out
}

fn put_difference(bits: &mut Bits, difference: i16) {
    let category = 16 - difference.unsigned_abs().leading_zeros();
    // the canonical codes of COUNTS (T.81 annex C): 00, 010, 0110, ...
    let (code, length) = match category {
        0..14 => ((1 << (category + 1)) - 2, category + 2),
        14.. => (32_766 + category - 14, 16),
    };
    bits.put(code, length);
    if category < 16 {
        let value = i32::from(difference) - i32::from(difference < 0);
        bits.put(value as u32 & ((1 << category) - 1), category);
    }
}

/// Encodes RLE by literals and runs.
pub fn rle(image: &Image, bytes_per_sample: usize) -> Vec<u8> {
    let mut header = vec![bytes_per_sample as u32];
    let mut body: Vec<u8> = Vec::new();
    for byte in (0..bytes_per_sample).rev() {
        header.push(64 + body.len() as u32);
        let plane: Vec<u8> = image.samples.iter().map(|sample| (sample >> (8 * byte)) as u8).collect();
        for part in plane.chunks(128).flat_map(|part| part.chunk_by(|a, b| a == b)) {
            match part.len() {
                1 => body.extend([0, part[0]]),
                run => body.extend([(257 - run) as u8, part[0]]),
            }
        }
        body.resize(body.len().next_multiple_of(2), 0x80);
    }
    header.resize(16, 0);
    header.iter().flat_map(|word| word.to_le_bytes()).chain(body).collect()
}

/// A slice as a file whose pixels are these codestreams, one fragment each.
pub fn encapsulated(slice: &CtSlice, transfer_syntax: &str, fragments: &[&[u8]]) -> Vec<u8> {
    let native = slice.bytes();
    let meta_length = u32::from_le_bytes(native[140..144].try_into().unwrap()) as usize;
    let body = &native[144 + meta_length..native.len() - 12 - 2 * slice.pixels.len()];
    let mut uid = transfer_syntax.as_bytes().to_vec();
    uid.resize(uid.len().next_multiple_of(2), 0);
    let mut out = native[..140].to_vec();
    out.extend((uid.len() as u32 + 8).to_le_bytes());
    out.extend(b"\x02\0\x10\0UI");
    out.extend((uid.len() as u16).to_le_bytes());
    out.extend(uid);
    out.extend(body);
    out.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0");
    for fragment in fragments {
        out.extend(b"\xFE\xFF\0\xE0");
        out.extend((fragment.len().next_multiple_of(2) as u32).to_le_bytes());
        out.extend(*fragment);
        out.resize(out.len() + fragment.len() % 2, 0);
    }
    out.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    out
}
