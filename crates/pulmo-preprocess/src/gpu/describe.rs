//! Passes in words, for a user who asks what will run.

use std::fmt::{Display, Formatter, Result};

use super::{Pass, Ramp, Work};

impl Display for Ramp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { subtract, multiply, add, low, high, .. } = self;
        match (*low > f32::MIN, *high < f32::MAX) {
            (false, false) => write!(f, "(v - {subtract}) * {multiply} + {add}"),
            _ => write!(f, "(v - {subtract}) * {multiply} + {add} within {low} and {high}"),
        }
    }
}

impl Display for Pass {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let sides = |[z, y, x]: [usize; 3]| format!("{z} x {y} x {x}");
        write!(f, "{:<11}{}", self.work.kernel().name(), sides(self.in_shape_zyx))?;
        if self.out_shape_zyx != self.in_shape_zyx {
            write!(f, " -> {}", sides(self.out_shape_zyx))?;
        }
        match self.work {
            Work::Separable(params) => {
                let axis = ["x", "y", "z"].get(params.axis as usize).unwrap_or(&"?");
                write!(f, ", along {axis}, {} taps", params.width)?;
            }
            Work::Median(_, [radius_z, radius]) => {
                let [depth, side] = [radius_z, radius].map(|radius| 2 * radius + 1);
                write!(f, ", box {depth} x {side} x {side}")?;
            }
            _ => {}
        }
        if self.ramp != Ramp::IDENTITY {
            write!(f, ", then {}", self.ramp)?;
        }
        write!(f, "  [{}]", self.steps.join(" + "))
    }
}
