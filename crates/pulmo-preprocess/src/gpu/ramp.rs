//! The linear map and clamp behind every kernel's own work.

use bytemuck::{Pod, Zeroable};

use super::layout::layout;

layout! {
    /// `clamp((value - subtract) * multiply + add, low, high)`.
    Ramp {
        /// Taken from each value first.
        subtract: f32,
        /// Factor.
        multiply: f32,
        /// Added after the factor.
        add: f32,
        /// Lower bound of the result.
        low: f32,
        /// Upper bound of the result.
        high: f32,
        /// Unused.
        padding_0: f32,
        /// Unused.
        padding_1: f32,
        /// Unused.
        padding_2: f32,
    }
}

impl Ramp {
    /// The ramp that changes nothing.
    pub const IDENTITY: Self = Self {
        subtract: 0.0,
        multiply: 1.0,
        add: 0.0,
        low: f32::MIN,
        high: f32::MAX,
        padding_0: 0.0,
        padding_1: 0.0,
        padding_2: 0.0,
    };

    /// What becomes of `value`.
    pub fn at(&self, value: f32) -> f32 {
        narrowed(self.at_wide(f64::from(value)))
    }

    fn at_wide(&self, value: f64) -> f64 {
        let [subtract, multiply, add] = [self.subtract, self.multiply, self.add].map(f64::from);
        ((value - subtract) * multiply + add).max(f64::from(self.low)).min(f64::from(self.high))
    }

    /// One ramp that does this one and then `next`: two maps that are linear between two bounds and flat
    /// beyond are, one behind the other, such a map again.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        if *self == Self::IDENTITY {
            return *next;
        }
        let ends = [self.low, self.high].map(|end| next.at(end));
        let [multiply, add, subtract] = [next.multiply, next.add, next.subtract].map(f64::from);
        Self {
            multiply: narrowed(f64::from(self.multiply) * multiply),
            add: narrowed((f64::from(self.add) - subtract) * multiply + add),
            low: ends[0].min(ends[1]),
            high: ends[0].max(ends[1]),
            ..*self
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ramps_are_one() {
        let window =
            Ramp { subtract: -1350.0, multiply: 1.0 / 1500.0, low: 0.0, high: 1.0, ..Ramp::IDENTITY };
        let inverted = Ramp { multiply: -3.0, add: 2.0, low: -0.5, high: 1.8, ..Ramp::IDENTITY };
        let shifted = Ramp { subtract: 0.4, multiply: 5.0, ..Ramp::IDENTITY };
        let all = [Ramp::IDENTITY, window, inverted, shifted];
        for first in &all {
            for second in &all {
                let both = first.then(second);
                for value in (-4000..4000).map(|n| n as f32) {
                    let (once, twice) = (both.at(value), second.at(first.at(value)));
                    assert!((once - twice).abs() <= 1e-5 * twice.abs().max(1.0), "{value}: {once} {twice}");
                }
            }
        }
    }
}
