//! Ledgers of several runs become one.

use std::path::{Path, PathBuf};

use rusqlite::params;

use crate::TriageError;
use crate::export::{ExportTo, Exported, export_run};
use crate::folder_map::FolderMap;
use crate::ledger::{Ledger, StudyState, add_row, stored_row};
use crate::settings::Paths;
use crate::site::{Site, ledger_file, map_file};

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Rows that were added.
    pub added: usize,
    /// Rows that are in several ledgers and say the same.
    pub equal: usize,
    /// Names of studies that two ledgers say different things of by the same method: the first one's row is kept.
    pub conflicts: Vec<String>,
    /// What was exported.
    pub exported: Exported,
}

/// Adds the rows of `ledgers` (files, or folders of runs) to the run in `out`, which is made where it is not there.
///
/// # Errors
/// [`TriageError`] where a ledger cannot be read, or a run works on `out`.
pub fn merge(out: &Path, ledgers: &[PathBuf]) -> Result<Merged, TriageError> {
    let site = Site::open(out)?;
    let mut into = Ledger::open(&ledger_file(site.folder()))?;
    let mut merged = Merged { added: 0, equal: 0, conflicts: Vec::new(), exported: Exported::default() };
    let map = FolderMap::open(&map_file(site.folder()))?;
    for path in ledgers {
        let local = map_file(path);
        if local.is_file() {
            map.add_acquired(&FolderMap::open(&local)?)?;
        }
        let path = if path.is_dir() { ledger_file(path) } else { path.clone() };
        if !path.is_file() {
            return Err(TriageError::File { path, source: std::io::ErrorKind::NotFound.into() });
        }
        add(&mut into, &Ledger::open(&path)?, &mut merged)?;
    }
    merged.conflicts.sort();
    merged.conflicts.dedup();
    merged.exported = export_run(&into, &map, ExportTo { folder: site.folder(), paths: Paths::LeftOut })?;
    Ok(merged)
}

fn add(into: &mut Ledger, from: &Ledger, merged: &mut Merged) -> Result<(), TriageError> {
    let mut methods = from.connection.prepare("SELECT id FROM method ORDER BY id")?;
    let ids: Vec<i64> = methods.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for id in ids {
        let new = into.method(&from.method_of(id)?)?;
        add_rows(into, new, from, id, merged)?;
    }
    if let Some(last) = from.last_method()? {
        let new = into.method(&from.method_of(last)?)?;
        into.set_figure("method", new.unsigned_abs())?;
    }
    let mut units = from.connection.prepare("SELECT study, fingerprint, places FROM unit")?;
    let mut units = units.query([])?;
    let transaction = into.connection.transaction()?;
    while let Some(row) = units.next()? {
        let (study, fingerprint, places): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let add = "INSERT INTO unit (study, fingerprint, places) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        transaction.execute(add, params![study, fingerprint, places])?;
        let find = "SELECT fingerprint FROM unit WHERE study = ?1";
        let kept: String = transaction.query_row(find, [&study], |row| row.get(0))?;
        if kept != fingerprint {
            merged.conflicts.push(study);
        }
    }
    Ok(transaction.commit()?)
}

fn add_rows(
    into: &mut Ledger,
    new: i64,
    from: &Ledger,
    old: i64,
    merged: &mut Merged,
) -> Result<(), TriageError> {
    let find =
        "SELECT study, fingerprint, verdict, content, checksum FROM finding WHERE method = ?1 ORDER BY id";
    let mut rows = from.connection.prepare(find)?;
    let mut rows = rows.query([old])?;
    let transaction = into.connection.transaction()?;
    while let Some(row) = rows.next()? {
        let row = stored_row(row)?;
        if add_row(&transaction, new, &row)? {
            merged.added += 1;
            continue;
        }
        let find = "SELECT content FROM finding WHERE study = ?1 AND fingerprint = ?2 AND method = ?3";
        let StudyState { study, fingerprint } = row.key;
        let kept: String = transaction.query_row(find, params![study, fingerprint, new], |row| row.get(0))?;
        if kept == row.content {
            merged.equal += 1;
        } else {
            merged.conflicts.push(study);
        }
    }
    Ok(transaction.commit()?)
}
