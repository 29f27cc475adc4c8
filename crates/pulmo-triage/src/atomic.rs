//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use pulmo_system::{create_private, sync_folder_of};

/// What a file's content is written to.
pub(crate) type Out = BufWriter<File>;

/// Writes the file `path` by `fill`: what was there before stays until the new one is safely on disk.
pub(crate) fn write_whole(path: &Path, fill: impl FnOnce(&mut Out) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    _ = std::fs::remove_file(&part);
    let written = write_part(&part, fill).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        _ = std::fs::remove_file(&part);
    }
    written.and_then(|()| sync_folder_of(path))
}

fn write_part(part: &Path, fill: impl FnOnce(&mut Out) -> Result<()>) -> Result<()> {
    let mut file = BufWriter::new(create_private(part)?);
    fill(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_whose_writing_fails_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_whole(&path, |out| out.write_all(b"one")).unwrap();
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(write_whole(&path, |out| out.write_all(b"tw").and_then(|()| Err(full()))).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
