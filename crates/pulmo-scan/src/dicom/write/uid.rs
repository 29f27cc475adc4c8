//! The names of new objects.

use pulmo_random::Random;

/// A UID derived from a random (version 4) UUID: PS3.5 B.2.
pub(super) fn uid(seed: u64, which: u64) -> String {
    let mut random = Random::keyed(seed, &[0x5549_4453, which]);
    let bits = (u128::from(random.bits()) << 64) | u128::from(random.bits());
    let version_and_variant: u128 = (0xF << 76) | (0x3 << 62);
    let uuid = (bits & !version_and_variant) | (0x4 << 76) | (0x2 << 62);
    format!("2.25.{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_stable_distinct_and_short() {
        assert_eq!(uid(7, 1), uid(7, 1));
        assert_ne!(uid(7, 1), uid(7, 2));
        assert!(uid(7, 1).len() <= 64 && uid(7, 1).starts_with("2.25."));
    }
}
