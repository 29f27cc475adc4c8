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

use pulmo::metrics::{Paired, Settings, compare_roc_auc};
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
        let found = compare_roc_auc(&paired, &Settings::default()).unwrap().unwrap();
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
