//! The tables of a search: `trials.csv`, `what_mattered.csv`, and both as text.

use std::path::Path;

use super::mattered::{Mattered, Measure};
use super::ranges::value_text;
use super::record::Row;
use super::tuned::Tuned;

/// A value as people would write it, words without quotes.
fn number_text(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// Writes `trials.csv`, one row for each trial on each rung.
pub(super) fn write_trials(path: &Path, paths: &[String], rows: &[Row]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_path(path)?;
    let tail =
        ["rung", "epochs", "best_epoch", "validation_roc_auc", "validation_loss", "minutes", "outcome"];
    let head = std::iter::once("trial").chain(paths.iter().map(String::as_str)).chain(tail);
    writer.write_record(head)?;
    for row in rows {
        let mut record = vec![row.trial.to_string()];
        record.extend(row.values.iter().map(|value| value.as_ref().map_or(String::new(), value_text)));
        record.extend([row.rung, row.epochs].map(|count| count.to_string()));
        record.push(row.best_epoch.map_or(String::new(), |epoch| epoch.to_string()));
        record.extend([row.validation_roc_auc, row.validation_loss].map(number_text));
        record.extend([format!("{:.2}", row.minutes), row.outcome.name().to_owned()]);
        writer.write_record(record)?;
    }
    writer.flush().map_err(csv::Error::from)
}

/// Writes `what_mattered.csv`.
pub(super) fn write_mattered(path: &Path, found: &[Mattered]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["entry", "measure", "value", "chance", "trials", "groups"])?;
    for one in found {
        let (measure, value, groups) = match &one.measure {
            Measure::Correlation(rho) => ("rank_correlation", rho, String::new()),
            Measure::Spread(spread, _) => ("spread_of_means", spread, groups_text(&one.measure)),
        };
        let numbers = [value.to_string(), one.chance.to_string(), one.trials.to_string()];
        let [value, chance, trials] = &numbers;
        writer.write_record([&one.path, measure, value, chance, trials, &groups])?;
    }
    writer.flush().map_err(csv::Error::from)
}

fn groups_text(measure: &Measure) -> String {
    let Measure::Spread(_, groups) = measure else { return String::new() };
    let one =
        |group: &super::Group| format!("{}: {:.3} of {}", group.choice, group.mean_roc_auc, group.trials);
    groups.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The trials as aligned lines: those that came furthest first, then by their score.
pub fn trials_text(tuned: &Tuned) -> String {
    let mut head: Vec<String> = ["trial", "rung", "epochs", "AUC", "loss"].map(String::from).to_vec();
    head.extend(tuned.paths.iter().cloned());
    head.push("outcome".to_owned());
    let mut rows = vec![head];
    rows.extend(tuned.standing().into_iter().map(cells));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn cells(row: &Row) -> Vec<String> {
    let short = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let note = if row.trial == 0 { " (the recipe as it is)" } else { "" };
    let mut cells = [row.trial, row.rung, row.epochs].map(|count| count.to_string()).to_vec();
    cells.extend([row.validation_roc_auc, row.validation_loss].map(short));
    cells.extend(row.values.iter().map(|value| value.as_ref().map_or("-".to_owned(), value_text)));
    cells.push(format!("{}{note}", row.outcome.name()));
    cells
}

/// What mattered as lines of text, with how much they are worth.
pub fn mattered_text(found: &[Mattered]) -> String {
    let Some(first) = found.first() else {
        return "what mattered: too few trials to say".to_owned();
    };
    let mut lines = vec![format!(
        "what mattered on the first rung ({} drawn trials; weak evidence, the values changed together):",
        first.trials
    )];
    for one in found {
        let told = match &one.measure {
            Measure::Correlation(rho) => format!("rank correlation with AUC {rho:+.2}"),
            Measure::Spread(spread, _) => {
                format!("means of AUC {spread:.3} apart ({})", groups_text(&one.measure))
            }
        };
        let percent = 100.0 * one.chance;
        lines.push(format!("  {}: {told}; as much by chance in {percent:.0} % of deals", one.path));
    }
    lines.join("\n")
}
