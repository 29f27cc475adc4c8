//! The names of new objects.

use pulmo_random::Random;
use sha2::{Digest, Sha256};

/// A UID derived from a random (version 4) UUID: PS3.5 B.2.
pub(super) fn uid(seed: u64, which: u64) -> String {
    let mut random = Random::keyed(seed, &[0x5549_4453, which]);
    of_uuid((u128::from(random.bits()) << 64) | u128::from(random.bits()), 4)
}

/// Returns a UID made of what it names: the same for the same parts in the same order, another for all others.
/// It tells nothing of them.
///
/// # References
/// DICOM PS3.5 B.2 (UIDs of UUIDs), RFC 9562 section 5.8 (version 8: 122 bits of the SHA-256 of the parts, each
/// behind its length as 8 bytes).
pub fn content_uid(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    let bits = hash.iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
    of_uuid(bits, 8)
}

/// The UID of a UUID of these bits and this version.
fn of_uuid(bits: u128, version: u128) -> String {
    let version_and_variant: u128 = (0xF << 76) | (0x3 << 62);
    let uuid = (bits & !version_and_variant) | (version << 76) | (0x2 << 62);
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

    /// ORIGIN: Python 3.11, `uuid.UUID(bytes=hashlib.sha256(parts).digest()[:16])` with version and variant set by
    /// hand, `.int`; exact.
    #[test]
    fn a_uid_of_content_is_what_another_tool_makes_of_it() {
        assert_eq!(content_uid(&[b"1.2.3", b"report"]), CONTENT);
        assert_ne!(content_uid(&[b"1.2.3r", b"eport"]), CONTENT);
    }
    const CONTENT: &str = "2.25.228364028871631605297715164643263718091";
}
