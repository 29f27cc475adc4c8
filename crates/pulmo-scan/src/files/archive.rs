//! Zip archives: unpacked into a folder, within bounds.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::stream;
use super::temporary::while_going;
use crate::findings::Code;

/// Most entries of an archive.
pub const MAX_ARCHIVE_ENTRIES: usize = 200_000;
/// Most bytes that an archive may unpack to, counted as they come.
pub const MAX_ARCHIVE_BYTES: u64 = 32 << 30;
/// Most bytes that each byte of an archive may unpack to, beyond [`RATIO_FREE_BYTES`].
pub const MAX_ARCHIVE_RATIO: u64 = 200;
/// Bytes that any archive may unpack to: a few empty slices compress a thousandfold.
pub const RATIO_FREE_BYTES: u64 = 64 << 20;

/// A zip file and its directory.
pub(super) type Archive = ZipArchive<BufReader<File>>;

/// Why an archive cannot be unpacked. Each has one [`Code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The archive cannot be read, or its content cannot be written beside it.
    #[error("the archive cannot be unpacked")]
    Io {
        /// What the operating system says.
        #[from]
        source: std::io::Error,
    },
    /// The archive's directory is damaged.
    #[error("the archive is damaged")]
    Damaged,
    /// The archive has too many entries.
    #[error("the archive has {entries} entries, more than {MAX_ARCHIVE_ENTRIES}")]
    Entries {
        /// Entries found.
        entries: usize,
    },
    /// The archive unpacks to too much.
    #[error("the archive unpacks to more than {most} bytes")]
    TooLarge {
        /// The bound for this archive.
        most: u64,
    },
}

impl ArchiveError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::Unreadable,
            Self::Damaged => Code::Archive,
            Self::Entries { .. } | Self::TooLarge { .. } => Code::TooLarge,
        }
    }
}

/// Whether the file starts like a zip archive.
pub(super) fn is_zip(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06")
}

/// Opens a zip file and reads its directory.
pub(super) fn open_archive(path: &Path) -> std::io::Result<Archive> {
    Ok(ZipArchive::new(BufReader::new(stream::regular(path)?))?)
}

/// Unpacks a zip archive into an empty `folder`, in which each file lies under its name in the archive
/// (control characters replaced). Returns the entries that are left out, by their names or numbers:
/// those that are encrypted, damaged, or whose name points outside. Links are passed over.
///
/// Declared sizes are not believed: bytes are counted as they come.
///
/// # Errors
/// [`ArchiveError`] where the archive is damaged or exceeds [`MAX_ARCHIVE_ENTRIES`],
/// [`MAX_ARCHIVE_BYTES`] or [`MAX_ARCHIVE_RATIO`].
pub fn unpack(path: &Path, folder: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let packed = fs::metadata(path)?.len();
    let most =
        packed.saturating_mul(MAX_ARCHIVE_RATIO).saturating_add(RATIO_FREE_BYTES).min(MAX_ARCHIVE_BYTES);
    let mut archive = open_archive(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => ArchiveError::Damaged,
        _ => error.into(),
    })?;
    if archive.len() > MAX_ARCHIVE_ENTRIES {
        return Err(ArchiveError::Entries { entries: archive.len() });
    }
    let mut left = most;
    let mut left_out = Vec::new();
    for index in 0..archive.len() {
        match unpack_entry(&mut archive, index, folder, left) {
            Entry::Unpacked(bytes) if bytes > left => return Err(ArchiveError::TooLarge { most }),
            Entry::Unpacked(bytes) => left -= bytes,
            Entry::LeftOut(name, bytes) => {
                left = left.saturating_sub(bytes);
                left_out.push(name);
            }
            Entry::Passed => {}
        }
    }
    Ok(left_out)
}

/// What became of an entry.
enum Entry {
    /// So many bytes came; one more than allowed where it is too large.
    Unpacked(u64),
    /// Its name, and how many bytes came before it failed.
    LeftOut(PathBuf, u64),
    Passed,
}

fn unpack_entry(archive: &mut Archive, index: usize, folder: &Path, left: u64) -> Entry {
    let nameless = PathBuf::from(format!("#{index}"));
    let Ok(entry) = archive.by_index(index) else { return Entry::LeftOut(nameless, 0) };
    if entry.is_dir() || entry.is_symlink() {
        return Entry::Passed;
    }
    let Some(name) = entry.name().ok().and_then(|name| inside(&name)) else {
        return Entry::LeftOut(nameless, 0);
    };
    let place = folder.join(&name);
    let Ok(mut file) = while_going(|| create(&place)) else { return Entry::LeftOut(name, 0) };
    match std::io::copy(&mut entry.take(left.saturating_add(1)), &mut file) {
        Ok(bytes) => Entry::Unpacked(bytes),
        Err(_) => {
            let bytes = file.metadata().map_or(0, |file| file.len());
            // a part of a file is worse than none
            _ = fs::remove_file(&place);
            Entry::LeftOut(name, bytes)
        }
    }
}

/// Makes a file that is not there yet.
fn create(place: &Path) -> std::io::Result<File> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).open(place)
}

/// The place of an entry below the archive's own root; `None` where its name points elsewhere.
fn inside(name: &str) -> Option<PathBuf> {
    let mut place = PathBuf::new();
    if name.starts_with(['/', '\\']) {
        return None;
    }
    for part in name.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => return None,
            part if part.contains(':') => return None,
            part => place.push(part.replace(char::is_control, "_")),
        }
    }
    (!place.as_os_str().is_empty()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn archive(path: &Path, entries: &[(&str, Vec<u8>)]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
    }

    #[test]
    fn names_stay_inside() {
        assert_eq!(inside("a/./b//c.dcm"), Some(PathBuf::from("a/b/c.dcm")));
        assert_eq!(inside("a\\b"), Some(PathBuf::from("a/b")));
        assert_eq!(inside("a\n\u{1b}[2Jb"), Some(PathBuf::from("a__[2Jb")));
        for outside in ["../a", "a/../../b", "/etc/passwd", "\\a", "C:\\a", "c:a", "", "./"] {
            assert_eq!(inside(outside), None, "{outside}");
        }
    }

    #[test]
    fn entries_land_in_the_folder_or_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let (path, into) = (root.path().join("a.zip"), root.path().join("into"));
        fs::create_dir(&into).unwrap();
        let entries =
            [("x/a", b"one".to_vec()), ("../evil", b"two".to_vec()), ("/evil", vec![]), ("x", vec![1])];
        archive(&path, &entries);
        assert!(is_zip(&fs::read(&path).unwrap()));
        let left_out = unpack(&path, &into).unwrap();
        // `x` is a folder already
        assert_eq!(left_out, ["#1", "#2", "x"].map(PathBuf::from));
        assert_eq!(fs::read(into.join("x/a")).unwrap(), b"one");
        assert!(!root.path().join("evil").exists());
    }

    #[test]
    fn a_bomb_is_stopped_by_its_bytes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.zip");
        let size = usize::try_from(RATIO_FREE_BYTES).unwrap();
        archive(&path, &[("a", vec![0; size]), ("b", vec![0; size])]);
        let into = root.path().join("into");
        fs::create_dir(&into).unwrap();
        assert!(matches!(unpack(&path, &into), Err(ArchiveError::TooLarge { .. })));
    }

    #[test]
    fn damage_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.zip");
        archive(&path, &[("a", (0..=255).collect()), ("b", vec![7; 10])]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[35] ^= 0xFF;
        fs::write(&path, &bytes).unwrap();
        let into = root.path().join("into");
        fs::create_dir(&into).unwrap();
        assert_eq!(unpack(&path, &into).unwrap(), [PathBuf::from("a")]);
        assert!(!into.join("a").exists() && into.join("b").exists());
        bytes.truncate(bytes.len() - 10);
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(unpack(&path, &into), Err(ArchiveError::Damaged)));
    }
}
