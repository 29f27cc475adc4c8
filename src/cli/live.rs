//! The lines that stand below a training on a terminal: how far it is, and how well it goes.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{printer, progress};
use crate::train::EpochRow;

/// Epochs in the curve.
const CURVE: usize = 40;
/// Eighths of a line's height.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar over the steps, and two lines on the epochs so far; nothing where stderr is not a terminal.
pub(super) struct Live {
    all: MultiProgress,
    steps: ProgressBar,
    scores: ProgressBar,
    curve: ProgressBar,
    rows: Vec<EpochRow>,
}

impl Live {
    /// The view of a run over so many steps, `done` of them before.
    pub(super) fn new(done: usize, total: usize) -> Self {
        let all = MultiProgress::new();
        let steps = all.add(progress::bar(total, ""));
        steps.set_position(done as u64);
        steps.reset_eta();
        steps.enable_steady_tick(Duration::from_secs(1));
        let line = || {
            let line = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("  {msg}") {
                line.set_style(style);
            }
            all.add(line)
        };
        let (scores, curve) = (line(), line());
        Self { steps, scores, curve, rows: Vec::new(), all }
    }

    /// Steps made, and what they are.
    pub(super) fn step(&self, done: usize, what: String) {
        self.steps.set_position(done as u64);
        self.steps.set_message(what);
    }

    /// An epoch ended; `told` is printed above the view.
    pub(super) fn epoch(&mut self, row: &EpochRow, told: &str) {
        self.rows.push(row.clone());
        self.scores.set_message(scores_line(&self.rows));
        self.curve.set_message(curve_line(&self.rows));
        self.all.suspend(|| printer::say(told));
    }

    /// Takes the view away.
    pub(super) fn finish(&self) {
        [&self.curve, &self.scores, &self.steps].into_iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// The last and the best validation figures.
fn scores_line(rows: &[EpochRow]) -> String {
    let told = |row: &EpochRow| {
        let auc = row.validation_roc_auc.map_or("undefined".to_owned(), |auc| format!("{auc:.4}"));
        format!("AUC {auc} loss {:.4}", row.validation_loss)
    };
    let last = rows.last().map_or(String::new(), told);
    let best = rows.iter().rev().find(|row| row.best);
    let best = best.map_or("before".to_owned(), |row| format!("{} in epoch {}", told(row), row.epoch));
    format!("validation: last {last}; best {best}")
}

/// The learning rate and the course of the validation loss.
fn curve_line(rows: &[EpochRow]) -> String {
    let rate = rows.last().map_or(0.0, |row| row.learning_rate);
    let losses: Vec<f64> = rows.iter().map(|row| row.validation_loss).collect();
    let shown = &losses[losses.len().saturating_sub(CURVE)..];
    format!("learning rate {rate:.2e}; validation loss {}", sparkline(shown))
}

/// A character for each value, from the lowest to the highest of them.
fn sparkline(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let last = LEVELS.len() - 1;
    let level = |value: &f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        let reached = (0..last).filter(|level| share * last as f64 >= *level as f64 + 0.5).count();
        LEVELS[reached]
    };
    values.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize, loss: f64, best: bool) -> EpochRow {
        EpochRow {
            epoch,
            learning_rate: 0.0125,
            loss,
            validation_loss: loss,
            validation_roc_auc: Some(0.9 - loss / 10.0),
            best,
        }
    }

    #[test]
    fn a_curve_spans_its_values() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[2.0, 2.0, 2.0]), "▁▁▁");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn the_lines_tell_the_last_and_the_best_epoch() {
        let rows = [row(3, 0.5, true), row(4, 0.25, true), row(5, 1.0, false)];
        let best = "best AUC 0.8750 loss 0.2500 in epoch 4";
        assert_eq!(scores_line(&rows), format!("validation: last AUC 0.8000 loss 1.0000; {best}"));
        assert_eq!(curve_line(&rows), "learning rate 1.25e-2; validation loss ▃▁█");
        // a run that went on may have had its best epoch before
        assert!(scores_line(&rows[2..]).ends_with("best before"));
        let many: Vec<EpochRow> = (0..100).map(|epoch| row(epoch, 1.0, false)).collect();
        assert_eq!(curve_line(&many).chars().filter(|mark| LEVELS.contains(mark)).count(), CURVE);
    }
}
