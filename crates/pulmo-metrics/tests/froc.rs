//! The free-response curve is the one that counting anew at each threshold gives; `golden/ORIGIN.md` says where from.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use pulmo_metrics::{FROC_RATES, Froc, Mark, MarkedScan, Target};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn scan(value: &Value) -> MarkedScan {
    let target = |row: Vec<f64>| Target { centre_mm: [row[0], row[1], row[2]], radius_mm: row[3] };
    let mark = |row: Vec<f64>| Mark { centre_mm: [row[0], row[1], row[2]], score: row[3] };
    MarkedScan {
        targets: rows(&value["targets"]).into_iter().map(target).collect(),
        marks: rows(&value["marks"]).into_iter().map(mark).collect(),
    }
}

#[test]
fn the_curve_is_that_of_counting_at_each_threshold() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("golden/froc.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let scans: Vec<MarkedScan> = case["scans"].as_array().unwrap().iter().map(scan).collect();
        let froc = Froc::compute(&scans).unwrap();
        // A second hit of one nodule changes no count: the curve has no point there.
        let mut golden = rows(&case["points"]);
        golden.dedup_by(|next, last| next[..2] == last[..2]);
        assert_eq!(froc.points().len(), golden.len());
        for (point, golden) in froc.points().iter().zip(&golden) {
            let own = [point.false_positives, point.sensitivity, point.threshold];
            assert!(
                own.iter().zip(golden).all(|(own, golden)| (own - golden).abs() < 1e-12),
                "{own:?} {golden:?}"
            );
        }
        for (rate, golden) in FROC_RATES.iter().zip(numbers(&case["sensitivities"])) {
            assert!((froc.sensitivity_at(*rate) - golden).abs() < 1e-12, "{golden} at {rate}");
        }
        assert!((froc.cpm() - case["cpm"].as_f64().unwrap()).abs() < 1e-12);
    }
}
