//! The one place where this crate's users turn identifiers into names.

use std::io::{Read, Write};
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::TriageError;
use crate::atomic::sync_folder_of;
use crate::system::create_private;

/// Bytes of a key.
const BYTES: usize = 32;

/// A site's secret: names made with it are equal where the thing is, and without it tell nothing.
///
/// A name is `HMAC-SHA256(key, kind 00 part 00 part ...)` in hexadecimal digits.
#[derive(Clone)]
pub struct SiteKey(Hmac<Sha256>);

/// Tells nothing of the key.
impl std::fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteKey")
    }
}

impl SiteKey {
    /// Reads the key in the file `path`.
    ///
    /// # Errors
    /// [`TriageError`] where it cannot be read or has fewer than 32 bytes.
    pub fn read(path: &Path) -> Result<Self, TriageError> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(TriageError::file(path))?;
        file.take(4096).read_to_end(&mut bytes).map_err(TriageError::file(path))?;
        if bytes.len() < BYTES {
            return Err(TriageError::Key(path.to_path_buf()));
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| TriageError::Key(path.to_path_buf()))
    }

    /// Makes a new key in the file `path`, which only this user can read, unless there is one.
    ///
    /// # Errors
    /// [`TriageError`] where it cannot be written.
    pub fn make(path: &Path) -> Result<(), TriageError> {
        if path.exists() {
            return Ok(());
        }
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|_| TriageError::Random)?;
        let part = path.with_extension("part");
        _ = std::fs::remove_file(&part);
        let write = || {
            let mut file = create_private(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&part, path)?;
            sync_folder_of(path)
        };
        write().map_err(TriageError::file(path))
    }

    /// The name of a thing of this kind that is made of `parts`.
    pub fn name(&self, kind: &str, parts: &[&[u8]]) -> String {
        let mut hash = self.0.clone();
        hash.update(kind.as_bytes());
        for part in parts {
            hash.update(&[0]);
            hash.update(part);
        }
        hexadecimal(&hash.finalize().into_bytes())
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_names_what_is_equal_equally() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.key");
        SiteKey::make(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        SiteKey::make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let key = SiteKey::read(&path).unwrap();
        assert_eq!(key.name("study", &[b"1.2"]), SiteKey::read(&path).unwrap().name("study", &[b"1.2"]));
        assert_ne!(key.name("study", &[b"1.2"]), key.name("study", &[b"1", b"2"]));
        assert_ne!(key.name("study", &[b"1.2"]), key.name("folder", &[b"1.2"]));
        std::fs::write(&path, [1; 31]).unwrap();
        assert!(matches!(SiteKey::read(&path), Err(TriageError::Key(_))));
    }

    /// ORIGIN: Python 3.11, `hmac.new(bytes([7] * 32), b'study\0' b'1.2.3', 'sha256').hexdigest()`; exact.
    #[test]
    fn names_are_those_that_other_tools_make() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, [7; 32]).unwrap();
        let name = SiteKey::read(&path).unwrap().name("study", &[b"1.2.3"]);
        assert_eq!(name, "f8bfd10978175696a086c7151fdd9b2950b0eac2bbdc8de6c03f4d00d8453f0c");
    }
}
