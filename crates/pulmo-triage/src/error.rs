//! Why a run cannot go on.

use std::path::{Path, PathBuf};

use pulmo_key::SecretKeyError;

/// Why a run, an export or a merge cannot go on. None of them holds a path within an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriageError {
    /// A file of the output folder cannot be read or written.
    #[error("cannot use {path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The ledger cannot be read or written.
    #[error("the ledger: {0}")]
    Ledger(#[from] rusqlite::Error),
    /// The ledger was written by a later version.
    #[error("the ledger has schema {found}, this pulmo knows up to {known}: use the version that wrote it")]
    Schema {
        /// Schema of the ledger.
        found: i64,
        /// Last one known.
        known: i64,
    },
    /// Another run works on the folder.
    #[error("another run works on {}", .0.display())]
    Busy(PathBuf),
    /// Workers end before they are ready.
    #[error(
        "workers end before they are ready ({0} in a row): try `pulmo predict` on one file with the same bundle"
    )]
    NoWorker(usize),
    /// A worker scores by another method than the first one did.
    #[error("a worker scores with another bundle or version than the others")]
    OtherMethod,
    /// There is no key.
    #[error("the key {path}: {source}", path = .path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: SecretKeyError,
    },
    /// The ledger's file is not as SQLite wrote it.
    #[error("the ledger is damaged: take a copy of it (`sqlite3 ledger.sqlite .recover`), or begin anew")]
    Corrupt,
    /// A row is not as it was written.
    #[error("the ledger's row of study {0} is damaged: delete it there, and the study is scored again")]
    Damaged(String),
    /// What was said is no JSON of the protocol.
    #[error("what was said is no line of the protocol")]
    Protocol,
}

impl TriageError {
    /// Makes the error of a file from what the operating system says.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }

    /// Whether the disk is full: a run waits for that to end.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Ledger(rusqlite::Error::SqliteFailure(failure, _)) => {
                failure.code == rusqlite::ErrorCode::DiskFull
                    || matches!(
                        failure.extended_code,
                        rusqlite::ffi::SQLITE_IOERR_WRITE | rusqlite::ffi::SQLITE_IOERR_SHMSIZE
                    )
            }
            _ => false,
        }
    }
}
