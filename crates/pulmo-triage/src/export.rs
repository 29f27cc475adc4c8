//! Files made of the ledger: they can be made again at any time.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::TriageError;
use crate::atomic::write_whole;
use crate::finding::DeathCause;
use crate::folder_map::FolderMap;
use crate::ledger::{Ledger, LedgerRow, Method};
use crate::site::{ledger_file, map_file};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Studies in the worklist.
    pub scored: usize,
    /// Studies in `issues.csv`.
    pub unscored: usize,
}

/// Whether exports say where the studies lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paths {
    /// No.
    #[default]
    LeftOut,
    /// Yes: they may name patients.
    Told,
}

/// Where the studies lie, where exports say so.
pub(crate) type Places<'a> = Option<&'a FolderMap>;

/// A line of `results.jsonl`.
#[derive(Serialize)]
struct ResultLine<'a> {
    study: &'a str,
    fingerprint: &'a str,
    folders: usize,
    #[serde(flatten)]
    finding: &'a crate::Finding,
    weights_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// `run.json`.
#[derive(Serialize)]
struct RunFile {
    pulmo: String,
    bundle: String,
    weights_sha256: String,
    chain_sha256: String,
    calibration: String,
    studies: usize,
    verdicts: BTreeMap<String, usize>,
    last_run: LastRun,
}

#[derive(Serialize)]
struct LastRun {
    workers: Option<i64>,
    seconds: Option<i64>,
    studies_done: Option<i64>,
    studies_per_minute: Option<f64>,
    supervisor_peak_bytes: Option<i64>,
    worker_peak_bytes: Option<i64>,
}

/// A line of the worklist, as far as its order needs it.
struct Ranked {
    urgency: f32,
    row: LedgerRow,
}

/// Writes `worklist.csv`, `results.jsonl`, `issues.csv` and `run.json` of the run in `folder` into it, each whole or
/// not at all. Where `paths` are told they also say where the studies lie, which names patients.
///
/// # Errors
/// [`TriageError`] where the ledger cannot be read or a file not be written.
pub fn export(folder: &Path, paths: Paths) -> Result<Exported, TriageError> {
    let ledger = Ledger::open(&ledger_file(folder))?;
    let map = (paths == Paths::Told).then(|| FolderMap::open(&map_file(folder))).transpose()?;
    export_with(&ledger, folder, map.as_ref())
}

/// The same, of an open ledger and without paths.
pub(crate) fn export_run(ledger: &Ledger, folder: &Path) -> Result<Exported, TriageError> {
    export_with(ledger, folder, None)
}

fn export_with(ledger: &Ledger, folder: &Path, places: Places<'_>) -> Result<Exported, TriageError> {
    let Some(id) = ledger.last_method()? else { return Ok(Exported { scored: 0, unscored: 0 }) };
    let method = ledger.method_of(id)?;
    let file = |name: &str| folder.join(name);
    write(&file("results.jsonl"), |out| results(out, ledger, id, &method, places))?;
    let mut ranked = Vec::new();
    ledger.each_row(id, |row| {
        ranked.extend(row.finding.urgency.map(|urgency| Ranked { urgency: urgency.0, row }));
        Ok(())
    })?;
    // the rows come by name, which a stable sort keeps among equals
    ranked.sort_by(|a, b| b.urgency.total_cmp(&a.urgency));
    write(&file("worklist.csv"), |out| worklist(out, &ranked, places))?;
    let mut unscored = 0;
    write(&file("issues.csv"), |out| {
        unscored = 0;
        issues(out, ledger, id, places, &mut unscored)
    })?;
    write(&file("run.json"), |out| {
        let run = run_file(ledger, id, method.clone())?;
        serde_json::to_writer_pretty(&mut *out, &run).map_err(into_file(&file("run.json")))?;
        out.write_all(b"\n").map_err(TriageError::file(&file("run.json")))
    })?;
    Ok(Exported { scored: ranked.len(), unscored })
}

/// Writes a file whole; what goes wrong with the ledger meanwhile comes out as such.
fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), TriageError>,
) -> Result<(), TriageError> {
    let mut failed = None;
    let written = write_whole(path, |out| match fill(out) {
        Ok(()) => Ok(()),
        Err(TriageError::File { source, .. }) => Err(source),
        Err(error) => {
            failed = Some(error);
            Err(std::io::ErrorKind::Other.into())
        }
    });
    match failed {
        Some(error) => Err(error),
        None => written.map_err(TriageError::file(path)),
    }
}

fn into_file<E: Into<std::io::Error>>(path: &Path) -> impl FnOnce(E) -> TriageError {
    let path: PathBuf = path.to_path_buf();
    move |error| TriageError::File { path, source: error.into() }
}

fn path_of(places: Places<'_>, study: &str) -> Result<Option<String>, TriageError> {
    let path = places.map(|map| map.common_folder(study)).transpose()?.flatten();
    Ok(path.map(|path| path.display().to_string()))
}

fn results(
    out: &mut dyn Write,
    ledger: &Ledger,
    method: i64,
    by: &Method,
    places: Places<'_>,
) -> Result<(), TriageError> {
    let name = Path::new("results.jsonl");
    ledger.each_row(method, |LedgerRow { key, places: folders, finding }| {
        let line = ResultLine {
            study: &key.study,
            fingerprint: &key.fingerprint,
            folders,
            finding: &finding,
            weights_sha256: &by.weights_sha256,
            path: path_of(places, &key.study)?,
        };
        serde_json::to_writer(&mut *out, &line).map_err(into_file(name))?;
        out.write_all(b"\n").map_err(TriageError::file(name))
    })
}

fn worklist(out: &mut dyn Write, ranked: &[Ranked], places: Places<'_>) -> Result<(), TriageError> {
    let name = Path::new("worklist.csv");
    let mut csv = csv::Writer::from_writer(out);
    let mut header = vec!["rank", "study", "urgency", "class", "verdict", "codes", "series"];
    header.extend(places.map(|_| "path"));
    csv.write_record(header).map_err(into_file(name))?;
    for (rank, Ranked { urgency, row }) in (1..).zip(ranked) {
        let LedgerRow { key, finding, .. } = row;
        let mut record = vec![
            format!("{rank}"),
            key.study.clone(),
            f64::from(*urgency).to_string(),
            finding.class.clone().unwrap_or_default(),
            finding.verdict.clone(),
            finding.codes.join(" "),
            finding.series.len().to_string(),
        ];
        if places.is_some() {
            record.push(path_of(places, &key.study)?.unwrap_or_default());
        }
        csv.write_record(record).map_err(into_file(name))?;
    }
    csv.flush().map_err(TriageError::file(name))
}

fn issues(
    out: &mut dyn Write,
    ledger: &Ledger,
    method: i64,
    places: Places<'_>,
    count: &mut usize,
) -> Result<(), TriageError> {
    let name = Path::new("issues.csv");
    let mut csv = csv::Writer::from_writer(out);
    let mut header = vec!["study", "verdict", "codes", "stage", "signal", "what_to_do"];
    header.extend(places.map(|_| "path"));
    csv.write_record(header).map_err(into_file(name))?;
    ledger.each_row(method, |LedgerRow { key, finding, .. }| {
        if finding.is_scored() {
            return Ok(());
        }
        *count += 1;
        let stage = finding.poison.and_then(|poison| poison.stage);
        let stage = stage.and_then(|stage| serde_json::to_value(stage).ok());
        let advice = finding.codes.iter().find_map(|code| DeathCause::advice(code));
        let mut record = vec![
            key.study.clone(),
            finding.verdict.clone(),
            finding.codes.join(" "),
            stage.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
            finding
                .poison
                .and_then(|poison| poison.signal)
                .map_or(String::new(), |signal| signal.to_string()),
            advice.map_or_else(|| finding.advice.join("; "), str::to_owned),
        ];
        if places.is_some() {
            record.push(path_of(places, &key.study)?.unwrap_or_default());
        }
        csv.write_record(record).map_err(into_file(name))
    })?;
    csv.flush().map_err(TriageError::file(name))
}

fn run_file(ledger: &Ledger, id: i64, method: Method) -> Result<RunFile, TriageError> {
    let mut studies = 0;
    ledger.each_study(|_| studies += 1)?;
    let (seconds, done) = (ledger.figure("seconds")?, ledger.figure("recorded")?);
    let rate = |(seconds, done): (i64, i64)| (seconds > 0).then(|| 60.0 * done as f64 / seconds as f64);
    Ok(RunFile {
        pulmo: method.pulmo,
        bundle: method.bundle,
        weights_sha256: method.weights_sha256,
        chain_sha256: method.chain_sha256,
        calibration: method.calibration,
        studies,
        verdicts: ledger.verdicts(id)?,
        last_run: LastRun {
            workers: ledger.figure("workers")?,
            seconds,
            studies_done: done,
            studies_per_minute: seconds.zip(done).and_then(rate),
            supervisor_peak_bytes: ledger.figure("supervisor_peak_bytes")?,
            worker_peak_bytes: ledger.figure("worker_peak_bytes")?,
        },
    })
}
