//! Where results go: folders are made as they are needed.

use std::path::Path;

use anyhow::Context;

use crate::files::wait_if_removed;

/// Makes `folder` and those above it.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Makes the folder that `file` is to lie in, and those above it.
pub(super) fn make_folder_of(file: &Path) -> anyhow::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => make_folder(folder),
        _ => Ok(()),
    }
}

/// Writes `file`, with its folder.
pub(super) fn write_file(file: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    wait_if_removed();
    make_folder_of(file)?;
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}
