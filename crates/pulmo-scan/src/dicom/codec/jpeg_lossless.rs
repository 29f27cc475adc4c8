//! JPEG without loss (process 14, all predictors): the commonest compression of CT archives.
//!
//! Differences are decoded first, one row at a time and mostly by one look-up each; then the
//! predictor turns the row of differences into samples. All sums are modulo 2^16.
//!
//! # References
//! ITU-T T.81 annex H.

use super::super::PixelFormat;
use super::CodecError;
use super::bits::{BitReader, Segment, low_half};
use super::error::malformed;
use super::huffman::{Huffman, LOOKUP_BITS, extend};
use super::jpeg::{JpegHeader, LOSSLESS, take_restart};

/// Decodes a frame of one component into `words`.
///
/// # Errors
/// [`CodecError`] where the codestream is another image than `format` says, breaks the rules or ends
/// before the last sample.
pub(super) fn decode(frame: &[u8], format: PixelFormat, words: &mut [u16]) -> Result<(), CodecError> {
    let header = JpegHeader::read(frame)?;
    if header.process != LOSSLESS {
        return Err(CodecError::Unsupported { what: "another process than 14" });
    }
    let codestream = header.codestream();
    codestream.check(format)?;
    let scan = header.scan()?;
    let predictor = Predictor::new(scan.start)?;
    let shift = u32::from(scan.low);
    if !(2..=16).contains(&codestream.bits) || shift >= u32::from(codestream.bits) {
        return Err(malformed("precision"));
    }
    let table = header.huffman[0].get(usize::from(scan.tables[0])).copied().flatten();
    let differences = Differences::new(Huffman::new(table.ok_or(malformed("no Huffman table"))?)?);
    let columns = usize::from(format.columns);
    let rows = rows_between_restarts(header.restart_interval, format)?;
    let first = 1 << (u32::from(codestream.bits) - shift - 1);
    let mut segment = Segment::with_capacity(header.data.len());
    let mut rest = header.data;
    for (index, rows) in words.chunks_mut(columns * rows).enumerate() {
        if index > 0 {
            rest = take_restart(rest, index - 1)?;
        }
        rest = segment.take_jpeg(rest);
        decode_rows(&differences, &segment, predictor, first, rows, columns)?;
    }
    if shift > 0 {
        words.iter_mut().for_each(|word| *word <<= shift);
    }
    Ok(())
}

/// Restart intervals are whole rows in lossless frames (T.81 H.1.1).
fn rows_between_restarts(interval: u32, format: PixelFormat) -> Result<usize, CodecError> {
    let columns = u32::from(format.columns);
    match interval {
        0 => Ok(usize::from(format.rows)),
        _ if interval.is_multiple_of(columns) => {
            Ok(((interval / columns) as usize).min(usize::from(format.rows)))
        }
        _ => Err(malformed("restart interval")),
    }
}

fn decode_rows(
    differences: &Differences,
    segment: &Segment,
    predictor: Predictor,
    first: u16,
    rows: &mut [u16],
    columns: usize,
) -> Result<(), CodecError> {
    let mut reader = segment.reader();
    let mut rows = rows.chunks_exact_mut(columns);
    let Some(mut above) = rows.next() else { return Ok(()) };
    differences.take_row(&mut reader, above)?;
    sum_from(first, above);
    for row in rows {
        differences.take_row(&mut reader, row)?;
        predictor.add(above, row);
        above = row;
    }
    Ok(())
}

/// Predicts each sample by its left neighbour, the first by `first`.
fn sum_from(first: u16, row: &mut [u16]) {
    row.iter_mut().fold(first, |left, sample| {
        *sample = sample.wrapping_add(left);
        *sample
    });
}

/// How a sample is predicted from its neighbours a (left), b (above) and c (left of above).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Predictor {
    Left,
    Above,
    LeftOfAbove,
    Plane,
    LeftAndSlope,
    AboveAndSlope,
    Mean,
}

impl Predictor {
    /// The predictor of a selection value, T.81 table H.1.
    fn new(selection: u8) -> Result<Self, CodecError> {
        Ok(match selection {
            1 => Self::Left,
            2 => Self::Above,
            3 => Self::LeftOfAbove,
            4 => Self::Plane,
            5 => Self::LeftAndSlope,
            6 => Self::AboveAndSlope,
            7 => Self::Mean,
            _ => return Err(malformed("predictor")),
        })
    }

    /// Turns a row of differences into samples. The first is always predicted from above.
    fn add(self, above: &[u16], row: &mut [u16]) {
        match self {
            Self::Left => sum_from(above[0], row),
            Self::Above => add_neighbours(above, row, |_, b, _| b),
            Self::LeftOfAbove => add_neighbours(above, row, |_, _, c| c),
            Self::Plane => add_neighbours(above, row, |a, b, c| a + b - c),
            Self::LeftAndSlope => add_neighbours(above, row, |a, b, c| a + ((b - c) >> 1)),
            Self::AboveAndSlope => add_neighbours(above, row, |a, b, c| b + ((a - c) >> 1)),
            Self::Mean => add_neighbours(above, row, |a, b, _| (a + b) >> 1),
        }
    }
}

#[inline(always)]
fn add_neighbours(above: &[u16], row: &mut [u16], predict: impl Fn(i32, i32, i32) -> i32) {
    row[0] = row[0].wrapping_add(above[0]);
    let mut left = i32::from(row[0]);
    for (sample, pair) in row[1..].iter_mut().zip(above.array_windows::<2>()) {
        let [left_of_above, above] = pair.map(i32::from);
        *sample = sample.wrapping_add(low_half(predict(left, above, left_of_above)));
        left = i32::from(*sample);
    }
}

/// Decodes differences: code and additional bits by one look-up where both are short.
#[derive(Debug)]
struct Differences {
    codes: Huffman,
    /// By the next bits: in the low half how many make a difference (0 where they do not suffice),
    /// in the high half the difference.
    whole: Box<[u32; 1 << LOOKUP_BITS]>,
}

impl Differences {
    fn new(codes: Huffman) -> Self {
        let mut whole = Box::new([0; 1 << LOOKUP_BITS]);
        for (bits, entry) in (0_u32..).zip(whole.iter_mut()) {
            let [length, category] = codes.short(bits as usize).map(u32::from);
            let end = length + category;
            if length > 0 && end <= LOOKUP_BITS {
                let additional = bits >> (LOOKUP_BITS - end) & ((1 << category) - 1);
                *entry = u32::from(low_half(extend(additional, category))) << 16 | end;
            }
        }
        Self { codes, whole }
    }

    /// Fills a row with differences modulo 2^16.
    fn take_row(&self, reader: &mut BitReader<'_>, row: &mut [u16]) -> Result<(), CodecError> {
        // one fill holds the bits of four short differences
        let (fours, last) = row.as_chunks_mut::<4>();
        for four in fours {
            reader.fill();
            for difference in four {
                *difference = self.take(reader)?;
            }
        }
        reader.fill();
        for difference in last {
            *difference = self.take(reader)?;
        }
        reader.check()
    }

    #[inline(always)]
    fn take(&self, reader: &mut BitReader<'_>) -> Result<u16, CodecError> {
        let entry = self.whole[reader.peek::<LOOKUP_BITS>()];
        if entry == 0 {
            return self.take_long(reader);
        }
        reader.skip(entry & 63);
        Ok(low_half((entry >> 16).cast_signed()))
    }

    #[cold]
    fn take_long(&self, reader: &mut BitReader<'_>) -> Result<u16, CodecError> {
        reader.fill();
        let category = self.codes.take(reader)?;
        let difference = match u32::from(category) {
            // 32768 has no additional bits
            16 => 1 << 15,
            category @ 0..16 => extend(reader.take(category), category),
            _ => return Err(malformed("Huffman symbol")),
        };
        reader.fill();
        Ok(low_half(difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictors_are_those_of_the_standard() {
        let above = [10, 20, 31];
        let predicted = |selection| {
            let mut row = [2, 0, 0];
            Predictor::new(selection).unwrap().add(&above, &mut row);
            row
        };
        assert_eq!(predicted(1), [12, 12, 12]);
        assert_eq!(predicted(2), [12, 20, 31]);
        assert_eq!(predicted(3), [12, 10, 20]);
        assert_eq!(predicted(4), [12, 22, 33]);
        assert_eq!(predicted(5), [12, 17, 22]);
        assert_eq!(predicted(6), [12, 21, 31]);
        assert_eq!(predicted(7), [12, 16, 23]);
        assert!(Predictor::new(0).is_err() && Predictor::new(8).is_err());
    }

    #[test]
    fn sums_are_modulo_2_to_the_16() {
        let mut row = [0xFFFF, 1, 2];
        sum_from(1, &mut row);
        assert_eq!(row, [0, 1, 3]);
    }
}
