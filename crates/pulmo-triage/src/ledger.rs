//! The source of truth: which studies there are, what was tried, and one row for each that is done.

use std::collections::BTreeMap;
use std::path::Path;

use pulmo_key::hexadecimal;
use pulmo_system::boot;
use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::TriageError;
use crate::finding::{DeathCause, Finding, Poison};
use crate::schema::open_ledger;

/// What a score depends on beside the study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// The bundle's name.
    pub bundle: String,
    /// SHA-256 of its weights.
    pub weights_sha256: String,
    /// SHA-256 of its preprocessing.
    pub chain_sha256: String,
    /// SHA-256 of what its answers are judged by: calibration, threshold, domain.
    pub decision_sha256: String,
    /// Version of pulmo.
    pub pulmo: String,
    /// What it is computed on, `cpu` or the name of a GPU; not part of the key.
    pub device: String,
}

impl Method {
    /// Whether it is computed on the cores that also read.
    pub(crate) fn is_on_cpu(&self) -> bool {
        self.device == "cpu"
    }
}

/// A study and the state of its files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StudyState {
    /// Its name, a keyed hash.
    pub study: String,
    /// Fingerprint of its files.
    pub fingerprint: String,
}

/// A study of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStudy {
    /// Which.
    pub key: StudyState,
    /// Folders that its files lie in.
    pub places: usize,
    /// How it ended workers when it was listed.
    pub poison: Option<Poison>,
}

/// A row: a study that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// Its number in the ledger.
    pub id: i64,
    /// Which study.
    pub key: StudyState,
    /// Folders that its files lie in; 0 where the archive has it no more, or differently.
    pub places: usize,
    /// What is said of it.
    pub finding: Finding,
}

/// How often a study was tried without a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tried {
    /// It ended its worker.
    pub(crate) died: usize,
    /// Somebody else killed its worker.
    pub(crate) killed: usize,
    /// The run was ended meanwhile, since the machine was started.
    pub(crate) interrupted: usize,
    /// The machine went down meanwhile.
    pub(crate) rebooted: usize,
}

/// The ledger of a run. It holds no identifier and no path.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) connection: Connection,
    boot: Option<String>,
}

impl Ledger {
    /// Opens or makes the ledger in the file `path`.
    ///
    /// # Errors
    /// [`TriageError`] where it cannot be read, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, TriageError> {
        Ok(Self { connection: open_ledger(path)?, boot: boot() })
    }

    /// The number of a method, which is kept from now on.
    pub fn method(&self, method: &Method) -> Result<i64, TriageError> {
        let add = "INSERT INTO method (weights, chain, decision, pulmo, bundle, device)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (weights, chain, decision, pulmo) DO UPDATE SET device = ?6 RETURNING id";
        let key = params![
            method.weights_sha256,
            method.chain_sha256,
            method.decision_sha256,
            method.pulmo,
            method.bundle,
            method.device
        ];
        Ok(self.connection.query_row(add, key, |row| row.get(0))?)
    }

    /// The method of this number, with the device that was used last.
    pub fn method_of(&self, id: i64) -> Result<Method, TriageError> {
        let find = "SELECT bundle, weights, chain, decision, pulmo, device FROM method WHERE id = ?1";
        Ok(self.connection.query_row(find, [id], |row| {
            Ok(Method {
                bundle: row.get(0)?,
                weights_sha256: row.get(1)?,
                chain_sha256: row.get(2)?,
                decision_sha256: row.get(3)?,
                pulmo: row.get(4)?,
                device: row.get(5)?,
            })
        })?)
    }

    /// The method that was used last; `None` of a ledger without any.
    pub fn last_method(&self) -> Result<Option<i64>, TriageError> {
        if let Some(id) = self.figure("method")? {
            return Ok(Some(id));
        }
        Ok(self.connection.query_row("SELECT max(id) FROM method", [], |row| row.get(0))?)
    }

    /// Replaces what the archive holds.
    pub(crate) fn replace_units(
        &mut self,
        fill: impl FnOnce(&mut dyn FnMut(ArchiveStudy) -> Result<(), TriageError>) -> Result<(), TriageError>,
    ) -> Result<(), TriageError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM unit", [])?;
        {
            let add = "INSERT INTO unit (study, fingerprint, places, poison) VALUES (?1, ?2, ?3, ?4)";
            let mut add = transaction.prepare(add)?;
            fill(&mut |unit| {
                let poison = unit.poison.map(|poison| serde_json::to_string(&poison).unwrap_or_default());
                let places = i64::try_from(unit.places).unwrap_or(i64::MAX);
                add.execute(params![unit.key.study, unit.key.fingerprint, places, poison])?;
                Ok(())
            })?;
        }
        Ok(transaction.commit()?)
    }

    /// Up to `most` studies behind `after` that have no row of this method, in the order of their names.
    pub(crate) fn to_do(
        &self,
        method: i64,
        after: &str,
        most: usize,
    ) -> Result<Vec<ArchiveStudy>, TriageError> {
        let find = "SELECT study, fingerprint, places, poison FROM unit AS u WHERE study > ?1 AND NOT EXISTS
            (SELECT 1 FROM finding AS f WHERE f.study = u.study AND f.fingerprint = u.fingerprint AND f.method = ?2)
            ORDER BY study LIMIT ?3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.all(find, params![after, method, most], |row| {
            let poison: Option<String> = row.get(3)?;
            Ok(ArchiveStudy {
                key: key_of(row)?,
                places: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                poison: poison.and_then(|text| serde_json::from_str(&text).ok()),
            })
        })
    }

    /// Notes, before work starts, that a study is tried; returns the number of the attempt.
    pub(crate) fn begin(&self, key: &StudyState, method: i64) -> Result<i64, TriageError> {
        let add = "INSERT INTO attempt (study, fingerprint, method, boot) VALUES (?1, ?2, ?3, ?4)";
        self.connection.execute(add, params![key.study, key.fingerprint, method, self.boot])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Notes that an attempt ended its worker.
    pub(crate) fn died(&self, attempt: i64, poison: Poison) -> Result<(), TriageError> {
        let text = serde_json::to_string(&poison).unwrap_or_default();
        self.connection.execute("UPDATE attempt SET death = ?2 WHERE id = ?1", params![attempt, text])?;
        Ok(())
    }

    /// Forgets an attempt that says nothing of its study.
    pub(crate) fn abandon(&self, attempt: i64) -> Result<(), TriageError> {
        self.connection.execute("DELETE FROM attempt WHERE id = ?1", [attempt])?;
        Ok(())
    }

    /// How often a study was tried.
    pub(crate) fn tried(&self, key: &StudyState, method: i64) -> Result<Tried, TriageError> {
        let find = "SELECT death, boot FROM attempt WHERE study = ?1 AND fingerprint = ?2 AND method = ?3";
        let attempts = self.all(find, params![key.study, key.fingerprint, method], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?))
        })?;
        let mut tried = Tried::default();
        for (death, boot) in attempts {
            let death = death.and_then(|text| serde_json::from_str::<Poison>(&text).ok());
            let counted = match death.map(|poison| poison.cause) {
                Some(DeathCause::Killed) => &mut tried.killed,
                Some(_) => &mut tried.died,
                None if boot == self.boot => &mut tried.interrupted,
                None => &mut tried.rebooted,
            };
            *counted += 1;
        }
        Ok(tried)
    }

    /// The last death of a study.
    pub(crate) fn last_death(&self, key: &StudyState, method: i64) -> Result<Option<Poison>, TriageError> {
        let find = "SELECT death FROM attempt WHERE study = ?1 AND fingerprint = ?2 AND method = ?3
            AND death IS NOT NULL ORDER BY id DESC LIMIT 1";
        let values = params![key.study, key.fingerprint, method];
        let text: Option<String> = self.connection.query_row(find, values, |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Adds the row of a study; one that has its row keeps it. When this returns, the row is on disk.
    ///
    /// # Errors
    /// [`TriageError`] where it cannot be written: then nothing was.
    pub fn record(&mut self, key: &StudyState, method: i64, finding: &Finding) -> Result<(), TriageError> {
        let content = serde_json::to_string(finding).unwrap_or_default();
        let transaction = self.connection.transaction()?;
        let row = StoredRow { key: key.clone(), verdict: finding.verdict.clone(), content };
        add_row(&transaction, method, &row)?;
        let forget = "DELETE FROM attempt WHERE study = ?1 AND fingerprint = ?2 AND method = ?3";
        transaction.execute(forget, params![key.study, key.fingerprint, method])?;
        Ok(transaction.commit()?)
    }

    /// Tells the row of each study that the archive holds now, by this method, in the order of their names.
    pub fn each_row(
        &self,
        method: i64,
        mut tell: impl FnMut(LedgerRow) -> Result<(), TriageError>,
    ) -> Result<(), TriageError> {
        let find = "SELECT f.study, f.fingerprint, f.verdict, f.content, f.checksum, u.places, f.id
            FROM unit AS u JOIN finding AS f
            ON f.study = u.study AND f.fingerprint = u.fingerprint AND f.method = ?1 ORDER BY f.study";
        let mut statement = self.connection.prepare(find)?;
        let mut rows = statement.query([method])?;
        while let Some(row) = rows.next()? {
            tell(ledger_row(row)?)?;
        }
        Ok(())
    }

    /// The row of this number, which [`each_row`](Self::each_row) told.
    pub(crate) fn row(&self, id: i64) -> Result<LedgerRow, TriageError> {
        let find = "SELECT f.study, f.fingerprint, f.verdict, f.content, f.checksum, u.places, f.id
            FROM finding AS f LEFT JOIN unit AS u ON f.study = u.study WHERE f.id = ?1";
        let mut statement = self.connection.prepare_cached(find)?;
        let mut rows = statement.query([id])?;
        ledger_row(rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
    }

    /// How many of the archive's studies have a row by this method, by verdict.
    pub fn verdicts(&self, method: i64) -> Result<BTreeMap<String, usize>, TriageError> {
        let find = "SELECT f.verdict, count(*) FROM unit AS u JOIN finding AS f
            ON f.study = u.study AND f.fingerprint = u.fingerprint AND f.method = ?1 GROUP BY f.verdict";
        let counts = self.all(find, [method], |row| {
            Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
        })?;
        Ok(counts.into_iter().collect())
    }

    /// Tells the names of all studies that the archive holds.
    pub fn each_study(&self, mut tell: impl FnMut(&str)) -> Result<(), TriageError> {
        let mut statement = self.connection.prepare("SELECT study FROM unit")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            tell(row.get_ref(0)?.as_str().unwrap_or_default());
        }
        Ok(())
    }

    /// A figure of the last run.
    pub(crate) fn figure(&self, name: &str) -> Result<Option<i64>, TriageError> {
        let find = "SELECT value FROM figure WHERE name = ?1";
        Ok(self.connection.query_row(find, [name], |row| row.get(0)).optional()?)
    }

    /// Keeps figures, all at once.
    pub(crate) fn set_figures(&self, figures: &[(&str, u64)]) -> Result<(), TriageError> {
        let transaction = self.connection.unchecked_transaction()?;
        figures.iter().try_for_each(|(name, value)| self.set_figure(name, *value))?;
        Ok(transaction.commit()?)
    }

    /// Keeps a figure.
    pub(crate) fn set_figure(&self, name: &str, value: u64) -> Result<(), TriageError> {
        let add =
            "INSERT INTO figure (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        self.connection.execute(add, params![name, i64::try_from(value).unwrap_or(i64::MAX)])?;
        Ok(())
    }

    /// Looks whether the file is as SQLite wrote it.
    ///
    /// # Errors
    /// [`TriageError::Corrupt`] where it is not.
    pub fn check(&self) -> Result<(), TriageError> {
        let sound: String = self.connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if sound == "ok" { Ok(()) } else { Err(TriageError::Corrupt) }
    }

    /// Lets the ledger grow by so many pages at most, until it is opened anew: a small disk, for tests. `None` for as
    /// much as there is room.
    pub fn limit_pages(&self, more: Option<u32>) -> Result<(), TriageError> {
        let now: u32 = self.connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let most = more.map_or(u32::MAX - 1, |more| now.saturating_add(more));
        Ok(self.connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?)
    }

    fn all<T>(
        &self,
        query: &str,
        values: impl Params,
        of: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, TriageError> {
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(values, of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// A row as it is stored.
pub(crate) struct StoredRow {
    /// Which study.
    pub(crate) key: StudyState,
    /// Its verdict.
    pub(crate) verdict: String,
    /// Its finding, as JSON.
    pub(crate) content: String,
}

impl StoredRow {
    /// What tells that it is as it was written: the first half of a SHA-256.
    fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.key.study, &self.key.fingerprint, &self.verdict, &self.content] {
            hash.update(part);
            hash.update([0]);
        }
        hexadecimal(&hash.finalize()[..16])
    }
}

/// Adds a row; `false` where the study has one.
pub(crate) fn add_row(connection: &Connection, method: i64, row: &StoredRow) -> Result<bool, TriageError> {
    let add = "INSERT INTO finding (study, fingerprint, method, verdict, content, checksum)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let StudyState { study, fingerprint } = &row.key;
    let values = params![study, fingerprint, method, row.verdict, row.content, row.checksum()];
    Ok(connection.prepare_cached(add)?.execute(values)? > 0)
}

/// A row of `study, fingerprint, verdict, content, checksum`, as it was written; ledgers of the first schema have no
/// checksums.
///
/// # Errors
/// [`TriageError::Damaged`] where it is not.
pub(crate) fn stored_row(row: &SqlRow<'_>) -> Result<StoredRow, TriageError> {
    let stored = StoredRow { key: key_of(row)?, verdict: row.get(2)?, content: row.get(3)? };
    let checksum: Option<String> = row.get(4)?;
    match checksum {
        Some(checksum) if checksum != stored.checksum() => Err(TriageError::Damaged(stored.key.study)),
        _ => Ok(stored),
    }
}

/// A row of what [`stored_row`] takes, the places and its number.
fn ledger_row(row: &SqlRow<'_>) -> Result<LedgerRow, TriageError> {
    let StoredRow { key, content, .. } = stored_row(row)?;
    let finding = serde_json::from_str(&content).map_err(|_| TriageError::Damaged(key.study.clone()))?;
    let places: Option<i64> = row.get(5)?;
    let places = places.and_then(|places| usize::try_from(places).ok()).unwrap_or(0);
    Ok(LedgerRow { id: row.get(6)?, key, places, finding })
}

fn key_of(row: &SqlRow<'_>) -> rusqlite::Result<StudyState> {
    Ok(StudyState { study: row.get(0)?, fingerprint: row.get(1)? })
}
