//! Where the studies lie: local to one machine, as it holds paths. It can be made again from the archive.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use crate::TriageError;
use crate::finding::Poison;
use crate::fingerprint::of_places;
use crate::ledger::{ArchiveStudy, StudyState};
use crate::protocol::{FoundStudy, Place, WirePath};
use crate::schema::open_map;
use crate::walk::Folder;

/// Folders, and the studies whose files lie in them.
pub(crate) struct FolderMap {
    connection: Connection,
    pass: i64,
}

impl FolderMap {
    /// Opens or makes the map in the file `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, TriageError> {
        let connection = open_map(path)?;
        let pass = connection.query_row("SELECT coalesce(max(pass), 0) FROM folder", [], |row| row.get(0))?;
        Ok(Self { connection, pass })
    }

    /// Begins to look at the archive anew.
    pub(crate) fn begin_pass(&mut self) {
        self.pass += 1;
    }

    /// Whether a folder is as it was; it is kept then.
    pub(crate) fn is_known(&self, folder: &Folder) -> Result<bool, TriageError> {
        let keep = "UPDATE folder SET pass = ?3 WHERE root = ?1 AND inside = ?2 AND signature = ?4";
        let [root, inside] = texts(folder);
        let signature = folder.signature.as_slice();
        let kept =
            self.connection.prepare_cached(keep)?.execute(params![root, inside, self.pass, signature])?;
        Ok(kept > 0)
    }

    /// Keeps a folder as it was, though it changed.
    pub(crate) fn keep(&self, folder: &Folder) -> Result<(), TriageError> {
        let [root, inside] = texts(folder);
        let keep = "UPDATE folder SET pass = ?3 WHERE root = ?1 AND inside = ?2";
        self.connection.execute(keep, params![root, inside, self.pass])?;
        Ok(())
    }

    /// Notes what lies in a folder.
    pub(crate) fn replace(
        &mut self,
        folder: &Folder,
        found: &[FoundStudy],
        poison: Option<Poison>,
    ) -> Result<(), TriageError> {
        let [root, inside] = texts(folder);
        let transaction = self.connection.transaction()?;
        let note = "INSERT INTO folder (root, inside, signature, pass) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (root, inside) DO UPDATE SET signature = ?3, pass = ?4 RETURNING id";
        let values = params![root, inside, folder.signature.as_slice(), self.pass];
        let id: i64 = transaction.query_row(note, values, |row| row.get(0))?;
        transaction.execute("DELETE FROM place WHERE folder = ?1", [id])?;
        let poison = poison.map(|poison| serde_json::to_string(&poison).unwrap_or_default());
        for found in found {
            let names = found.names.as_ref().map(|names| serde_json::to_string(names).unwrap_or_default());
            let add =
                "INSERT INTO place (folder, study, fingerprint, names, poison) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.execute(add, params![id, found.study, found.fingerprint, names, poison])?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets the folders that were not met since the pass began.
    pub(crate) fn drop_unseen(&mut self) -> Result<(), TriageError> {
        let transaction = self.connection.transaction()?;
        let unseen = "DELETE FROM place WHERE folder IN (SELECT id FROM folder WHERE pass < ?1)";
        transaction.execute(unseen, [self.pass])?;
        transaction.execute("DELETE FROM folder WHERE pass < ?1", [self.pass])?;
        Ok(transaction.commit()?)
    }

    /// Makes sure that the folders of a study are listed again.
    pub(crate) fn forget(&self, study: &str) -> Result<(), TriageError> {
        let forget =
            "UPDATE folder SET signature = NULL WHERE id IN (SELECT folder FROM place WHERE study = ?1)";
        self.connection.execute(forget, [study])?;
        Ok(())
    }

    /// Tells each study, in the order of their names.
    pub(crate) fn each_unit(
        &self,
        tell: &mut dyn FnMut(ArchiveStudy) -> Result<(), TriageError>,
    ) -> Result<(), TriageError> {
        let find = "SELECT study, fingerprint, poison FROM place ORDER BY study, fingerprint";
        let mut statement = self.connection.prepare(find)?;
        let mut rows = statement.query([])?;
        let mut open: Option<(String, Vec<String>, Option<Poison>)> = None;
        let mut close = |open: Option<(String, Vec<String>, Option<Poison>)>| match open {
            Some((study, parts, poison)) => {
                let places = parts.len();
                tell(ArchiveStudy {
                    key: StudyState { study, fingerprint: of_places(parts) },
                    places,
                    poison,
                })
            }
            None => Ok(()),
        };
        while let Some(row) = rows.next()? {
            let study: String = row.get(0)?;
            let poison: Option<String> = row.get(2)?;
            let poison: Option<Poison> = poison.and_then(|text| serde_json::from_str(&text).ok());
            match &mut open {
                Some((name, parts, known)) if *name == study => {
                    parts.push(row.get(1)?);
                    *known = known.or(poison);
                }
                _ => close(open.replace((study, vec![row.get(1)?], poison)))?,
            }
        }
        close(open)
    }

    /// Keeps when a study was scanned.
    pub(crate) fn note_acquired(&self, study: &str, acquired: Option<&str>) -> Result<(), TriageError> {
        let Some(acquired) = acquired else { return Ok(()) };
        let add =
            "INSERT INTO acquired (study, time) VALUES (?1, ?2) ON CONFLICT (study) DO UPDATE SET time = ?2
            WHERE time <> ?2";
        self.connection.prepare_cached(add)?.execute(params![study, acquired])?;
        Ok(())
    }

    /// When a study was scanned; `None` where that is not known here.
    pub(crate) fn acquired(&self, study: &str) -> Result<Option<String>, TriageError> {
        let find = "SELECT time FROM acquired WHERE study = ?1";
        let mut statement = self.connection.prepare_cached(find)?;
        Ok(statement.query_row([study], |row| row.get(0)).optional()?)
    }

    /// Takes over from another map when studies were scanned.
    pub(crate) fn add_acquired(&self, other: &Self) -> Result<(), TriageError> {
        let mut statement = other.connection.prepare("SELECT study, time FROM acquired ORDER BY study")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (study, time): (String, String) = (row.get(0)?, row.get(1)?);
            self.note_acquired(&study, Some(&time))?;
        }
        Ok(())
    }

    /// Where a study lies, in the order of the folders.
    pub(crate) fn places(&self, study: &str) -> Result<Vec<Place>, TriageError> {
        let find = "SELECT root, inside, names FROM place JOIN folder ON folder.id = place.folder
            WHERE study = ?1 ORDER BY root, inside";
        let mut statement = self.connection.prepare_cached(find)?;
        let mut rows = statement.query([study])?;
        let mut places = Vec::new();
        while let Some(row) = rows.next()? {
            let [root, folder] = [row.get::<_, String>(0)?, row.get(1)?].map(WirePath::from_text);
            let names: Option<String> = row.get(2)?;
            let names = names.and_then(|names| serde_json::from_str(&names).ok());
            places.push(Place { root, folder, names });
        }
        Ok(places)
    }

    /// The deepest folder that holds all of a study; `None` of one that is not there.
    pub(crate) fn common_folder(&self, study: &str) -> Result<Option<PathBuf>, TriageError> {
        let mut paths = self.places(study)?.into_iter().map(|place| place.path());
        let Some(first) = paths.next() else { return Ok(None) };
        let both = |a: PathBuf, b: PathBuf| {
            a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
        };
        Ok(Some(paths.fold(first, both)))
    }

    /// Folders that are known.
    pub(crate) fn folders(&self) -> Result<usize, TriageError> {
        let count: Option<i64> =
            self.connection.query_row("SELECT count(*) FROM folder", [], |row| row.get(0)).optional()?;
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(0))
    }
}

fn texts(folder: &Folder) -> [String; 2] {
    [&folder.root, &folder.inside].map(|path| WirePath::of(path).as_str().to_owned())
}
