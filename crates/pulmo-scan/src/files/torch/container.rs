//! The two layouts of a file that PyTorch saved.

use std::collections::BTreeMap;
use std::io::{self, Read};

use zip::ZipArchive;

use super::TorchError;
use super::pickle::{Cursor, run};
use super::tensors::{TorchTensor, tensor, views};
use super::value::{PickleValue, Storage};

/// How files before PyTorch 1.6 start: a pickle of the number 0x1950a86a20f9469cfc6c.
const OLD_START: [u8; 15] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

/// Most bytes of the pickle in an archive: names and shapes of a hundred thousand tensors.
const MAX_PICKLE_BYTES: u64 = 64 << 20;

/// Most bytes that each byte of an archive may unpack to, beyond [`RATIO_FREE_BYTES`]: PyTorch stores weights
/// as they are, and where a tool packed them again they hardly become smaller.
const MAX_RATIO: u64 = 16;

/// Bytes that any archive may unpack to.
const RATIO_FREE_BYTES: u64 = 64 << 20;

/// An archive, and how many bytes may still come out of it.
struct Zip<'a> {
    archive: ZipArchive<io::Cursor<&'a [u8]>>,
    left: u64,
}

/// Whether the bytes start like a file of PyTorch.
pub fn is_torch(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&OLD_START)
}

/// Returns the floating-point tensors of a file that PyTorch saved, by name.
///
/// The list of weights may lie one level down, under `state_dict`, `model_state_dict`, `model`,
/// `net` or `weights`. Integers (counters of a normalization) are left out.
///
/// # Errors
/// [`TorchError`] where the file is damaged or holds anything but tensors.
pub fn read_torch(bytes: &[u8]) -> Result<BTreeMap<String, TorchTensor>, TorchError> {
    if bytes.starts_with(&OLD_START) { read_stream(bytes) } else { read_archive(bytes) }
}

fn read_archive(bytes: &[u8]) -> Result<BTreeMap<String, TorchTensor>, TorchError> {
    let damaged = |_| TorchError::Damaged("its archive cannot be read");
    let archive = ZipArchive::new(io::Cursor::new(bytes)).map_err(damaged)?;
    let left = (bytes.len() as u64).saturating_mul(MAX_RATIO).saturating_add(RATIO_FREE_BYTES);
    let mut zip = Zip { archive, left };
    let pickle = zip.archive.file_names().filter_map(Result::ok).find(|name| name.ends_with("/data.pkl"));
    let pickle = pickle.ok_or(TorchError::NoWeights)?.into_owned();
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    if zip.entry(&format!("{folder}byteorder"), 16).is_ok_and(|order| order != b"little") {
        return Err(TorchError::Damaged("its numbers are not little-endian"));
    }
    let pickle = zip.entry(&pickle, MAX_PICKLE_BYTES)?;
    let list = run(&mut Cursor::new(&pickle))?;
    let mut tensors = BTreeMap::new();
    let mut last: Option<(String, Vec<u8>)> = None;
    for (name, view) in views(&list)?.into_iter().filter(|(_, view)| !view.storage.is_integer()) {
        let key = &view.storage.key;
        let stored = match last.take() {
            Some((of, stored)) if of == *key => stored,
            _ => zip.entry(&format!("{folder}data/{key}"), storage_bytes(&view.storage)?)?,
        };
        tensors.insert(name, tensor(&view, &stored)?);
        last = Some((key.clone(), stored));
    }
    Ok(tensors)
}

fn storage_bytes(storage: &Storage) -> Result<u64, TorchError> {
    let bytes = storage.count.checked_mul(storage.kind.bytes()).and_then(|bytes| u64::try_from(bytes).ok());
    bytes.ok_or(TorchError::TooLarge("a storage"))
}

impl Zip<'_> {
    /// The bytes of an entry, which are counted as they come.
    ///
    /// # Errors
    /// [`TorchError`] where it cannot be read, is longer than `most`, or takes more than what is left.
    fn entry(&mut self, name: &str, most: u64) -> Result<Vec<u8>, TorchError> {
        let missing = |_| TorchError::Damaged("a part of its archive is missing");
        let entry = self.archive.by_name(name).map_err(missing)?;
        let mut bytes = Vec::new();
        let read = entry.take(most.min(self.left).saturating_add(1)).read_to_end(&mut bytes);
        let read = read.map_err(|_| TorchError::Damaged("a part of its archive cannot be read"))? as u64;
        if read > most {
            return Err(TorchError::Damaged("a part of its archive is longer than it says"));
        }
        let left = self.left.checked_sub(read);
        self.left = left.ok_or(TorchError::TooLarge("it unpacks to many times its own size"))?;
        Ok(bytes)
    }
}

/// Pickles of a protocol number, facts about the machine, the weights and the storages' keys, then
/// for each key the number of values (64 bits) and the values.
fn read_stream(bytes: &[u8]) -> Result<BTreeMap<String, TorchTensor>, TorchError> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(OLD_START.len())?;
    let _protocol = run(&mut cursor)?;
    let _machine = run(&mut cursor)?;
    let views = views(&run(&mut cursor)?)?;
    let PickleValue::List(keys) = run(&mut cursor)? else {
        return Err(TorchError::Damaged("its keys are missing"));
    };
    let mut tensors = BTreeMap::new();
    for key in &keys.values {
        let PickleValue::Text(key) = key else { return Err(TorchError::Damaged("its keys are missing")) };
        let of_key: Vec<_> = views.iter().filter(|(_, view)| *view.storage.key == **key).collect();
        let count = usize::try_from(u64::from_le_bytes(cursor.array()?));
        let count = count.map_err(|_| TorchError::TooLarge("a storage"))?;
        let Some((_, first)) = of_key.first() else {
            return Err(TorchError::Damaged("a storage belongs to no tensor"));
        };
        let bytes = count.checked_mul(first.storage.kind.bytes()).ok_or(TorchError::TooLarge("a storage"))?;
        let stored = cursor.take(bytes)?;
        for (name, view) in of_key.into_iter().filter(|(_, view)| !view.storage.is_integer()) {
            tensors.insert(name.clone(), tensor(view, stored)?);
        }
    }
    match views.iter().all(|(name, view)| view.storage.is_integer() || tensors.contains_key(name)) {
        true => Ok(tensors),
        false => Err(TorchError::Damaged("a storage is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_archive_unpacks_to_some_times_its_size_at_most() {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        zip.start_file("a", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&vec![0; 40 << 20]).unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        let archive = ZipArchive::new(io::Cursor::new(bytes.as_slice())).unwrap();
        let mut zip = Zip { archive, left: RATIO_FREE_BYTES };
        assert_eq!(zip.entry("a", u64::MAX).unwrap().len(), 40 << 20);
        assert!(matches!(zip.entry("a", u64::MAX), Err(TorchError::TooLarge(_))));
    }
}
