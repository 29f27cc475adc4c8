//! What a study's files are, without opening any.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use pulmo_key::SecretKey;
use pulmo_key::hexadecimal;
use pulmo_system::path_bytes;
use sha2::{Digest, Sha256};

use crate::protocol::{Place, WirePath};

/// The files of a place, sorted: all that are regular files, also behind links, and not hidden, or those that it
/// names.
pub fn files_of(place: &Place) -> Vec<PathBuf> {
    let folder = place.path();
    names_of(place, &folder).into_iter().map(|name| folder.join(name)).collect()
}

fn names_of(place: &Place, folder: &Path) -> Vec<PathBuf> {
    match &place.names {
        Some(names) => names.iter().map(WirePath::path).collect(),
        None => crate::walk::files_in(folder).into_iter().map(|file| file.name.into()).collect(),
    }
}

/// The keyed hash of names, sizes and times of change of the files of a place. Files that are gone count as such.
pub fn of_place(place: &Place, key: &SecretKey) -> String {
    let folder = place.path();
    let mut facts: Vec<Vec<u8>> =
        names_of(place, &folder).iter().map(|name| facts_of(&folder, name)).collect();
    facts.sort();
    let parts: Vec<&[u8]> = facts.iter().map(Vec::as_slice).collect();
    key.name("files", &parts)
}

fn facts_of(folder: &Path, name: &Path) -> Vec<u8> {
    let mut facts = path_bytes(name).to_vec();
    let found = std::fs::metadata(folder.join(name)).ok();
    let changed = found.as_ref().and_then(|found| found.modified().ok());
    let changed =
        changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos());
    facts.push(0);
    facts.extend(found.map_or(u64::MAX, |found| found.len()).to_le_bytes());
    facts.extend(changed.to_le_bytes());
    facts
}

/// The fingerprint of a study whose files lie in several places, of those of each.
pub fn of_places(mut fingerprints: Vec<String>) -> String {
    fingerprints.sort();
    let mut hash = Sha256::new();
    for fingerprint in &fingerprints {
        hash.update(fingerprint.as_bytes());
        hash.update([0]);
    }
    hexadecimal(&hash.finalize())
}
