//! Metrics as plain text, for the terminal and logs.

use pulmo_metrics::{Estimate, Evaluation};

/// `value` with three decimals, or the word for an undefined one.
pub(super) fn number_text(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".into(), |value| format!("{value:.3}"))
}

/// `low to high`, or nothing.
pub(super) fn interval_text(ci95: Option<[f64; 2]>) -> String {
    ci95.map_or_else(String::new, |[low, high]| format!("{low:.3} to {high:.3}"))
}

/// `value (low to high)`, for legends.
pub(super) fn estimate_text(estimate: &Estimate) -> String {
    match interval_text(estimate.ci95) {
        interval if interval.is_empty() => number_text(estimate.value),
        interval => format!("{} ({interval})", number_text(estimate.value)),
    }
}

/// What the numbers are about, in one sentence.
pub(super) fn summary(evaluation: &Evaluation) -> String {
    let mut text = format!("{} samples", evaluation.n);
    if let Some((positive, class)) = evaluation.positive.zip(evaluation.positive_class()) {
        text += &format!(", {positive} of them {class} (the positive class)");
    }
    if let Some(threshold) = evaluation.threshold {
        text += &format!(", threshold {threshold:.4}");
    }
    text
}

/// The metrics of each class as text: name, precision, recall, specificity, f1, support, AUC, AP.
pub(super) fn class_rows(evaluation: &Evaluation) -> Vec<[String; 8]> {
    let row = |(name, scores): (&String, &pulmo_metrics::ClassScores)| {
        [
            name.clone(),
            number_text(scores.precision),
            number_text(scores.recall),
            number_text(scores.specificity),
            number_text(scores.f1),
            scores.support.to_string(),
            number_text(scores.roc_auc),
            number_text(scores.average_precision),
        ]
    };
    evaluation.classes.iter().zip(&evaluation.per_class).map(row).collect()
}

/// The heads of [`class_rows`].
pub(super) const CLASS_HEADS: [&str; 8] =
    ["class", "precision", "recall", "specificity", "f1", "support", "roc_auc", "average_precision"];

/// The metrics with their 95 % intervals over patients, and those of each class, as aligned lines.
pub fn metrics_table(evaluation: &Evaluation) -> String {
    let metrics = evaluation.metrics.iter().map(|(name, estimate)| {
        [(*name).to_owned(), number_text(estimate.value), interval_text(estimate.ci95)]
    });
    let heads = ["metric", "value", "95 % interval"].map(String::from);
    let metrics: Vec<_> = std::iter::once(heads).chain(metrics).collect();
    let classes: Vec<_> =
        std::iter::once(CLASS_HEADS.map(String::from)).chain(class_rows(evaluation)).collect();
    let delong = evaluation.delong.map_or_else(String::new, |area| {
        let interval = area.ci95.map_or("no interval".into(), |ci95| interval_text(Some(ci95)));
        format!("roc_auc after DeLong (cases as independent): {:.3} ({interval})\n", area.value)
    });
    format!("{}\n\n{}{delong}\n{}", summary(evaluation), aligned(&metrics), aligned(&classes))
}

/// Lines with each column as wide as its widest cell.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use pulmo_metrics::{EvaluationSettings, Samples};

    /// Six samples of the first two of `classes`.
    pub(crate) fn evaluated(classes: &[&str]) -> (Samples, Evaluation) {
        let positive = [0.1, 0.2, 0.7, 0.4, 0.8, 0.9];
        let row = |p: f64| [1.0 - p, p].into_iter().chain(vec![0.0; classes.len() - 2]).collect();
        let samples = Samples {
            classes: classes.iter().copied().map(String::from).collect(),
            labels: vec![0, 0, 0, 1, 1, 1],
            predictions: vec![0, 0, 1, 0, 1, 1],
            probabilities: positive.map(row).to_vec(),
            patients: ["a", "b", "c", "d", "e", "f"].map(String::from).to_vec(),
        };
        let settings = EvaluationSettings { threshold: Some(0.5), ..EvaluationSettings::default() };
        let evaluation = Evaluation::compute(&samples, &settings).unwrap();
        (samples, evaluation)
    }

    #[test]
    fn columns_are_aligned_and_complete() {
        let (_, evaluation) = evaluated(&["benign", "malignant"]);
        let text = metrics_table(&evaluation);
        assert!(text.starts_with("6 samples, 3 of them malignant (the positive class), threshold 0.5000\n"));
        let lines: Vec<&str> = text.lines().collect();
        let column = lines[2].find("value").unwrap();
        for (line, (name, estimate)) in lines[3..].iter().zip(&evaluation.metrics) {
            assert!(line.starts_with(name), "{line}");
            assert!(line[column..].starts_with(&number_text(estimate.value)), "{line}");
        }
        assert!(lines.iter().all(|line| line.len() == line.trim_end().len()));
        assert!(lines.last().unwrap().starts_with("malignant  0.667"), "{text}");
    }

    #[test]
    fn undefined_is_said_so() {
        let (_, evaluation) = evaluated(&["normal", "benign", "malignant"]);
        let text = metrics_table(&evaluation);
        let line = text.lines().find(|line| line.starts_with("roc_auc")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["roc_auc", "undefined"]);
    }
}
