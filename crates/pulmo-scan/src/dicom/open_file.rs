//! A file that is kept open, so that all that is read of it is of one file.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::time::SystemTime;

use pulmo_system::read_at;

/// A file kept open, and what it was when it was opened.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    stamp: Stamp,
}

/// Length and time of the last change.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(u64, Option<SystemTime>);

impl Stamp {
    fn of(file: &File) -> Result<Self> {
        let found = file.metadata()?;
        Ok(Self(found.len(), found.modified().ok()))
    }
}

impl OpenFile {
    pub(super) fn new(file: File) -> Result<Self> {
        Ok(Self { stamp: Stamp::of(&file)?, file })
    }

    /// A reader of its own, from the beginning: several may read at once.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { file: &self.file, position: 0, length: self.stamp.0 }
    }

    /// Whether nobody has written to the file since it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        Stamp::of(&self.file).is_ok_and(|now| now == self.stamp)
    }
}

/// Reads a file at a place of its own.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: &'a File,
    position: u64,
    length: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = read_at(self.file, buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(file: &OpenFile, from: SeekFrom) -> String {
        let (mut reader, mut text) = (file.reader(), String::new());
        reader.seek(from).unwrap();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn readers_do_not_move_each_other_and_see_the_file_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "first").unwrap();
        let file = OpenFile::new(File::open(&path).unwrap()).unwrap();
        let mut early = file.reader();
        early.seek(SeekFrom::Start(3)).unwrap();
        std::fs::write(folder.path().join("b"), "other").unwrap();
        std::fs::rename(folder.path().join("b"), &path).unwrap();
        assert_eq!(
            (read(&file, SeekFrom::Start(0)), read(&file, SeekFrom::End(-2))),
            ("first".into(), "st".into())
        );
        let mut rest = String::new();
        early.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "st");
        assert!(file.is_unchanged());
    }

    #[test]
    fn what_was_written_to_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "first").unwrap();
        let file = OpenFile::new(File::open(&path).unwrap()).unwrap();
        let mut writer = File::options().write(true).open(&path).unwrap();
        writer.write_all(b"FIRST").unwrap();
        writer.set_modified(SystemTime::now() + std::time::Duration::from_secs(2)).unwrap();
        assert!(!file.is_unchanged());
    }
}
