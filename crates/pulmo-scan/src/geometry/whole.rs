//! From lengths and places to counts and indices.

/// The whole number at or below `value`: 0 below 0 and where it is no number, 2^32 - 1 at most.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded first")]
pub fn whole(value: f64) -> usize {
    value.clamp(0.0, f64::from(u32::MAX)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_bounded() {
        assert_eq!([whole(2.9), whole(-1.0), whole(f64::NAN), whole(1e300)], [2, 0, 0, u32::MAX as usize]);
    }
}
