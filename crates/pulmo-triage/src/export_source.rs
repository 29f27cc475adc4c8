//! What exports are made of, and what they may say of where a study lies.

use std::path::PathBuf;

use serde::Serialize;

use crate::TriageError;
use crate::folder_map::FolderMap;
use crate::ledger::{Ledger, LedgerRow, Method};
use crate::settings::Paths;

/// What exports are made of.
pub(crate) struct ExportSource<'a> {
    pub(crate) ledger: &'a Ledger,
    /// Number of the method whose rows are exported.
    pub(crate) id: i64,
    pub(crate) method: Method,
    /// Where the studies lie, and when they were scanned, where that is known here.
    pub(crate) map: &'a FolderMap,
    pub(crate) paths: Paths,
}

/// What exports say of a study only where that was asked for.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Local {
    /// The folder that holds all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// When it was scanned, `YYYYMMDD` or `YYYYMMDDHHMMSS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acquired: Option<String>,
}

/// Names of the columns that tell it.
pub(crate) const LOCAL_COLUMNS: [&str; 2] = ["path", "acquired"];

impl ExportSource<'_> {
    /// What may be said of where and when a study is.
    pub(crate) fn local(&self, study: &str) -> Result<Local, TriageError> {
        match self.paths {
            Paths::LeftOut => Ok(Local::default()),
            Paths::Told => Ok(Local {
                path: self.map.common_folder(study)?.map(|path| path.display().to_string()),
                acquired: self.map.acquired(study)?,
            }),
        }
    }

    /// Tells each row.
    pub(crate) fn each_row(
        &self,
        tell: impl FnMut(LedgerRow) -> Result<(), TriageError>,
    ) -> Result<(), TriageError> {
        self.ledger.each_row(self.id, tell)
    }
}

/// Makes the error of a file of this name.
pub(crate) fn into_file<E: Into<std::io::Error>>(name: &str) -> impl FnOnce(E) -> TriageError {
    let path = PathBuf::from(name);
    move |error| TriageError::File { path, source: error.into() }
}
