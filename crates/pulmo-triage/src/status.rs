//! How far a run is, for another terminal and for monitoring.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use pulmo_system::peak_bytes;

use crate::TriageError;
use crate::atomic::write_whole;
use crate::context::Context;
use crate::figures::RunFigures;
use crate::ledger::Ledger;
use crate::settings::Share;
use crate::site::{is_busy, ledger_file};

/// Keeps how far the run is.
pub(crate) fn keep_figures(context: &mut Context<'_>) -> Result<(), TriageError> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let Share { parts, id } = context.settings.part;
    let figures = [
        ("workers", number(context.workers)),
        ("parts", parts),
        ("part", id),
        ("limit", number(context.settings.limit.unwrap_or(0))),
        ("seconds", context.started.elapsed().as_secs()),
        ("recorded", number(context.recorded)),
        ("supervisor_peak_bytes", peak_bytes().unwrap_or(0)),
        ("worker_peak_bytes", context.worker_peak),
    ];
    context.kept(|ledger, _| ledger.set_figures(&figures))
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Whether a run works on the folder now.
    pub is_running: bool,
    /// Studies in the archive, as it was last listed, that are this run's.
    pub studies: usize,
    /// Those with a row, by verdict.
    pub verdicts: BTreeMap<String, usize>,
    /// RunFigures of the run, at most some seconds old.
    pub figures: RunFigures,
}

impl Status {
    /// Studies with a row.
    pub fn done(&self) -> usize {
        self.verdicts.values().sum()
    }

    /// Minutes that are left at the rate so far; `None` where there is none yet.
    pub fn minutes_left(&self) -> Option<f64> {
        let rate = self.figures.studies_per_minute.filter(|rate| *rate > 0.0)?;
        let left = self.studies.saturating_sub(self.done());
        let limit = self.figures.limit.zip(self.figures.studies_done);
        let limited = limit.and_then(|(limit, done)| usize::try_from(limit.saturating_sub(done).max(0)).ok());
        Some(limited.map_or(left, |limited| left.min(limited)) as f64 / rate)
    }
}

/// Looks at the run in `folder`, also while it goes on.
///
/// # Errors
/// [`TriageError`] where there is no ledger.
pub fn status(folder: &Path) -> Result<Status, TriageError> {
    let path = ledger_file(folder);
    if !path.is_file() {
        return Err(TriageError::File { path, source: std::io::ErrorKind::NotFound.into() });
    }
    let ledger = Ledger::open(&path)?;
    let figures = RunFigures::of(&ledger)?;
    let number = |figure: Option<i64>| figure.and_then(|figure| u64::try_from(figure).ok());
    let part = Share { parts: number(figures.parts).unwrap_or(1), id: number(figures.part).unwrap_or(0) };
    let mut studies = 0;
    ledger.each_study(|study| studies += usize::from(part.has(study)))?;
    let verdicts = match ledger.last_method()? {
        Some(method) => ledger.verdicts(method)?,
        None => BTreeMap::new(),
    };
    Ok(Status { is_running: is_busy(folder), studies, verdicts, figures })
}

/// Writes a run's figures in Prometheus' text form, where that was asked for.
pub(crate) fn write_metrics(context: &Context<'_>) -> Result<(), TriageError> {
    let Some(path) = &context.settings.metrics else { return Ok(()) };
    let mut studies = 0;
    context.ledger.each_study(|study| studies += usize::from(context.settings.part.has(study)))?;
    let verdicts = context.ledger.last_method()?.map(|method| context.ledger.verdicts(method));
    let text = metrics_text(&Metrics {
        folders: context.map.folders()?,
        studies,
        verdicts: verdicts.transpose()?.unwrap_or_default(),
        recorded: context.recorded,
        seconds: context.started.elapsed().as_secs_f64(),
        supervisor_peak: peak_bytes().unwrap_or(0),
        worker_peak: context.worker_peak,
    });
    write_whole(path, |out| out.write_all(text.as_bytes())).map_err(TriageError::file(path))
}

struct Metrics {
    folders: usize,
    studies: usize,
    verdicts: BTreeMap<String, usize>,
    recorded: usize,
    seconds: f64,
    supervisor_peak: u64,
    worker_peak: u64,
}

/// Prometheus' text exposition format, version 0.0.4.
fn metrics_text(figures: &Metrics) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(String, String)]| {
        // writing to a String cannot fail
        _ = writeln!(text, "# HELP pulmo_triage_{name} {help}\n# TYPE pulmo_triage_{name} gauge");
        for (labels, value) in values {
            _ = writeln!(text, "pulmo_triage_{name}{labels} {value}");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    gauge("folders", "Folders with files that are known.", &one(figures.folders.to_string()));
    gauge("studies", "Studies in the archive.", &one(figures.studies.to_string()));
    let by_verdict = figures.verdicts.iter();
    let by_verdict: Vec<_> = by_verdict
        .map(|(verdict, count)| (format!("{{verdict=\"{verdict}\"}}"), count.to_string()))
        .collect();
    gauge("rows", "Studies with a row, by verdict.", &by_verdict);
    gauge("run_rows", "Rows added by this run.", &one(figures.recorded.to_string()));
    gauge("run_seconds", "Seconds since this run began.", &one(format!("{:.1}", figures.seconds)));
    gauge(
        "supervisor_peak_bytes",
        "Most memory of the supervisor.",
        &one(figures.supervisor_peak.to_string()),
    );
    gauge("worker_peak_bytes", "Most memory of a worker.", &one(figures.worker_peak.to_string()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_metrics_is_one_of_prometheus() {
        let text = metrics_text(&Metrics {
            folders: 3,
            studies: 2,
            verdicts: BTreeMap::from([("OK".to_owned(), 1), ("POISON".to_owned(), 1)]),
            recorded: 2,
            seconds: 1.25,
            supervisor_peak: 7,
            worker_peak: 8,
        });
        assert!(text.contains("pulmo_triage_rows{verdict=\"POISON\"} 1\n"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("pulmo_triage_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
