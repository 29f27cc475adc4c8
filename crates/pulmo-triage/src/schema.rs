//! SQLite files: how they are opened, and how older ones become new ones.

use std::path::Path;
use std::time::Duration;

use pulmo_system::create_private;
use rusqlite::Connection;

use crate::TriageError;

/// What makes schema `n + 1` of schema `n`.
const LEDGER: &[&str] = &["
    CREATE TABLE method (
        id INTEGER PRIMARY KEY, bundle TEXT NOT NULL, weights TEXT NOT NULL, chain TEXT NOT NULL,
        decision TEXT NOT NULL, pulmo TEXT NOT NULL, UNIQUE (weights, chain, decision, pulmo));
    CREATE TABLE unit (
        study TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, places INTEGER NOT NULL, poison TEXT) WITHOUT ROWID;
    CREATE TABLE finding (
        id INTEGER PRIMARY KEY, study TEXT NOT NULL, fingerprint TEXT NOT NULL,
        method INTEGER NOT NULL REFERENCES method, verdict TEXT NOT NULL, content TEXT NOT NULL,
        UNIQUE (study, fingerprint, method));
    CREATE TABLE attempt (
        id INTEGER PRIMARY KEY, study TEXT NOT NULL, fingerprint TEXT NOT NULL, method INTEGER NOT NULL,
        boot TEXT, death TEXT);
    CREATE INDEX attempt_of ON attempt (study, fingerprint, method);
    CREATE TABLE figure (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
", "
    ALTER TABLE finding ADD COLUMN checksum TEXT;
    ALTER TABLE method ADD COLUMN device TEXT NOT NULL DEFAULT '';
"];
const MAP: &[&str] = &["
    CREATE TABLE folder (
        id INTEGER PRIMARY KEY, root TEXT NOT NULL, inside TEXT NOT NULL, signature BLOB, pass INTEGER NOT NULL,
        UNIQUE (root, inside));
    CREATE TABLE place (
        folder INTEGER NOT NULL REFERENCES folder, study TEXT NOT NULL, fingerprint TEXT NOT NULL, names TEXT,
        poison TEXT);
    CREATE INDEX place_of ON place (study);
    CREATE INDEX place_in ON place (folder);
    CREATE TABLE acquired (study TEXT PRIMARY KEY, time TEXT NOT NULL) WITHOUT ROWID;
"];

/// Opens a ledger: each commit is on disk before it returns.
pub(crate) fn open_ledger(path: &Path) -> Result<Connection, TriageError> {
    open(path, "FULL", LEDGER)
}

/// Opens a map, which can be made again.
pub(crate) fn open_map(path: &Path) -> Result<Connection, TriageError> {
    open(path, "NORMAL", MAP)
}

fn open(path: &Path, synchronous: &str, schemas: &[&str]) -> Result<Connection, TriageError> {
    if !path.exists() {
        create_private(path).map_err(TriageError::file(path))?;
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(schemas.len()).unwrap_or(i64::MAX);
    let done =
        usize::try_from(found).ok().filter(|_| found <= known).ok_or(TriageError::Schema { found, known })?;
    if found < known {
        let transaction = connection.transaction()?;
        schemas.iter().skip(done).try_for_each(|schema| transaction.execute_batch(schema))?;
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()?;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_of_a_ledger_is_on_disk_before_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open_ledger(&folder.path().join("ledger.sqlite")).unwrap();
        let journal: String = ledger.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let full: i64 = ledger.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((journal.as_str(), full), ("wal", 2));
    }
}
