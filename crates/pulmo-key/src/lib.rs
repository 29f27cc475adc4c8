//! The one place where identifiers become keyed names.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use hmac::{Hmac, Mac};
use pulmo_system::{create_private, sync_folder_of};
use sha2::Sha256;

/// A secret with which patients, studies, series and files are named.
///
/// Without a key there are no such names: who knows that a name is a plain hash of a patient's ID tries all
/// IDs and has it. A name is `HMAC-SHA256(key, kind 00 part 00 part ...)` in hexadecimal digits, `00` being a
/// byte of zero before each part.
#[derive(Clone)]
pub struct SecretKey(Hmac<Sha256>);

/// Tells nothing of the key.
impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretKeyError {
    /// Too few bytes, or too many.
    #[error("a key is {} to {} random bytes, not {bytes}", SecretKey::LEAST_BYTES, SecretKey::MOST_BYTES)]
    Length {
        /// Bytes given; of a file one more than the most at the most.
        bytes: usize,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// No random numbers for a new key.
    #[error("the system gives no random bytes for a key")]
    Random,
}

impl SecretKey {
    /// Fewest bytes of a key: as many as the hash gives (RFC 2104, section 3).
    pub const LEAST_BYTES: usize = 32;
    /// Most bytes of a key: what is longer was hardly meant to be one.
    pub const MOST_BYTES: usize = 4096;

    /// Returns the key of these bytes, all of which count: a line end too.
    ///
    /// # Errors
    /// [`SecretKeyError::Length`] where there are too few or too many.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretKeyError> {
        let error = SecretKeyError::Length { bytes: bytes.len() };
        if !(Self::LEAST_BYTES..=Self::MOST_BYTES).contains(&bytes.len()) {
            return Err(error);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| error)
    }

    /// Returns the key in the file `path`.
    ///
    /// # Errors
    /// [`SecretKeyError`] where it cannot be read or holds none.
    pub fn read(path: &Path) -> Result<Self, SecretKeyError> {
        let mut bytes = Vec::new();
        File::open(path)?.take(Self::MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Self::new(&bytes)
    }

    /// Makes a new key in the file `path`, which only this user can read, unless there is one.
    ///
    /// # Errors
    /// [`SecretKeyError`] where it cannot be written.
    pub fn make(path: &Path) -> Result<(), SecretKeyError> {
        if path.exists() {
            return Ok(());
        }
        let mut bytes = [0; Self::LEAST_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| SecretKeyError::Random)?;
        let part = path.with_extension("part");
        _ = std::fs::remove_file(&part);
        let mut file = create_private(&part)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        Ok(sync_folder_of(path)?)
    }

    /// Returns the name of a thing of this kind that is made of `parts`.
    pub fn name(&self, kind: &str, parts: &[&[u8]]) -> String {
        hexadecimal(&self.hash(kind, parts))
    }

    /// Returns the bytes that such a name is made of.
    pub fn hash(&self, kind: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = self.0.clone();
        hash.update(kind.as_bytes());
        for part in parts {
            hash.update(&[0]);
            hash.update(part);
        }
        hash.finalize().into_bytes().into()
    }
}

/// Returns two hexadecimal digits for each byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: Python 3.11, `hmac.new(bytes([7] * 32), b'study\0' b'1.2.3', 'sha256').hexdigest()`; exact.
    #[test]
    fn names_are_those_that_other_tools_make() {
        let name = SecretKey::new(&[7; 32]).unwrap().name("study", &[b"1.2.3"]);
        assert_eq!(name, "f8bfd10978175696a086c7151fdd9b2950b0eac2bbdc8de6c03f4d00d8453f0c");
    }

    #[test]
    fn a_key_is_made_once_and_names_what_is_equal_equally() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.key");
        SecretKey::make(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        SecretKey::make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let key = SecretKey::read(&path).unwrap();
        assert_eq!(key.name("study", &[b"1.2"]), SecretKey::read(&path).unwrap().name("study", &[b"1.2"]));
        assert_ne!(key.name("study", &[b"1.2"]), key.name("study", &[b"1", b"2"]));
        assert_ne!(key.name("study", &[b"1.2"]), key.name("folder", &[b"1.2"]));
    }

    #[test]
    fn a_key_is_long_enough_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for length in [0, 31, 4097] {
            std::fs::write(&path, vec![1; length]).unwrap();
            let is_told = |key| matches!(key, Err(SecretKeyError::Length { bytes }) if bytes == length);
            assert!(is_told(SecretKey::new(&vec![1; length])) && is_told(SecretKey::read(&path)));
        }
        assert_eq!(format!("{:?}", SecretKey::new(&[65; 32]).unwrap()), "SecretKey");
    }
}
