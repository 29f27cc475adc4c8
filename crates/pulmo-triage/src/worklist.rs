//! The tables that people work through: what is most urgent, and what has no score.

use crate::TriageError;
use crate::atomic::Out;
use crate::export_source::{ExportSource, LOCAL_COLUMNS, Local, into_file};
use crate::finding::DeathCause;
use crate::ledger::LedgerRow;
use crate::settings::Paths;

/// What the order of the worklist is decided by; the rows themselves stay in the ledger.
struct Ranked {
    urgency: f32,
    /// When the study was scanned, `YYYYMMDDHHMMSS` as a number; what is unknown is last.
    acquired: u64,
    id: i64,
}

/// Writes `worklist.csv`: by urgency, then the study that was scanned first, then by name; returns how many there are.
pub(crate) fn write_worklist(out: &mut Out, source: &ExportSource<'_>) -> Result<usize, TriageError> {
    let mut ranked = Vec::new();
    source.each_row(|LedgerRow { id, key, finding, .. }| {
        if let Some(urgency) = finding.urgency {
            let acquired = source.map.acquired(&key.study)?;
            let acquired = acquired.as_deref().and_then(number_of).unwrap_or(u64::MAX);
            ranked.push(Ranked { urgency: urgency.0, acquired, id });
        }
        Ok(())
    })?;
    // the rows come by name, which a stable sort keeps among equals
    ranked.sort_by(|a, b| b.urgency.total_cmp(&a.urgency).then(a.acquired.cmp(&b.acquired)));
    let header = ["rank", "study", "urgency", "class", "verdict", "codes", "series"];
    let mut table = Table::begin(out, source, Layout { name: "worklist.csv", header: &header })?;
    for (rank, Ranked { urgency, id, .. }) in (1..).zip(&ranked) {
        let LedgerRow { key, finding, .. } = source.ledger.row(*id)?;
        let record = vec![
            format!("{rank}"),
            key.study.clone(),
            f64::from(*urgency).to_string(),
            finding.class.clone().unwrap_or_default(),
            finding.verdict.clone(),
            finding.codes.join(" "),
            finding.series.len().to_string(),
        ];
        table.add(&key.study, record)?;
    }
    table.end()?;
    Ok(ranked.len())
}

/// `YYYYMMDD` or `YYYYMMDDHHMMSS` as the latter's number.
fn number_of(acquired: &str) -> Option<u64> {
    let digits = acquired.parse::<u64>().ok()?;
    Some(if acquired.len() > 8 { digits } else { digits * 1_000_000 })
}

/// Writes `issues.csv`: what has no score, why, and what can be done; returns how many there are.
pub(crate) fn write_issues(out: &mut Out, source: &ExportSource<'_>) -> Result<usize, TriageError> {
    let header = ["study", "verdict", "codes", "why", "stage", "signal", "what_to_do"];
    let mut table = Table::begin(out, source, Layout { name: "issues.csv", header: &header })?;
    let mut count = 0;
    source.each_row(|LedgerRow { key, finding, .. }| {
        if finding.is_scored() {
            return Ok(());
        }
        count += 1;
        let stage = finding.poison.and_then(|poison| poison.stage);
        let signal = finding.poison.and_then(|poison| poison.signal);
        let advice = finding.codes.iter().find_map(|code| DeathCause::advice(code));
        let record = vec![
            key.study.clone(),
            finding.verdict.clone(),
            finding.codes.join(" "),
            finding.messages.join("; "),
            stage.map_or("", |stage| stage.as_str()).to_owned(),
            signal.map_or(String::new(), |signal| signal.to_string()),
            advice.map_or_else(|| finding.advice.join("; "), str::to_owned),
        ];
        table.add(&key.study, record)
    })?;
    table.end()?;
    Ok(count)
}

struct Layout<'a> {
    name: &'static str,
    header: &'a [&'static str],
}

/// A CSV file that may have the columns of paths.
struct Table<'a> {
    name: &'static str,
    csv: csv::Writer<&'a mut Out>,
    source: &'a ExportSource<'a>,
}

impl<'a> Table<'a> {
    fn begin(
        out: &'a mut Out,
        source: &'a ExportSource<'a>,
        Layout { name, header }: Layout<'_>,
    ) -> Result<Self, TriageError> {
        let mut csv = csv::Writer::from_writer(out);
        let local = LOCAL_COLUMNS.into_iter().filter(|_| source.paths == Paths::Told);
        csv.write_record(header.iter().copied().chain(local)).map_err(into_file(name))?;
        Ok(Self { name, csv, source })
    }

    fn add(&mut self, study: &str, mut record: Vec<String>) -> Result<(), TriageError> {
        if self.source.paths == Paths::Told {
            let Local { path, acquired } = self.source.local(study)?;
            record.extend([path, acquired].map(Option::unwrap_or_default));
        }
        self.csv.write_record(record).map_err(into_file(self.name))
    }

    fn end(mut self) -> Result<(), TriageError> {
        self.csv.flush().map_err(into_file(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_come_before_moments_of_the_same_day() {
        assert_eq!(number_of("20240229"), Some(20_240_229_000_000));
        assert_eq!(number_of("20240229010203"), Some(20_240_229_010_203));
        assert_eq!(number_of(""), None);
    }
}
