//! Reproducible random numbers, keyed by what they are for.
//!
//! A stream is derived from a seed and a list of counters (epoch, sample, ...), so the order in
//! which workers ask for numbers changes nothing, and a run can resume in the middle without
//! storing any generator's state. SplitMix64 (Steele, Lea, Flood 2014,
//! doi:10.1145/2660193.2660195): 64 bits of state, passes BigCrush, the same on every platform.

/// One stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self::keyed(seed, &[])
    }

    /// The stream of `seed` for one purpose, named by counters: `keyed(seed, &[epoch, sample])`.
    pub fn keyed(seed: u64, counters: &[u64]) -> Self {
        let state = counters.iter().fold(mix(seed ^ 0x9E37_79B9_7F4A_7C15), |state, counter| {
            mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ mix(counter.wrapping_add(1)))
        });
        Self { state }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// Uniform in `[0, 1)`, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`; `low` where both are equal.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..bound`; 0 where `bound` is 0. The bias is below `bound / 2^64`.
    #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below `bound`")]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Puts `items` into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_keyed_and_repeatable() {
        let first: Vec<u64> = (0..4).map(|_| Random::keyed(7, &[1, 2]).bits()).collect();
        assert!(first.windows(2).all(|pair| pair[0] == pair[1]));
        assert_ne!(Random::keyed(7, &[1, 2]).bits(), Random::keyed(7, &[2, 1]).bits());
        assert_ne!(Random::new(7).bits(), Random::new(8).bits());
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(1);
        let draws: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        let mut counts = [0usize; 5];
        (0..50_000).for_each(|_| counts[random.below(5)] += 1);
        assert!(counts.iter().all(|&n| (9_500..10_500).contains(&n)), "{counts:?}");
    }
}
