//! Temporary folders: the one place that makes them, so that all can be removed however a run ends.

use std::collections::BTreeSet;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use pulmo_system::private_permissions;

/// The folders that are there.
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// Read while something is made in one of them; written when all are removed, and never let go of again.
static GOING: RwLock<()> = RwLock::new(());

/// How often removal is tried where files still come and go.
const TRIES: usize = 5;

/// A folder that goes, with all that is in it, when it is dropped, or by [`remove_all_temporary`].
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    /// Makes a folder that only this user can read, among the system's temporary files.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn private() -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("pulmo-");
        if let Some(permissions) = private_permissions() {
            builder.permissions(permissions);
        }
        while_going(|| Ok(Self::kept(builder.tempdir()?.keep())))
    }

    /// Makes the folder `path`, empty: what a run that was killed left there is removed first.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn at(path: &Path) -> Result<Self> {
        while_going(|| {
            if path.exists() {
                std::fs::remove_dir_all(path)?;
            }
            std::fs::create_dir_all(path)?;
            Ok(Self::kept(path.to_path_buf()))
        })
    }

    fn kept(path: PathBuf) -> Self {
        FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // what cannot be removed is left: there is nobody to tell
        _ = std::fs::remove_dir_all(&self.path);
        FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// Does what makes files or folders in a temporary folder; waits for ever once all are being removed.
pub fn while_going<T>(work: impl FnOnce() -> T) -> T {
    let _going = GOING.read().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// Returns at once; waits for ever once all are being removed. Whoever tells what it read from one asks first:
/// what it found since may be only that the files are gone.
pub fn wait_if_removed() {
    while_going(|| ());
}

/// Removes all temporary folders, for a program that was told to end, and must end: whoever makes
/// something in one of them from now on waits for ever.
pub fn remove_all_temporary() {
    std::mem::forget(GOING.write().unwrap_or_else(PoisonError::into_inner));
    let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for folder in folders {
        // a folder that is being dropped loses files under our hands
        _ = (0..TRIES).find(|_| std::fs::remove_dir_all(&folder).is_ok() || !folder.exists());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_all_that_is_in_it() {
        let folder = TemporaryFolder::private().unwrap();
        let path = folder.path().to_path_buf();
        std::fs::create_dir(path.join("a")).unwrap();
        std::fs::write(path.join("a/b"), "c").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_goes_where_a_thread_panics() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let ended = std::thread::spawn(move || {
            let folder = TemporaryFolder::private().unwrap();
            sender.send(folder.path().to_path_buf()).unwrap();
            panic!("made by this test");
        });
        assert!(ended.join().is_err());
        assert!(!receiver.recv().unwrap().exists());
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cache");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("old"), "").unwrap();
        let folder = TemporaryFolder::at(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(folder);
        assert!(!path.exists() && root.path().exists());
    }
}
