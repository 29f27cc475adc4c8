//! From stored pixels to Hounsfield units.
//!
//! `HU = slope x stored + intercept` (DICOM PS3.3 C.11.1.1.2), where `stored` is the sample cut to
//! Bits Stored and sign-extended as Pixel Representation says. Photometric interpretation is about
//! display and never inverts HU.

use std::borrow::Cow;

use super::padding::{may_be_undeclared, plateau};
use super::pixel_format::stored;
use super::statistics::{HuStatistics, histogram};
use super::{Padding, PixelFormat, PixelPadding, Rescale};
use crate::units::{AIR_HU, Hounsfield};

/// The bits of a word that hold the value.
fn mask(format: PixelFormat) -> u16 {
    u16::MAX >> (16 - format.bits_stored)
}

/// The words at a slice's corners.
fn corners(words: &[u16], format: PixelFormat) -> [u16; 4] {
    let (rows, columns) = (usize::from(format.rows), usize::from(format.columns));
    [0, columns.max(1) - 1, words.len().saturating_sub(columns), (rows * columns).max(1) - 1]
        .map(|index| words.get(index).copied().unwrap_or_default())
}

/// How one slice's samples become Hounsfield units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conversion {
    pub(super) format: PixelFormat,
    pub(super) rescale: Rescale,
    pub(super) padding: Option<PixelPadding>,
    pub(super) treatment: Padding,
}

/// What was seen while a slice was converted.
#[derive(Debug, Clone)]
pub(super) struct Converted {
    /// The statistics of what is no padding.
    pub(super) statistics: HuStatistics,
    /// The value of padding that the header does not declare.
    pub(super) undeclared_hu: Option<Hounsfield>,
    /// Whether the header declares a value of tissue as padding, which was not believed.
    pub(super) is_disbelieved: bool,
}

impl Conversion {
    /// Writes the Hounsfield value of each word to `out`, and what its padding becomes.
    pub(super) fn convert(&self, words: &[u16], out: &mut [Hounsfield]) -> Converted {
        self.rescale(words, out);
        let believed = self
            .padding
            .filter(|padding| padding.is_believable(corners(words, self.format), self.format, self.rescale));
        let kept: Cow<'_, [u16]> = match believed {
            None => Cow::Borrowed(words),
            Some(padding) => {
                let is_declared = |word: u16| padding.covers(word, stored(word, self.format));
                self.pad(words, out, is_declared);
                words.iter().copied().filter(|word| !is_declared(*word)).collect()
            }
        };
        let mut counts = histogram(&kept, 1 << self.format.bits_stored);
        let undeclared = self.undeclared(&counts, words.len());
        if let Some(padding) = undeclared {
            let mask = mask(self.format);
            self.pad(words, out, |word| word & mask == padding);
            counts[usize::from(padding)] = 0;
        }
        Converted {
            statistics: HuStatistics::of(&counts, self.format, self.rescale),
            undeclared_hu: undeclared.map(|word| self.rescale.hounsfield(stored(word, self.format))),
            is_disbelieved: self.padding.is_some() && believed.is_none(),
        }
    }

    /// Makes air of padding where that is asked for.
    fn pad(&self, words: &[u16], out: &mut [Hounsfield], is_padding: impl Fn(u16) -> bool) {
        if self.treatment == Padding::Air {
            let padded = words.iter().zip(out).filter(|(word, _)| is_padding(**word));
            padded.for_each(|(_, out)| *out = AIR_HU);
        }
    }

    /// The value of padding that the header does not declare, among words cut to Bits Stored.
    fn undeclared(&self, counts: &[u32], words: usize) -> Option<u16> {
        let far_out = (0..=u16::MAX)
            .zip(counts)
            .filter(|(word, count)| **count > 0 && may_be_undeclared(*word, self.format, self.rescale));
        plateau(far_out.map(|(word, count)| (word, u64::from(*count))), words as u64).map(|found| found.value)
    }

    /// Writes the Hounsfield value of each word to `out`; with whole numbers, as nearly all scanners
    /// write them, without the detour through `f64`.
    #[expect(clippy::cast_precision_loss, reason = "a sum of two whole numbers of 16 bits")]
    fn rescale(&self, words: &[u16], out: &mut [Hounsfield]) {
        let (format, rescale) = (self.format, self.rescale);
        let pairs = words.iter().zip(out);
        match rescale.whole_offset() {
            Some(offset) => {
                pairs.for_each(|(word, out)| *out = (stored(*word, format) + offset) as Hounsfield)
            }
            None => pairs.for_each(|(word, out)| *out = rescale.hounsfield(stored(*word, format))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bits_stored: u16, signed: bool) -> PixelFormat {
        PixelFormat { rows: 1, columns: 1, bits_allocated: 16, bits_stored, signed }
    }

    #[test]
    fn whole_offsets_give_the_same_values_as_the_formula() {
        let words: Vec<u16> = (0..=u16::MAX).collect();
        for (bits_stored, signed) in [(12, false), (12, true), (16, false), (16, true)] {
            for intercept in [-1024.0, 0.0, 32767.0, -32768.0, -0.5, 40000.0] {
                let rescale = Rescale { slope: 1.0, intercept };
                let format = format(bits_stored, signed);
                let conversion = Conversion { format, rescale, padding: None, treatment: Padding::Keep };
                let mut out = vec![0.0; words.len()];
                conversion.convert(&words, &mut out);
                let of_formula = words.iter().map(|word| rescale.hounsfield(stored(*word, format)));
                assert!(of_formula.eq(out), "{bits_stored} {signed} {intercept}");
            }
        }
    }
}
