//! The folder of a run.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use pulmo_system::{create_private, make_private_folder};

use crate::TriageError;

/// The folder of a run, held so that no other run can work on it. The lock goes with the process, however that ends.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    _lock: File,
}

impl Site {
    /// Makes the folder, readable by this user only, and takes its lock.
    ///
    /// # Errors
    /// [`TriageError::Busy`] where another run holds it.
    pub fn open(folder: &Path) -> Result<Self, TriageError> {
        make_private_folder(folder).map_err(TriageError::file(folder))?;
        let path = lock_file(folder);
        if !path.exists() {
            // where another run makes it meanwhile, that one's is opened
            _ = create_private(&path);
        }
        let lock = OpenOptions::new().write(true).open(&path).map_err(TriageError::file(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(TriageError::Busy(folder.to_path_buf())),
            Err(TryLockError::Error(source)) => Err(TriageError::File { path, source }),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder for workers' temporary files, empty: what a killed run left there goes.
    pub(crate) fn clean_temporary(&self) -> Result<PathBuf, TriageError> {
        let path = self.folder.join("tmp");
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(TriageError::file(&path))?;
        }
        make_private_folder(&path).map_err(TriageError::file(&path))?;
        Ok(path)
    }
}

/// Whether a run works on the folder.
pub(crate) fn is_busy(folder: &Path) -> bool {
    let lock = OpenOptions::new().write(true).open(lock_file(folder));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// The ledger of the folder.
pub(crate) fn ledger_file(folder: &Path) -> PathBuf {
    folder.join("ledger.sqlite")
}

/// The map of the folder: where the studies lie. It names patients as paths do.
pub(crate) fn map_file(folder: &Path) -> PathBuf {
    folder.join("map.sqlite")
}

/// The key of the folder.
pub fn key_file(folder: &Path) -> PathBuf {
    folder.join("site.key")
}
