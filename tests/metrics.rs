//! Every metric equals scikit-learn's, and what scikit-learn cannot define is `None`.
//!
//! `golden/metrics/ORIGIN.md` says where the numbers come from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};

use pulmo::metrics::{
    ClassScores, Evaluation, EvaluationSettings, Samples, best_threshold_youden, precision_recall_curve,
    roc_curve,
};
use pulmo::report::Predictions;
use serde_json::Value;

/// Both sides sum at most 200 doubles in [0, 1] in different orders: rounding stays below 1e-13.
const TOLERANCE: f64 = 1e-9;

/// Percentiles of 4000 and of 2000 draws: three standard errors of the difference are 0.012.
const INTERVAL_TOLERANCE: f64 = 0.015;

const CASES: [&str; 7] = [
    "binary_balanced",
    "binary_imbalanced_ties",
    "three_classes",
    "one_class_only",
    "one_class_all_right",
    "class_never_predicted",
    "class_never_seen",
];

fn folder(case: &str) -> PathBuf {
    Path::new("tests/golden/metrics").join(case)
}

fn golden(case: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder(case).join("golden.json")).unwrap()).unwrap()
}

fn samples(case: &str) -> Samples {
    let table =
        Predictions::read(std::fs::File::open(folder(case).join("predictions.csv")).unwrap()).unwrap();
    let index = |name: &str| table.classes.iter().position(|class| class == name).unwrap();
    Samples {
        labels: table.rows.iter().map(|row| index(row.label.as_deref().unwrap())).collect(),
        predictions: table.rows.iter().map(|row| index(&row.prediction)).collect(),
        probabilities: table.rows.iter().map(|row| row.probabilities.clone()).collect(),
        patients: table.rows.iter().map(|row| row.patient_id.clone()).collect(),
        classes: table.classes,
    }
}

fn evaluate(case: &str) -> Evaluation {
    Evaluation::compute(&samples(case), &EvaluationSettings::default()).unwrap()
}

#[track_caller]
fn assert_same(what: &str, ours: Option<f64>, golden: &Value) {
    match (ours, golden.as_f64()) {
        (None, None) if golden.is_null() => {}
        (Some(ours), Some(golden)) => assert!((ours - golden).abs() < TOLERANCE, "{what}: {ours} {golden}"),
        (ours, _) => panic!("{what}: {ours:?}, golden {golden}"),
    }
}

#[track_caller]
fn assert_all_same(what: &str, ours: &[f64], golden: &Value) {
    let golden = golden.as_array().unwrap();
    assert_eq!(ours.len(), golden.len(), "{what}");
    for (index, (&ours, golden)) in ours.iter().zip(golden).enumerate() {
        assert_same(&format!("{what} at {index}"), Some(ours), golden);
    }
}

#[test]
fn every_metric_is_scikit_learns() {
    for case in CASES {
        let (evaluation, golden) = (evaluate(case), golden(case));
        assert_eq!(evaluation.n as u64, golden["n"].as_u64().unwrap());
        let expected = golden["metrics"].as_object().unwrap();
        assert_eq!(evaluation.metrics.len(), expected.len(), "{case}: every metric has a golden value");
        for (name, estimate) in &evaluation.metrics {
            assert_same(&format!("{case} {name}"), estimate.value, &expected[*name]);
        }
    }
}

#[test]
fn every_class_is_scikit_learns() {
    for case in CASES {
        let (evaluation, golden) = (evaluate(case), golden(case));
        let counts = evaluation.confusion.one_vs_rest();
        for (class, name) in evaluation.classes.iter().enumerate() {
            let expected = &golden["per_class"][name];
            let same =
                |score: &str, ours| assert_same(&format!("{case} {name} {score}"), ours, &expected[score]);
            let ClassScores { precision, recall, specificity, f1, support, roc_auc, average_precision } =
                evaluation.per_class[class];
            same("precision", precision);
            same("recall", recall);
            same("specificity", specificity);
            same("f1", f1);
            same("negative_predictive_value", counts[class].negative_predictive_value());
            same("roc_auc", roc_auc);
            same("average_precision", average_precision);
            assert_eq!(Some(support), expected["support"].as_u64());
        }
    }
}

#[test]
fn the_confusion_is_scikit_learns() {
    for case in CASES {
        let counts: Vec<Vec<u64>> = serde_json::from_value(golden(case)["confusion"].clone()).unwrap();
        assert_eq!(evaluate(case).confusion.counts(), counts, "{case}");
    }
}

#[test]
fn the_curves_are_scikit_learns() {
    for case in ["binary_balanced", "binary_imbalanced_ties"] {
        let (ranking, golden) = (samples(case).ranking(1).unwrap(), golden(case));
        let expected = &golden["curves"];
        let roc = roc_curve(&ranking).unwrap();
        let of_roc = |pick: fn(&pulmo::metrics::RocPoint) -> f64| roc.iter().map(pick).collect::<Vec<_>>();
        assert_all_same("fpr", &of_roc(|point| point.false_positive_rate), &expected["false_positive_rate"]);
        assert_all_same("tpr", &of_roc(|point| point.true_positive_rate), &expected["true_positive_rate"]);
        assert_eq!(roc[0].threshold, f64::INFINITY);
        assert_all_same("thresholds", &of_roc(|point| point.threshold)[1..], &expected["roc_thresholds"]);
        let curve = precision_recall_curve(&ranking).unwrap();
        let of_curve = |pick: fn(&pulmo::metrics::PrecisionRecallPoint) -> f64| {
            curve.iter().map(pick).collect::<Vec<_>>()
        };
        assert_all_same("precision", &of_curve(|point| point.precision), &expected["precision"]);
        assert_all_same("recall", &of_curve(|point| point.recall), &expected["recall"]);
        assert_all_same("thresholds", &of_curve(|point| point.threshold)[1..], &expected["pr_thresholds"]);
        assert_same("youden", best_threshold_youden(&ranking), &expected["youden"]);
    }
}

#[test]
fn intervals_are_those_of_patients_drawn_one_by_one() {
    for case in ["binary_balanced", "binary_imbalanced_ties"] {
        let (evaluation, golden) = (evaluate(case), golden(case));
        for name in ["accuracy", "roc_auc"] {
            let ours = evaluation.metric(name).unwrap().ci95.unwrap();
            let expected: [f64; 2] = serde_json::from_value(golden["ci95"][name].clone()).unwrap();
            for (ours, expected) in ours.iter().zip(expected) {
                assert!((ours - expected).abs() < INTERVAL_TOLERANCE, "{case} {name}: {ours} {expected}");
            }
        }
    }
}
