//! The two layouts of a file that PyTorch saved.

use std::collections::BTreeMap;
use std::io::{self, Read};

use zip::ZipArchive;

use super::TorchError;
use super::pickle::{Cursor, run};
use super::tensors::{TorchTensor, tensor, views};
use super::value::{Storage, Value};

/// How files before PyTorch 1.6 start: a pickle of the number 0x1950a86a20f9469cfc6c.
const OLD_START: [u8; 15] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

/// Most bytes of the pickle in an archive: names and shapes of a hundred thousand tensors.
const MAX_PICKLE_BYTES: u64 = 64 << 20;

type Zip<'a> = ZipArchive<io::Cursor<&'a [u8]>>;

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
    let mut archive: Zip = ZipArchive::new(io::Cursor::new(bytes)).map_err(damaged)?;
    let pickle = archive.file_names().filter_map(Result::ok).find(|name| name.ends_with("/data.pkl"));
    let pickle = pickle.ok_or(TorchError::NoWeights)?.into_owned();
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    if entry(&mut archive, &format!("{folder}byteorder"), 16).is_ok_and(|order| order != b"little") {
        return Err(TorchError::Damaged("its numbers are not little-endian"));
    }
    let pickle = entry(&mut archive, &pickle, MAX_PICKLE_BYTES)?;
    let list = run(&mut Cursor::new(&pickle))?;
    let mut tensors = BTreeMap::new();
    let mut last: Option<(String, Vec<u8>)> = None;
    for (name, view) in views(&list)?.into_iter().filter(|(_, view)| !view.storage.is_integer()) {
        let key = &view.storage.key;
        let stored = match last.take() {
            Some((of, stored)) if of == *key => stored,
            _ => entry(&mut archive, &format!("{folder}data/{key}"), storage_bytes(&view.storage)?)?,
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

/// At most `most` bytes of an entry.
fn entry(archive: &mut Zip, name: &str, most: u64) -> Result<Vec<u8>, TorchError> {
    let entry = archive.by_name(name).map_err(|_| TorchError::Damaged("a part of its archive is missing"))?;
    let mut bytes = Vec::new();
    entry
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|_| TorchError::Damaged("a part of its archive cannot be read"))?;
    Ok(bytes)
}

/// Pickles of a protocol number, facts about the machine, the weights and the storages' keys, then
/// for each key the number of values (64 bits) and the values.
fn read_stream(bytes: &[u8]) -> Result<BTreeMap<String, TorchTensor>, TorchError> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(OLD_START.len())?;
    let _protocol = run(&mut cursor)?;
    let _machine = run(&mut cursor)?;
    let views = views(&run(&mut cursor)?)?;
    let Value::List(keys) = run(&mut cursor)? else {
        return Err(TorchError::Damaged("its keys are missing"));
    };
    let mut tensors = BTreeMap::new();
    for key in &keys.values {
        let Value::Text(key) = key else { return Err(TorchError::Damaged("its keys are missing")) };
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
