//! JPEG-LS, without loss or nearly so, of one component.
//!
//! # References
//! ITU-T T.87 (ISO 14495-1) annex A; the names in capitals are the standard's.

use std::cmp::Ordering;

use super::super::PixelFormat;
use super::CodecError;
use super::bits::{BitReader, Segment, low_half};
use super::error::malformed;
use super::jpeg::{JPEG_LS, JpegHeader, take_restart};
use super::jpeg_ls_model::{Interruption, Parameters, Regular};

/// Contexts of regular mode after merging signs; the first is that of run mode.
const CONTEXTS: usize = 365;

/// Exponents of run lengths (J), by run index.
const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Decodes a frame of one component into `words`, where no sample is further than `most_near` from what
/// was encoded.
///
/// # Errors
/// [`CodecError`] where the codestream is another image than `format` says, breaks the rules, ends before
/// the last sample or has more loss.
pub(super) fn decode(
    frame: &[u8],
    format: PixelFormat,
    most_near: u8,
    words: &mut [u16],
) -> Result<(), CodecError> {
    let header = JpegHeader::read(frame)?;
    if header.process != JPEG_LS {
        return Err(malformed("no JPEG-LS frame"));
    }
    let codestream = header.codestream();
    codestream.check(format)?;
    let scan = header.scan()?;
    if codestream.bits < 2 || scan.end != 0 || scan.low != 0 || scan.tables != [0, 0] {
        return Err(CodecError::Unsupported { what: "a mapping table, interleave or point transform" });
    }
    if scan.start > most_near {
        return Err(malformed("loss in a lossless transfer syntax"));
    }
    let parameters = Parameters::new(codestream.bits, scan.start, header.presets)?;
    let columns = usize::from(format.columns);
    let rows = match header.restart_interval as usize {
        0 => usize::from(format.rows),
        // in single-component scans restart intervals count lines
        lines => lines,
    };
    let gradients = Gradients::new(&parameters);
    let mut segment = Segment::with_capacity(header.data.len());
    let mut rest = header.data;
    for (index, rows) in words.chunks_mut(columns.saturating_mul(rows)).enumerate() {
        if index > 0 {
            rest = take_restart(rest, index - 1)?;
        }
        rest = segment.take_jpeg_ls(rest);
        Decoder::new(&parameters, &gradients, segment.reader()).rows(rows, columns)?;
    }
    Ok(())
}

/// Gradients to their regions -4 to 4, by look-up up to the largest threshold.
#[derive(Debug)]
struct Gradients {
    regions: Vec<i8>,
    most: i32,
}

impl Gradients {
    fn new(parameters: &Parameters) -> Self {
        let [t1, t2, t3] = parameters.thresholds;
        let magnitude = |gradient: i32| {
            [parameters.near + 1, t1, t2, t3].iter().map(|least| i8::from(gradient >= *least)).sum::<i8>()
        };
        let regions = (-t3..=t3).map(|gradient| match gradient < 0 {
            true => -magnitude(-gradient),
            false => magnitude(gradient),
        });
        Self { regions: regions.collect(), most: t3 }
    }

    #[inline(always)]
    fn region(&self, gradient: i32) -> i32 {
        let index = gradient.clamp(-self.most, self.most).wrapping_add(self.most);
        self.regions.get(index.unsigned_abs() as usize).map_or(0, |region| i32::from(*region))
    }
}

/// The state of one restart interval.
struct Decoder<'a> {
    parameters: &'a Parameters,
    gradients: &'a Gradients,
    reader: BitReader<'a>,
    regular: [Regular; CONTEXTS],
    interruptions: [Interruption; 2],
    run_index: usize,
}

impl<'a> Decoder<'a> {
    fn new(parameters: &'a Parameters, gradients: &'a Gradients, reader: BitReader<'a>) -> Self {
        Self {
            parameters,
            gradients,
            reader,
            regular: [Regular::new(parameters); CONTEXTS],
            interruptions: [Interruption::new(0, parameters), Interruption::new(1, parameters)],
            run_index: 0,
        }
    }

    fn rows(mut self, rows: &mut [u16], columns: usize) -> Result<(), CodecError> {
        // one sample more on either side, as the templates of the edges want it
        let mut above = vec![0_i32; columns + 2];
        let mut row = above.clone();
        for out in rows.chunks_exact_mut(columns) {
            above[columns + 1] = above[columns];
            row[0] = above[1];
            self.row(&above, &mut row)?;
            self.reader.check()?;
            for (out, sample) in out.iter_mut().zip(&row[1..]) {
                *out = low_half(*sample);
            }
            std::mem::swap(&mut above, &mut row);
        }
        Ok(())
    }

    fn row(&mut self, above: &[i32], row: &mut [i32]) -> Result<(), CodecError> {
        let columns = row.len() - 2;
        let above = &above[..columns + 2];
        let mut at = 1;
        while at <= columns {
            let left = row[at - 1];
            let [left_of_above, straight, right_of_above] = [above[at - 1], above[at], above[at + 1]];
            let regions = [right_of_above - straight, straight - left_of_above, left_of_above - left];
            let [q1, q2, q3] = regions.map(|gradient| self.gradients.region(gradient));
            let context = 81 * q1 + 9 * q2 + q3;
            if context != 0 {
                row[at] = self.regular(context, median(left, straight, left_of_above))?;
                at += 1;
                continue;
            }
            let run = self.run(columns + 1 - at)?;
            row[at..at + run].fill(left);
            at += run;
            if at <= columns {
                row[at] = self.interruption(left, above[at])?;
                at += 1;
            }
        }
        Ok(())
    }

    /// A sample of regular mode, T.87 A.4 to A.6.
    #[inline(always)]
    fn regular(&mut self, context: i32, prediction: i32) -> Result<i32, CodecError> {
        let sign = context >> 31;
        let index = (context.unsigned_abs() as usize).min(CONTEXTS - 1);
        let state = &mut self.regular[index];
        let correction = (state.correction ^ sign) - sign;
        let prediction = (prediction + correction).clamp(0, self.parameters.most);
        let bits = state.golomb_bits();
        let code = code(&mut self.reader, bits, self.parameters, self.parameters.limit)?;
        let error = state.error(code, bits, self.parameters);
        state.learn(error, self.parameters);
        Ok(self.parameters.reconstruct(prediction, (error ^ sign) - sign))
    }

    /// The length of a run, at most `left` samples, T.87 A.7.1.
    fn run(&mut self, left: usize) -> Result<usize, CodecError> {
        let mut length = 0;
        loop {
            self.reader.fill();
            let bits = RUN_BITS[self.run_index];
            if self.reader.take(1) == 0 {
                length += self.reader.take(bits) as usize;
                return if length < left { Ok(length) } else { Err(malformed("run")) };
            }
            length += 1 << bits;
            if length <= left {
                self.run_index = (self.run_index + 1).min(RUN_BITS.len() - 1);
            }
            if length >= left {
                return Ok(left);
            }
        }
    }

    /// The sample that ends a run, T.87 A.7.2.
    fn interruption(&mut self, left: i32, above: i32) -> Result<i32, CodecError> {
        let is_alike = (left - above).abs() <= self.parameters.near;
        let state = &mut self.interruptions[usize::from(is_alike)];
        let bits = state.golomb_bits();
        let limit = self.parameters.limit - RUN_BITS[self.run_index] - 1;
        let code = code(&mut self.reader, bits, self.parameters, limit)?;
        let error = state.error(code, bits);
        state.learn(error, code, self.parameters);
        self.run_index = self.run_index.saturating_sub(1);
        Ok(match (is_alike, left > above) {
            (true, _) => self.parameters.reconstruct(left, error),
            (false, true) => self.parameters.reconstruct(above, -error),
            (false, false) => self.parameters.reconstruct(above, error),
        })
    }
}

/// The predicted sample: the median edge detector, T.87 A.4.1.
#[inline(always)]
fn median(left: i32, above: i32, left_of_above: i32) -> i32 {
    let (least, most) = (left.min(above), left.max(above));
    (left + above - left_of_above).clamp(least, most)
}

/// Takes a limited-length Golomb code of `bits` low bits, T.87 A.5.3.
#[inline(always)]
fn code(
    reader: &mut BitReader<'_>,
    bits: u32,
    parameters: &Parameters,
    limit: u32,
) -> Result<i32, CodecError> {
    reader.fill();
    let most = limit - parameters.error_bits - 1;
    let zeros = reader.zeros();
    reader.skip(zeros.min(most) + 1);
    reader.fill();
    let code = match zeros.cmp(&most) {
        Ordering::Less => (zeros << bits | reader.take(bits)).cast_signed(),
        Ordering::Equal => reader.take(parameters.error_bits).cast_signed() + 1,
        Ordering::Greater => i32::MAX,
    };
    // no error of a sound codestream is larger, and no sum of such errors overflows
    if code <= parameters.range { Ok(code) } else { Err(malformed("JPEG-LS code")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_fall_into_nine_regions() {
        let gradients = Gradients::new(&Parameters::new(8, 0, None).unwrap());
        let regions = [-255, -21, -20, -7, -3, -1, 0, 1, 3, 7, 20, 21, 255].map(|g| gradients.region(g));
        assert_eq!(regions, [-4, -4, -3, -3, -2, -1, 0, 1, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn edges_are_found() {
        assert_eq!([median(5, 9, 10), median(5, 9, 4), median(5, 9, 7)], [5, 9, 7]);
    }
}
