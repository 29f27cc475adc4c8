//! Intervals, tests, calibration and curves equal those of independent software.
//!
//! `golden/metrics/ORIGIN.md` says where the numbers come from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use pulmo::metrics::{
    CalibrationMap, CalibrationMethod, CalibrationScores, EvaluationSettings, OperatingPoint, OperatingRule,
    Paired, Ranking, Samples, calibration_scores, compare_roc_auc, decision_curve, decision_thresholds,
};
use serde_json::Value;

/// Both sides sum at most a thousand doubles in other orders.
const TOLERANCE: f64 = 1e-9;

fn golden(name: &str) -> Value {
    let path = format!("tests/golden/metrics/statistics/{name}.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn assert_near(what: &str, ours: impl IntoIterator<Item = f64>, golden: &Value) {
    let golden: Vec<f64> = if golden.is_array() { read(golden) } else { vec![read(golden)] };
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), golden.len(), "{what}");
    for (index, (ours, golden)) in ours.iter().zip(golden).enumerate() {
        assert!((ours - golden).abs() < TOLERANCE, "{what} at {index}: {ours} {golden}");
    }
}

#[test]
fn delongs_test_is_mlstatkits() {
    for case in golden("delong").as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let [first, second]: [Vec<f64>; 2] = read(&case["scores"]);
        let positive: Vec<bool> = read(&case["positive"]);
        let patients: Vec<String> = (0..positive.len()).map(|patient| patient.to_string()).collect();
        let paired = Paired { scores: [&first, &second], positive: &positive, patients: &patients };
        let found = compare_roc_auc(&paired, &EvaluationSettings::default()).unwrap().unwrap();
        assert_near(name, found.areas.map(|area| area.value), &case["areas"]);
        for (area, expected) in found.areas.iter().zip(case["ci95"].as_array().unwrap()) {
            assert_near(name, area.ci95.unwrap(), expected);
        }
        assert_near(name, [found.standard_error.powi(2)], &case["variance_of_difference"]);
        assert_near(name, found.z, &case["z"]);
        assert_near(name, found.p, &case["p"]);
        // The bootstrap is another way to the same width; a percentile of 2000 draws and the normal
        // approximation differ by a few percent of it, in small samples more.
        let [low, high] = found.by_patient.ci95.unwrap();
        let width = 2.0 * 1.96 * found.standard_error;
        assert!(((high - low) / width - 1.0).abs() < 0.15, "{name}: {} {width}", high - low);
    }
}

/// The lowest point of a smooth loss is flat: scipy knows it to about the root of its rounding.
const TEMPERATURE_TOLERANCE: f64 = 1e-6;

#[track_caller]
fn assert_scores(what: &str, ours: &CalibrationScores, golden: &Value) {
    let CalibrationScores { expected_calibration_error, maximum_calibration_error, brier, log_loss } = *ours;
    assert_near(what, [expected_calibration_error], &golden["ece"]);
    assert_near(what, [maximum_calibration_error], &golden["mce"]);
    assert_near(what, [brier], &golden["brier"]);
    assert_near(what, [log_loss], &golden["log_loss"]);
}

#[test]
fn calibration_is_scikit_learns_and_scipys() {
    for case in golden("calibration").as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let labels: Vec<usize> = read(&case["labels"]);
        let rows: Vec<Vec<f64>> = read(&case["probabilities"]);
        assert_scores(name, &calibration_scores(&labels, &rows).unwrap(), &case["before"]);
        let map = CalibrationMap::fit(CalibrationMethod::Temperature, &labels, &rows).unwrap();
        let CalibrationMap::Temperature { temperature } = map else { panic!("{map:?}") };
        let expected: f64 = read(&case["temperature"]);
        assert!(
            (temperature / expected - 1.0).abs() < TEMPERATURE_TOLERANCE,
            "{name}: {temperature} {expected}"
        );
        let theirs = CalibrationMap::Temperature { temperature: expected };
        let cooled: Vec<Vec<f64>> = rows.iter().map(|row| theirs.apply(row)).collect();
        assert_scores(name, &calibration_scores(&labels, &cooled).unwrap(), &case["after_temperature"]);
        if case.get("isotonic").is_some() {
            let map = CalibrationMap::fit(CalibrationMethod::Isotonic, &labels, &rows).unwrap();
            let at: Vec<f64> = read(&case["isotonic"]["at"]);
            let values = at.iter().map(|&at| map.apply(&[1.0 - at, at])[1]);
            assert_near(name, values, &case["isotonic"]["values"]);
        }
    }
}

fn two_classes(positive: &[bool], scores: &[f64]) -> Samples {
    Samples {
        classes: vec!["well".into(), "ill".into()],
        labels: positive.iter().map(|&is| usize::from(is)).collect(),
        predictions: vec![0; scores.len()],
        probabilities: scores.iter().map(|score| vec![1.0 - score, *score]).collect(),
        patients: (0..scores.len()).map(|patient| patient.to_string()).collect(),
    }
}

#[test]
fn operating_points_are_those_of_scikit_learns_curve() {
    let settings = EvaluationSettings { resamples: 0, ..EvaluationSettings::default() };
    for case in golden("decisions").as_array().unwrap() {
        let (positive, scores): (Vec<bool>, Vec<f64>) = (read(&case["positive"]), read(&case["scores"]));
        let ranking = Ranking::new(&scores, &positive).unwrap();
        for (name, expected) in case["rules"].as_object().unwrap() {
            let name = format!("{}, {name}", case["name"]);
            let rule: OperatingRule = name.rsplit(", ").next().unwrap().parse().unwrap();
            let Some(threshold) = rule.choose(&ranking) else {
                assert!(expected.is_null(), "{name}");
                continue;
            };
            assert_near(&name, [threshold], &expected["threshold"]);
            let point = OperatingPoint::at(threshold, &two_classes(&positive, &scores), &settings).unwrap();
            for (rate, field) in [
                (point.sensitivity, "sensitivity"),
                (point.specificity, "specificity"),
                (point.positive_predictive_value, "ppv"),
                (point.negative_predictive_value, "npv"),
            ] {
                match (rate.value, rate.wilson95) {
                    (Some(value), Some([low, high])) => {
                        assert_near(&name, [value, low, high], &expected[field])
                    }
                    _ => assert!(expected[field].is_null(), "{name} {field}"),
                }
            }
        }
    }
}

#[test]
fn the_decision_curve_is_that_of_dcurves() {
    for case in golden("decisions").as_array().unwrap() {
        let (positive, scores): (Vec<bool>, Vec<f64>) = (read(&case["positive"]), read(&case["scores"]));
        let curve = decision_curve(&Ranking::new(&scores, &positive).unwrap(), &decision_thresholds());
        assert_near("model", curve.iter().map(|point| point.model), &case["model"]);
        assert_near("treat all", curve.iter().map(|point| point.treat_all), &case["treat_all"]);
    }
}
