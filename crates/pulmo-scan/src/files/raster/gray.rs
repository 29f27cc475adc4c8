//! Gray on one scale, whatever the bits of a sample.
//!
//! Black is 0 and white is [`WHITE`], the value of white in 8 bits. A sample of 16 bits is divided by
//! 65535 / 255, so the same picture has the same values in 8 and in 16 bits. Where the file says that
//! fewer bits count, white is the largest number of that many bits: `MaxSampleValue` of TIFF says so
//! where it is 2^n - 1 (the numbers stand in the low bits), `sBIT` of PNG where it is less than the
//! depth (in the high bits; in the low ones where nothing stands in the high ones). Where nothing is
//! said and all samples of 16 bits stay below a sixteenth of white, as no true picture of 16 bits does,
//! they are taken for numbers of the fewest of 8, 10 and 12 bits that hold them, with a warning.

use image::DynamicImage;

use super::PictureError;

/// The value of white in pictures.
pub const WHITE: f32 = 255.0;

/// White of 16 bits.
const WHITE_16: u16 = u16::MAX;

/// No true picture of 16 bits stays below a sixteenth of white: its numbers are of 12 bits or fewer.
const DARK: u16 = WHITE_16 >> 4;

/// Weights of red, green and blue in luma (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// What a file says of the bits that count in samples of 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Declared {
    /// Nothing: all of them.
    #[default]
    Nothing,
    /// So many of the highest bits, 1 to 15.
    HighBits(u32),
    /// None above this number.
    White(u16),
}

/// Gray values row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gray {
    pub(super) values: Vec<f32>,
    /// Whether the samples use a sixteenth of their bits, and nothing says why.
    pub(super) is_dark: bool,
}

/// How samples of 16 bits become gray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    shift: u32,
    white: u16,
}

impl Scale {
    fn of(samples: &[u16], declared: Declared) -> Self {
        let most = samples.iter().copied().max().unwrap_or(0);
        match declared {
            Declared::White(white) if white > 0 && most <= white => Self { shift: 0, white },
            Declared::HighBits(bits @ 1..=15) => {
                let (shift, white) = (16 - bits, WHITE_16 >> (16 - bits));
                // numbers stretched to 16 bits leave 0 or 1 in the low bits where the high ones are empty
                let is_low = most <= white && samples.iter().any(|sample| sample & (WHITE_16 >> bits) > 1);
                Self { shift: if is_low { 0 } else { shift }, white }
            }
            _ => Self { shift: 0, white: WHITE_16 },
        }
    }

    /// The scale of the fewest of 8, 10 and 12 bits that hold all samples.
    fn of_fewest_bits(samples: &[u16]) -> Self {
        let most = samples.iter().copied().max().unwrap_or(0);
        let whites = [8, 10, 12].map(|bits| (1 << bits) - 1);
        Self { shift: 0, white: whites.into_iter().find(|white| most <= *white).unwrap_or(WHITE_16) }
    }

    /// Exact where the value is whole: the product has 24 bits at most.
    fn gray(self, sample: u16) -> f32 {
        f32::from(sample >> self.shift) * WHITE / f32::from(self.white)
    }
}

/// The gray values of a decoded picture: colour becomes luma, which is not rounded; alpha is ignored.
pub(super) fn gray(decoded: &DynamicImage, declared: Declared) -> Result<Gray, PictureError> {
    let channels = usize::from(decoded.color().channel_count());
    if let Some(samples) = samples_8(decoded) {
        return Ok(Gray { values: gray_of(samples, channels, f32::from), is_dark: false });
    }
    let samples =
        samples_16(decoded).ok_or_else(|| PictureError::Pixels { what: format!("{:?}", decoded.color()) })?;
    Ok(gray_16(samples, channels, declared))
}

/// The gray values of samples of 16 bits.
pub(super) fn gray_16(samples: &[u16], channels: usize, declared: Declared) -> Gray {
    let scale = Scale::of(samples, declared);
    let is_dark = scale.white == WHITE_16
        && (1..=DARK).contains(&samples.iter().copied().max().unwrap_or(0))
        // 8 bits stretched to 16 are as dark as they were
        && samples.iter().any(|sample| sample % 257 != 0);
    let scale = if is_dark { Scale::of_fewest_bits(samples) } else { scale };
    Gray { values: gray_of(samples, channels, |sample| scale.gray(sample)), is_dark }
}

fn samples_8(decoded: &DynamicImage) -> Option<&[u8]> {
    match decoded {
        DynamicImage::ImageLuma8(pixels) => Some(pixels),
        DynamicImage::ImageLumaA8(pixels) => Some(pixels),
        DynamicImage::ImageRgb8(pixels) => Some(pixels),
        DynamicImage::ImageRgba8(pixels) => Some(pixels),
        _ => None,
    }
}

fn samples_16(decoded: &DynamicImage) -> Option<&[u16]> {
    match decoded {
        DynamicImage::ImageLuma16(pixels) => Some(pixels),
        DynamicImage::ImageLumaA16(pixels) => Some(pixels),
        DynamicImage::ImageRgb16(pixels) => Some(pixels),
        DynamicImage::ImageRgba16(pixels) => Some(pixels),
        _ => None,
    }
}

fn gray_of<T: Copy>(samples: &[T], channels: usize, gray: impl Fn(T) -> f32) -> Vec<f32> {
    samples
        .chunks_exact(channels)
        .map(|pixel| match pixel {
            [red, green, blue, ..] => luma([gray(*red), gray(*green), gray(*blue)]),
            _ => gray(pixel[0]),
        })
        .collect()
}

fn luma([red, green, blue]: [f32; 3]) -> f32 {
    // gray stays exactly what it is
    if red == green && green == blue { red } else { LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One picture of 256 grays in `bits` bits, as numbers in the low bits.
    fn ramp(bits: u32) -> Vec<u16> {
        let white = (1_u32 << bits) - 1;
        (0..256_u32).map(|gray| u16::try_from((gray * white + 127) / 255).unwrap()).collect()
    }

    fn is_ramp(gray: &Gray, tolerance: f32) -> bool {
        (0..=255_u8).zip(&gray.values).all(|(gray, value)| (f32::from(gray) - value).abs() <= tolerance)
    }

    #[test]
    fn one_picture_has_one_scale_in_8_10_12_and_16_bits() {
        assert!(is_ramp(&gray_16(&ramp(16), 1, Declared::Nothing), 0.0));
        for bits in [10, 12, 14] {
            let (low, step) = (ramp(bits), 255.0 / f32::from(WHITE_16 >> (16 - bits)));
            assert!(is_ramp(&gray_16(&low, 1, Declared::White(WHITE_16 >> (16 - bits))), step / 2.0 + 1e-4));
            let high: Vec<u16> = low.iter().map(|value| value << (16 - bits)).collect();
            let copied: Vec<u16> =
                low.iter().map(|value| value << (16 - bits) | value >> (2 * bits - 16)).collect();
            for samples in [low, high, copied] {
                let gray = gray_16(&samples, 1, Declared::HighBits(bits));
                assert!(is_ramp(&gray, step / 2.0 + 1e-4) && !gray.is_dark, "{bits}");
            }
        }
    }

    #[test]
    fn a_wrong_declaration_is_not_believed() {
        assert!(is_ramp(&gray_16(&ramp(16), 1, Declared::White(4095)), 0.0));
    }

    #[test]
    fn low_numbers_without_a_word_are_told() {
        for bits in [8, 10, 12] {
            let gray = gray_16(&ramp(bits), 1, Declared::Nothing);
            let step = 255.0 / f32::from(WHITE_16 >> (16 - bits));
            assert!(gray.is_dark && is_ramp(&gray, step / 2.0 + 1e-4), "{bits}");
        }
        assert!(!gray_16(&[0; 4], 1, Declared::Nothing).is_dark);
        assert!(!gray_16(&[257, 2570], 1, Declared::Nothing).is_dark);
        assert!(!gray_16(&[10, 20, 4096], 1, Declared::Nothing).is_dark);
    }
}
