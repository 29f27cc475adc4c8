//! Files made of the ledger: they can be made again at any time.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::TriageError;
use crate::atomic::{Out, write_whole};
use crate::export_source::{ExportSource, Local, into_file};
use crate::figures::RunFigures;
use crate::folder_map::FolderMap;
use crate::ledger::{Ledger, LedgerRow};
use crate::settings::Paths;
use crate::site::{ledger_file, map_file};
use crate::{table, worklist};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Studies in the worklist.
    pub scored: usize,
    /// Studies in `issues.csv`.
    pub unscored: usize,
}

/// A line of `results.jsonl`.
#[derive(Serialize)]
struct ResultLine<'a> {
    study: &'a str,
    fingerprint: &'a str,
    folders: usize,
    #[serde(flatten)]
    finding: &'a crate::Finding,
    weights_sha256: &'a str,
    #[serde(flatten)]
    local: Local,
}

/// `run.json`.
#[derive(Serialize)]
struct RunFile<'a> {
    pulmo: &'a str,
    bundle: &'a str,
    device: &'a str,
    weights_sha256: &'a str,
    chain_sha256: &'a str,
    decision_sha256: &'a str,
    studies: usize,
    verdicts: BTreeMap<String, usize>,
    last_run: RunFigures,
}

/// Writes `worklist.csv`, `results.jsonl`, `results.parquet`, `issues.csv` and `run.json` of the run in `folder` into
/// it, each whole or not at all. Where `paths` are told they also say where the studies lie, which names patients.
///
/// # Errors
/// [`TriageError`] where the ledger cannot be read or a file not be written.
pub fn export(folder: &Path, paths: Paths) -> Result<Exported, TriageError> {
    let path = ledger_file(folder);
    if !path.is_file() {
        return Err(TriageError::File { path, source: std::io::ErrorKind::NotFound.into() });
    }
    export_run(&Ledger::open(&path)?, &FolderMap::open(&map_file(folder))?, ExportTo { folder, paths })
}

/// Where exports go, and whether they say where studies lie.
#[derive(Clone, Copy)]
pub(crate) struct ExportTo<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) paths: Paths,
}

/// The same, of an open ledger and map.
pub(crate) fn export_run(
    ledger: &Ledger,
    map: &FolderMap,
    to: ExportTo<'_>,
) -> Result<Exported, TriageError> {
    let Some(id) = ledger.last_method()? else { return Ok(Exported::default()) };
    let source = ExportSource { ledger, id, method: ledger.method_of(id)?, map, paths: to.paths };
    let file = |name: &str| to.folder.join(name);
    write(&file("results.jsonl"), |out| results(out, &source))?;
    write(&file("results.parquet"), |out| table::write(out, &source))?;
    let scored = write(&file("worklist.csv"), |out| worklist::write_worklist(out, &source))?;
    let unscored = write(&file("issues.csv"), |out| worklist::write_issues(out, &source))?;
    write(&file("run.json"), |out| run_file(out, &source))?;
    Ok(Exported { scored, unscored })
}

/// Writes a file whole; what goes wrong with the ledger meanwhile comes out as such.
fn write<T: Default>(
    path: &Path,
    fill: impl FnOnce(&mut Out) -> Result<T, TriageError>,
) -> Result<T, TriageError> {
    let mut filled = Ok(T::default());
    let written = write_whole(path, |out| {
        filled = fill(out);
        match &mut filled {
            Ok(_) => Ok(()),
            Err(TriageError::File { source, .. }) => Err(std::mem::replace(source, other())),
            Err(_) => Err(other()),
        }
    });
    match filled {
        Err(error) if !matches!(error, TriageError::File { .. }) => Err(error),
        filled => written.map_err(TriageError::file(path)).and(filled),
    }
}

fn other() -> std::io::Error {
    std::io::ErrorKind::Other.into()
}

fn results(out: &mut Out, source: &ExportSource<'_>) -> Result<(), TriageError> {
    source.each_row(|LedgerRow { key, places: folders, finding, .. }| {
        let line = ResultLine {
            study: &key.study,
            fingerprint: &key.fingerprint,
            folders,
            finding: &finding,
            weights_sha256: &source.method.weights_sha256,
            local: source.local(&key.study)?,
        };
        serde_json::to_writer(&mut *out, &line).map_err(into_file("results.jsonl"))?;
        out.write_all(b"\n").map_err(into_file("results.jsonl"))
    })
}

fn run_file(out: &mut Out, source: &ExportSource<'_>) -> Result<(), TriageError> {
    let ExportSource { ledger, id, method, .. } = source;
    let mut studies = 0;
    ledger.each_study(|_| studies += 1)?;
    let run = RunFile {
        pulmo: &method.pulmo,
        bundle: &method.bundle,
        device: &method.device,
        weights_sha256: &method.weights_sha256,
        chain_sha256: &method.chain_sha256,
        decision_sha256: &method.decision_sha256,
        studies,
        verdicts: ledger.verdicts(*id)?,
        last_run: RunFigures::of(ledger)?,
    };
    serde_json::to_writer_pretty(&mut *out, &run).map_err(into_file("run.json"))?;
    out.write_all(b"\n").map_err(into_file("run.json"))
}
