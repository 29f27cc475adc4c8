//! Huffman codes: short ones by one look-up, long ones by their length.
//!
//! # References
//! ITU-T T.81 annex C and F.2.2.

use super::CodecError;
use super::bits::BitReader;
use super::error::malformed;
use super::jpeg::HuffmanSpecification;

/// Bits of the look-up: few enough for the table to stay in the first-level cache.
pub(super) const LOOKUP_BITS: u32 = 12;
const LONGEST: usize = 16;

/// A decoding table.
#[derive(Debug)]
pub(super) struct Huffman {
    /// By the next [`LOOKUP_BITS`] bits: length of the code (0 where it is longer or none) and symbol.
    short: Box<[[u8; 2]; 1 << LOOKUP_BITS]>,
    /// By length: the first code beyond those of this length, and what to add to a code for its place.
    long: [(usize, usize); LONGEST + 1],
    symbols: [u8; 256],
}

impl Huffman {
    /// Builds the table.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] where there are more codes of a length than fit, or more than 256.
    pub(super) fn new(specification: HuffmanSpecification<'_>) -> Result<Self, CodecError> {
        let HuffmanSpecification { counts, symbols } = specification;
        let mut table = Self {
            short: Box::new([[0; 2]; 1 << LOOKUP_BITS]),
            long: [(0, 0); LONGEST + 1],
            symbols: [0; 256],
        };
        let places = table.symbols.get_mut(..symbols.len()).ok_or(malformed("Huffman table"))?;
        places.copy_from_slice(symbols);
        let (mut code, mut place) = (0_usize, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let end = code + usize::from(*count);
            if end > 1 << length {
                return Err(malformed("Huffman table"));
            }
            table.long[length as usize] = (end, place.wrapping_sub(code));
            for code in code..end {
                if length <= LOOKUP_BITS {
                    let entry = [length.to_le_bytes()[0], table.symbols[place]];
                    let first = code << (LOOKUP_BITS - length);
                    table.short[first..first + (1 << (LOOKUP_BITS - length))].fill(entry);
                }
                place += 1;
            }
            code = end << 1;
        }
        Ok(table)
    }

    /// The code length and symbol that the next [`LOOKUP_BITS`] bits start with; length 0 for none.
    pub(super) fn short(&self, bits: usize) -> [u8; 2] {
        self.short.get(bits).copied().unwrap_or_default()
    }

    /// Takes a code and returns its symbol; at least 16 bits must be held.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] where no code begins with the next bits.
    pub(super) fn take(&self, reader: &mut BitReader<'_>) -> Result<u8, CodecError> {
        let [length, symbol] = self.short(reader.peek::<LOOKUP_BITS>());
        if length != 0 {
            reader.skip(u32::from(length));
            return Ok(symbol);
        }
        let next = reader.peek::<16>();
        for length in LOOKUP_BITS + 1..=16 {
            let code = next >> (16 - length);
            let (end, place) = self.long[length as usize];
            if code < end {
                reader.skip(length);
                return Ok(self.symbols[code.wrapping_add(place) & 0xFF]);
            }
        }
        Err(malformed("Huffman code"))
    }
}

/// Extends the `bits` additional bits of a difference or coefficient of this category (`EXTEND`).
///
/// # References
/// ITU-T T.81 figure F.12.
pub(super) fn extend(bits: u32, category: u32) -> i32 {
    let is_negative = category > 0 && bits >> (category - 1) == 0;
    let offset = if is_negative { (1 << category) - 1 } else { 0 };
    bits.cast_signed() - offset
}

#[cfg(test)]
mod tests {
    use super::super::bits::Segment;
    use super::*;

    #[test]
    fn short_and_long_codes_are_told_apart() {
        // one code of each length 1 to 16: 0, 10, 110, ...
        let counts = [1; 16];
        let symbols: Vec<u8> = (10..26).collect();
        let table = Huffman::new(HuffmanSpecification { counts: &counts, symbols: &symbols }).unwrap();
        let mut segment = Segment::default();
        segment.take_jpeg(&[0b0101_1000, 0b1111_1111, 0, 0b1111_1110, 0b1111_1110]);
        let mut reader = segment.reader();
        reader.fill();
        let mut take = || table.take(&mut reader).unwrap();
        assert_eq!([take(), take(), take(), take(), take()], [10, 11, 12, 10, 10]);
        assert_eq!((take(), take()), (25, 17));
    }

    #[test]
    fn overfull_tables_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Huffman::new(HuffmanSpecification { counts: &counts, symbols: &[1, 2, 3] }).is_err());
    }

    #[test]
    fn values_are_extended() {
        assert_eq!([extend(0, 0), extend(0, 1), extend(1, 1)], [0, -1, 1]);
        assert_eq!([extend(0, 3), extend(3, 3), extend(4, 3), extend(7, 3)], [-7, -4, 4, 7]);
    }
}
