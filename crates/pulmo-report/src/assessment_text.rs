//! Everything that is told of an evaluation, as text.

use super::table::{aligned, estimate_text, interval_text, metrics_table, number_text};
use super::{Assessment, BaselineRow, ChosenPoint, Subgroup};
use pulmo_metrics::{Estimate, Evaluation, NetBenefit, OperatingPoint, Rate};

/// Thresholds of the decision curve that are told.
const TOLD: [f64; 7] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7];

/// The metrics as [`metrics_table`] tells them, and a table for everything else that was asked.
pub fn assessment_text(assessment: &Assessment) -> String {
    let mut text = metrics_table(&assessment.evaluation);
    if let Some(patients) = &assessment.patient_level {
        text += "\n\npatients, each with the mean probability of the patient's cases:\n";
        text += &metrics_table(patients);
    }
    for table in [
        baselines(&assessment.evaluation, &assessment.baselines),
        points(&assessment.operating_points),
        benefit(&assessment.decision_curve),
        subgroups(&assessment.subgroups),
    ] {
        if !table.is_empty() {
            text += &format!("\n{table}");
        }
    }
    text
}

fn metric(evaluation: &Evaluation, name: &str) -> String {
    evaluation.metric(name).map_or_else(|| number_text(None), estimate_text)
}

fn value(evaluation: &Evaluation, name: &str) -> String {
    number_text(evaluation.metric(name).and_then(|&Estimate { value, .. }| value))
}

fn baselines(evaluation: &Evaluation, rows: &[BaselineRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |name: &str, evaluation: &Evaluation, gain: String| {
        let [accuracy, balanced, f1] =
            ["accuracy", "balanced_accuracy", "f1"].map(|name| value(evaluation, name));
        [name.to_owned(), accuracy, balanced, f1, metric(evaluation, "roc_auc"), gain]
    };
    let gain = |BaselineRow { gain, .. }: &BaselineRow| {
        gain.map_or_else(String::new, |gain| {
            format!("{:+.3} ({})", gain.difference, interval_text(gain.by_patient.ci95))
        })
    };
    let heads = ["classifier", "accuracy", "balanced_accuracy", "f1", "roc_auc", "the bundle gains"];
    let mut table = vec![heads.map(String::from), row("the bundle", evaluation, String::new())];
    table.extend(rows.iter().map(|baseline| row(&baseline.name, &baseline.evaluation, gain(baseline))));
    format!("what a network must beat:\n{}", aligned(&table))
}

fn rate_text(rate: Rate) -> String {
    match interval_text(rate.wilson95) {
        interval if interval.is_empty() => number_text(rate.value),
        interval => format!("{} ({interval})", number_text(rate.value)),
    }
}

fn points(points: &[ChosenPoint]) -> String {
    let Some(first) = points.first() else { return String::new() };
    let row = |rule: String, place: &str, point: &OperatingPoint| {
        let rates = [
            point.sensitivity,
            point.specificity,
            point.positive_predictive_value,
            point.negative_predictive_value,
        ];
        let [sensitivity, specificity, ppv, npv] = rates.map(rate_text);
        [rule, format!("{:.4}", point.threshold), place.to_owned(), sensitivity, specificity, ppv, npv]
    };
    let heads = ["rule", "threshold", "on", "sensitivity", "specificity", "PPV", "NPV"].map(String::from);
    let rows = points.iter().flat_map(|point| {
        [
            row(point.rule.to_string(), &point.chosen_on, &point.chosen),
            row(String::new(), "these cases", &point.applied),
        ]
    });
    let table: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let place = &first.chosen_on;
    format!(
        "operating points, chosen on {place} (where they are optimistic); intervals: Wilson, 95 %, cases as \
         independent (those by patient are in metrics.json)\n{}",
        aligned(&table)
    )
}

fn benefit(curve: &[NetBenefit]) -> String {
    if curve.is_empty() {
        return String::new();
    }
    let heads = ["threshold", "model", "everybody", "nobody"].map(String::from);
    let told = curve.iter().filter(|point| TOLD.iter().any(|told| (told - point.threshold).abs() < 1e-9));
    let row = |point: &NetBenefit| {
        [
            format!("{:.2}", point.threshold),
            format!("{:.4}", point.model),
            format!("{:.4}", point.treat_all),
            "0".into(),
        ]
    };
    let table: Vec<_> = std::iter::once(heads).chain(told.map(row)).collect();
    format!(
        "net benefit of acting on (all thresholds: decision_curve.csv; probabilities taken at their word, so calibrate first)\n{}",
        aligned(&table)
    )
}

fn subgroups(groups: &[Subgroup]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let heads =
        ["column", "value", "n", "positive", "roc_auc", "recall", "specificity", "f1"].map(String::from);
    let row = |Subgroup { column, value, evaluation }: &Subgroup| {
        let [auc, recall, specificity, f1] =
            ["roc_auc", "recall", "specificity", "f1"].map(|name| metric(evaluation, name));
        let positive = evaluation.positive.map_or_else(String::new, |count| count.to_string());
        let shown = if value.is_empty() { "(nothing)" } else { value };
        [column.clone(), shown.to_owned(), evaluation.n.to_string(), positive, auc, recall, specificity, f1]
    };
    let table: Vec<_> = std::iter::once(heads).chain(groups.iter().map(row)).collect();
    format!("parts of the cases; intervals by resampling patients\n{}", aligned(&table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::tests::everything;

    #[test]
    fn everything_asked_is_told() {
        let text = assessment_text(&everything());
        for part in [
            "what a network must beat:\nclassifier",
            "majority    0.667",
            "operating points, chosen on val",
            "these cases  0.667 (0.208 to 0.939)  1.000 (",
            "0.50       0.1667  0.0000     0\n",
            "sex     F      6  3",
        ] {
            assert!(text.contains(part), "`{part}` in\n{text}");
        }
    }

    #[test]
    fn what_was_not_asked_is_not_told() {
        let evaluation = everything().evaluation;
        assert_eq!(assessment_text(&evaluation.clone().into()), metrics_table(&evaluation));
    }
}
