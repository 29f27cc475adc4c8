//! The model of JPEG-LS: its coding parameters, and what each context learns from the errors in it.
//!
//! Names in capitals in the comments are those of the standard.
//!
//! # References
//! ITU-T T.87 annex A and C.2.4.1.

use super::CodecError;
use super::error::malformed;

/// Coding parameters of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    /// Largest sample value (MAXVAL).
    pub(super) most: i32,
    /// Largest error of a sample (NEAR).
    pub(super) near: i32,
    /// Thresholds of gradients (T1, T2, T3).
    pub(super) thresholds: [i32; 3],
    /// Occurrences after which a context forgets half (RESET).
    pub(super) reset: i32,
    /// Number of different errors (RANGE).
    pub(super) range: i32,
    /// Bits of an error (qbpp).
    pub(super) error_bits: u32,
    /// Most bits of a code (LIMIT).
    pub(super) limit: u32,
}

impl Parameters {
    /// The parameters of samples of `bits` bits, as the preset parameters (if any) say.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] where they contradict each other.
    pub(super) fn new(bits: u8, near: u8, presets: Option<&[u8; 10]>) -> Result<Self, CodecError> {
        let presets = presets.map_or([0; 5], |bytes| {
            let (words, _) = bytes.as_chunks::<2>();
            std::array::from_fn(|index| i32::from(u16::from_be_bytes(words[index])))
        });
        let [most, t1, t2, t3, reset] = presets;
        let near = i32::from(near);
        let or = |preset: i32, default: i32| if preset == 0 { default } else { preset };
        let most = or(most, (1 << bits) - 1);
        let thresholds = default_thresholds(most, near);
        let thresholds = [or(t1, thresholds[0]), or(t2, thresholds[1]), or(t3, thresholds[2])];
        let reset = or(reset, 64);
        let ascend = near < thresholds[0] && thresholds.is_sorted() && thresholds[2] <= most;
        if most >= 1 << bits || near > most / 2 || !ascend || reset < 3 {
            return Err(malformed("preset parameters"));
        }
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        let sample_bits = bits_of(most).max(2);
        let limit = 2 * (sample_bits + sample_bits.max(8));
        Ok(Self { most, near, thresholds, reset, range, error_bits: bits_of(range - 1), limit })
    }

    /// Values that one step of the error stands for (2 NEAR + 1).
    pub(super) fn step(&self) -> i32 {
        2 * self.near + 1
    }

    /// A sample from its prediction and error: back into the range, then between 0 and MAXVAL.
    #[inline(always)]
    pub(super) fn reconstruct(&self, prediction: i32, error: i32) -> i32 {
        let sample = prediction + error * self.step();
        let turn = self.range * self.step();
        let sample = if sample < -self.near {
            sample + turn
        } else if sample > self.most + self.near {
            sample - turn
        } else {
            sample
        };
        sample.clamp(0, self.most)
    }
}

/// Bits that hold the values 0 to `most`.
fn bits_of(most: i32) -> u32 {
    i32::BITS - most.leading_zeros()
}

/// T.87 C.2.4.1.1.1.
fn default_thresholds(most: i32, near: i32) -> [i32; 3] {
    let near_parts = [3 * near, 5 * near, 7 * near];
    let wanted: [i32; 3] = if most >= 128 {
        let factor = (most.min(4095) + 128) / 256;
        let basic = [factor + 2, 4 * factor + 3, 17 * factor + 4];
        std::array::from_fn(|index| basic[index] + near_parts[index])
    } else {
        let factor = 256 / (most + 1);
        let basic = [3 / factor, 7 / factor, 21 / factor];
        std::array::from_fn(|index| (basic[index] + near_parts[index]).max([2, 3, 4][index]))
    };
    let mut least = near + 1;
    wanted.map(|wanted| {
        if wanted <= most && wanted > least {
            least = wanted;
        }
        least
    })
}

/// What one context of regular mode has learnt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Regular {
    /// Sum of the errors' magnitudes (A).
    magnitude: i32,
    /// Sum of the errors, less what was corrected (B).
    bias: i32,
    /// Correction of the prediction (C).
    pub(super) correction: i32,
    /// Occurrences (N).
    count: i32,
}

impl Regular {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let magnitude = ((parameters.range + 32) / 64).max(2);
        Self { magnitude, bias: 0, correction: 0, count: 1 }
    }

    /// Bits of an error that stand outside the unary part (k).
    #[inline(always)]
    pub(super) fn golomb_bits(&self) -> u32 {
        golomb_bits(self.magnitude, self.count)
    }

    /// The error that a code stands for, T.87 A.5.2.
    #[inline(always)]
    pub(super) fn error(&self, code: i32, golomb_bits: u32, parameters: &Parameters) -> i32 {
        let error = code >> 1 ^ -(code & 1);
        let is_inverse = parameters.near == 0 && golomb_bits == 0 && 2 * self.bias <= -self.count;
        if is_inverse { !error } else { error }
    }

    /// Learns from an error, T.87 A.6.
    #[inline(always)]
    pub(super) fn learn(&mut self, error: i32, parameters: &Parameters) {
        self.bias += error * parameters.step();
        self.magnitude += error.abs();
        if self.count == parameters.reset {
            self.magnitude >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

/// What one context of run interruption has learnt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interruption {
    /// 1 where the samples left and above are alike, else 0 (RItype).
    kind: i32,
    magnitude: i32,
    count: i32,
    /// Negative errors (Nn).
    negative: i32,
}

impl Interruption {
    pub(super) fn new(kind: i32, parameters: &Parameters) -> Self {
        let magnitude = ((parameters.range + 32) / 64).max(2);
        Self { kind, magnitude, count: 1, negative: 0 }
    }

    pub(super) fn golomb_bits(&self) -> u32 {
        golomb_bits(self.magnitude + if self.kind == 1 { self.count >> 1 } else { 0 }, self.count)
    }

    /// The error that a code stands for, T.87 A.7.2.2.
    pub(super) fn error(&self, code: i32, golomb_bits: u32) -> i32 {
        let code = code + self.kind;
        let map = code & 1;
        let magnitude = (code + map) / 2;
        let is_positive_mapped = golomb_bits != 0 || 2 * self.negative >= self.count;
        if is_positive_mapped == (map == 1) { -magnitude } else { magnitude }
    }

    pub(super) fn learn(&mut self, error: i32, code: i32, parameters: &Parameters) {
        self.negative += i32::from(error < 0);
        self.magnitude += (code + 1 - self.kind) >> 1;
        if self.count == parameters.reset {
            self.magnitude >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count += 1;
    }
}

/// The least k with `count << k >= magnitude`.
#[inline(always)]
fn golomb_bits(magnitude: i32, count: i32) -> u32 {
    let bits = count.leading_zeros().saturating_sub(magnitude.leading_zeros());
    bits + u32::from(count << bits < magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: T.87 table C.3 (MAXVAL 255) and the formulae below it, worked by hand.
    #[test]
    fn defaults_are_those_of_the_standard() {
        let thresholds = |bits, near| Parameters::new(bits, near, None).unwrap().thresholds;
        assert_eq!(thresholds(8, 0), [3, 7, 21]);
        assert_eq!(thresholds(8, 3), [12, 22, 42]);
        assert_eq!(thresholds(12, 0), [18, 67, 276]);
        assert_eq!(thresholds(16, 0), [18, 67, 276]);
        let twelve = Parameters::new(12, 0, None).unwrap();
        assert_eq!((twelve.range, twelve.error_bits, twelve.limit, twelve.reset), (4096, 12, 48, 64));
        let near = Parameters::new(12, 2, None).unwrap();
        assert_eq!((near.range, near.error_bits), ((4095 + 4) / 5 + 1, 10));
    }

    #[test]
    fn contradicting_presets_are_refused() {
        let presets = |words: [u16; 5]| -> [u8; 10] {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            bytes.try_into().unwrap()
        };
        let new = |words| Parameters::new(8, 0, Some(&presets(words)));
        assert!(new([255, 3, 7, 21, 64]).is_ok() && new([0; 5]).is_ok());
        for wrong in [[256, 3, 7, 21, 64], [255, 8, 7, 21, 64], [255, 3, 7, 256, 64], [255, 3, 7, 21, 2]] {
            assert!(new(wrong).is_err(), "{wrong:?}");
        }
        assert!(Parameters::new(2, 2, None).is_err());
    }

    #[test]
    fn golomb_bits_are_the_least_that_suffice() {
        for count in 1..70 {
            for magnitude in 0..5000 {
                let expected = (0..).find(|bits| count << bits >= magnitude).unwrap();
                assert_eq!(golomb_bits(magnitude, count), expected, "{magnitude} {count}");
            }
        }
    }
}
