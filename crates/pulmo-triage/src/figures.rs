//! Figures of a run.

use serde::Serialize;

use crate::TriageError;
use crate::ledger::Ledger;

/// Figures of the last run, also while it goes on; what is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunFigures {
    /// Workers at a time.
    pub workers: Option<i64>,
    /// Runs that share the archive.
    pub parts: Option<i64>,
    /// Which of them this is, from 0 on.
    pub part: Option<i64>,
    /// Most studies that the run was to score; `None` where there was no limit.
    pub limit: Option<i64>,
    /// How long it took so far.
    pub seconds: Option<i64>,
    /// Rows that it added.
    pub studies_done: Option<i64>,
    /// Rows that it added in a minute.
    pub studies_per_minute: Option<f64>,
    /// The most memory of the supervisor.
    pub supervisor_peak_bytes: Option<i64>,
    /// The most memory of a worker.
    pub worker_peak_bytes: Option<i64>,
}

impl RunFigures {
    /// Those that the ledger keeps.
    pub(crate) fn of(ledger: &Ledger) -> Result<Self, TriageError> {
        let (seconds, done) = (ledger.figure("seconds")?, ledger.figure("recorded")?);
        let rate = |(seconds, done): (i64, i64)| (seconds > 0).then(|| 60.0 * done as f64 / seconds as f64);
        Ok(Self {
            workers: ledger.figure("workers")?,
            parts: ledger.figure("parts")?,
            part: ledger.figure("part")?,
            limit: ledger.figure("limit")?.filter(|limit| *limit > 0),
            seconds,
            studies_done: done,
            studies_per_minute: seconds.zip(done).and_then(rate),
            supervisor_peak_bytes: ledger.figure("supervisor_peak_bytes")?,
            worker_peak_bytes: ledger.figure("worker_peak_bytes")?,
        })
    }
}
