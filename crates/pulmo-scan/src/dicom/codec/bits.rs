//! Entropy-coded bits: taken out of a scan without their stuffing, then read most significant first.

use super::CodecError;

/// Zero bytes after the last bit, so that a reader near the end can still load whole words.
const PADDING: usize = 8;

/// The bits of one entropy-coded segment, without stuffing.
#[derive(Debug, Default)]
pub(super) struct Segment {
    bytes: Vec<u8>,
    bits: usize,
}

impl Segment {
    /// Room for all segments of a scan of `length` bytes.
    pub(super) fn with_capacity(length: usize) -> Self {
        Self { bytes: Vec::with_capacity(length + PADDING), bits: 0 }
    }

    /// Takes the segment that `scan` starts with, in the manner of JPEG (a zero byte is stuffed after
    /// 0xFF), and returns what follows, from the next marker on.
    ///
    /// # References
    /// ITU-T T.81 F.1.2.3.
    pub(super) fn take_jpeg<'a>(&mut self, mut scan: &'a [u8]) -> &'a [u8] {
        self.bytes.clear();
        let rest = loop {
            let Some(at) = scan.iter().position(|byte| *byte == 0xFF) else {
                self.bytes.extend_from_slice(scan);
                break &[][..];
            };
            let (plain, after) = scan.split_at(at);
            self.bytes.extend_from_slice(plain);
            match after {
                [_, 0, next @ ..] => {
                    self.bytes.push(0xFF);
                    scan = next;
                }
                // a fill byte: the second 0xFF starts the marker
                [_, 0xFF, ..] => scan = &after[1..],
                _ => break after,
            }
        };
        self.bits = 8 * self.bytes.len();
        self.bytes.extend_from_slice(&[0; PADDING]);
        rest
    }

    /// Takes the segment that `scan` starts with, in the manner of JPEG-LS (one zero bit is stuffed after
    /// a byte of 0xFF), and returns what follows, from the next marker on.
    ///
    /// # References
    /// ITU-T T.87 A.1 and C.2.
    pub(super) fn take_jpeg_ls<'a>(&mut self, scan: &'a [u8]) -> &'a [u8] {
        self.bytes.clear();
        let (mut pending, mut held) = (0_u32, 0_u32);
        let mut previous = 0;
        let mut end = scan.len();
        for (at, byte) in scan.iter().enumerate() {
            let new = if previous == 0xFF { 7 } else { 8 };
            if new == 7 && *byte >= 0x80 {
                end = at - 1;
                break;
            }
            pending = pending << new | u32::from(*byte);
            held += new;
            if held >= 8 {
                held -= 8;
                self.bytes.push((pending >> held).to_le_bytes()[0]);
            }
            previous = *byte;
        }
        self.bits = 8 * self.bytes.len() + held as usize;
        self.bytes.push((pending << (8 - held)).to_le_bytes()[0]);
        self.bytes.extend_from_slice(&[0; PADDING]);
        &scan[end..]
    }

    /// A reader from the first bit on.
    pub(super) fn reader(&self) -> BitReader<'_> {
        BitReader { bytes: &self.bytes, bits: self.bits, next: 0, buffer: 0, held: 0 }
    }
}

/// Reads bits through a buffer of 64. Past the end it gives zeros; [`BitReader::check`] tells.
///
/// Wrapping arithmetic only says that no overflow check is wanted here: nothing wraps.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    bits: usize,
    /// The next byte to load.
    next: usize,
    /// The next bits, from the top.
    buffer: u64,
    /// How many bits of the buffer count; those below them are right too, or zero.
    held: u32,
}

impl BitReader<'_> {
    /// Loads bits, so that at least 56 are held.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let word = rest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.buffer |= word.wrapping_shr(self.held);
        let bytes = 63_u32.wrapping_sub(self.held) >> 3;
        self.next = self.next.wrapping_add(bytes as usize);
        self.held = self.held.wrapping_add(bytes * 8);
    }

    /// The next `COUNT` bits, 1 to 32 and no more than are held, without taking them.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits at most")]
    pub(super) fn peek<const COUNT: u32>(&self) -> usize {
        (self.buffer >> (64 - COUNT)) as usize
    }

    /// How many zeros come before the next one, as far as bits are held.
    #[inline(always)]
    pub(super) fn zeros(&self) -> u32 {
        self.buffer.leading_zeros()
    }

    /// Takes `count` bits, 0 to 63 and no more than are held.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer = self.buffer.wrapping_shl(count);
        self.held = self.held.wrapping_sub(count);
    }

    /// Takes and returns `count` bits, 0 to 31 and no more than are held.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        // in two shifts, because a shift by 64 is none
        let bits = (self.buffer >> 33).wrapping_shr(31_u32.wrapping_sub(count));
        self.skip(count);
        bits as u32
    }

    /// Tells whether all bits taken so far were there.
    ///
    /// # Errors
    /// [`CodecError::Truncated`] where zeros were made up.
    pub(super) fn check(&self) -> Result<(), CodecError> {
        match 8 * self.next - self.held as usize <= self.bits {
            true => Ok(()),
            false => Err(CodecError::Truncated),
        }
    }
}

/// A value modulo 2^16.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
pub(super) fn low_half(value: i32) -> u16 {
    value as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_zeros_are_taken_out() {
        let mut segment = Segment::default();
        let rest = segment.take_jpeg(&[0x12, 0xFF, 0x00, 0x34, 0xFF, 0xFF, 0xD0, 0x56]);
        assert_eq!(rest, [0xFF, 0xD0, 0x56]);
        let mut reader = segment.reader();
        reader.fill();
        assert_eq!((reader.take(8), reader.take(12), reader.take(4)), (0x12, 0xFF3, 4));
        assert!(reader.check().is_ok());
        reader.skip(1);
        assert!(reader.check().is_err());
    }

    #[test]
    fn stuffed_bits_are_taken_out() {
        let mut segment = Segment::default();
        let rest = segment.take_jpeg_ls(&[0xFF, 0x7F, 0x80, 0xFF, 0xD9]);
        assert_eq!(rest, [0xFF, 0xD9]);
        let mut reader = segment.reader();
        reader.fill();
        assert_eq!((reader.take(15), reader.take(8)), (0x7FFF, 0x80));
        assert!(reader.check().is_ok());
    }

    #[test]
    fn zeros_are_counted_and_long_reads_refill() {
        let bytes: Vec<u8> = (1..=40).collect();
        let mut segment = Segment::default();
        segment.take_jpeg(&bytes);
        let mut reader = segment.reader();
        for byte in bytes {
            reader.fill();
            assert_eq!(reader.zeros(), byte.leading_zeros());
            assert_eq!(reader.peek::<8>(), usize::from(byte));
            assert_eq!(reader.take(8), u32::from(byte));
        }
        assert!(reader.check().is_ok());
    }
}
