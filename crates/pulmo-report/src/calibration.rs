//! What a calibration changed.

use serde::Serialize;

use super::plot::{Curve, DASHED, plot, solid};
use super::table::aligned;
use super::{ReportError, table::number_text};
use pulmo_metrics::{CalibrationMap, CalibrationScores, Reliability};

/// Scores of some cases before and after calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationRow {
    /// Which cases, and how the map that they were calibrated with was fitted.
    pub cases: String,
    /// How many.
    pub n: usize,
    /// Scores without calibration.
    pub before: CalibrationScores,
    /// Scores with calibration.
    pub after: CalibrationScores,
}

/// A calibration and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationReport {
    /// The map.
    pub map: CalibrationMap,
    /// The threshold before and after.
    pub threshold: [Option<f32>; 2],
    /// What changed.
    pub rows: Vec<CalibrationRow>,
}

type Named = (&'static str, fn(&CalibrationScores) -> f64);

const SCORES: [Named; 4] = [
    ("expected_calibration_error", |scores| scores.expected_calibration_error),
    ("maximum_calibration_error", |scores| scores.maximum_calibration_error),
    ("brier", |scores| scores.brier),
    ("log_loss", |scores| scores.log_loss),
];

/// The report as aligned lines.
pub fn calibration_text(report: &CalibrationReport) -> String {
    let mut text = match &report.map {
        CalibrationMap::Temperature { temperature } => format!("temperature {temperature:.4}"),
        CalibrationMap::Isotonic { scores, .. } => format!("isotonic curve through {} points", scores.len()),
    };
    if let [Some(before), Some(after)] = report.threshold {
        text += &format!(", threshold {before:.4} -> {after:.4}");
    }
    text += "\n";
    for CalibrationRow { cases, n, before, after } in &report.rows {
        text += &format!("\n{cases} ({n} cases)\n");
        let heads = ["score", "before", "after"].map(String::from);
        let row = |(name, score): Named| {
            [name.to_owned(), number_text(Some(score(before))), number_text(Some(score(after)))]
        };
        text += &aligned(&std::iter::once(heads).chain(SCORES.map(row)).collect::<Vec<_>>());
    }
    text
}

#[derive(Serialize)]
struct Document<'a> {
    map: &'a CalibrationMap,
    threshold_before: Option<f32>,
    threshold_after: Option<f32>,
    cases: Vec<Cases<'a>>,
}

#[derive(Serialize)]
struct Cases<'a> {
    cases: &'a str,
    n: usize,
    before: serde_json::Map<String, serde_json::Value>,
    after: serde_json::Map<String, serde_json::Value>,
}

/// The text of `calibration.json`.
///
/// # Errors
/// The serializer fails.
pub fn calibration_json(report: &CalibrationReport) -> Result<String, ReportError> {
    let scores = |scores: &CalibrationScores| {
        SCORES.iter().map(|(name, score)| ((*name).to_owned(), score(scores).into())).collect()
    };
    let [threshold_before, threshold_after] = report.threshold;
    let cases = report.rows.iter().map(|CalibrationRow { cases, n, before, after }| Cases {
        cases,
        n: *n,
        before: scores(before),
        after: scores(after),
    });
    let document = Document { map: &report.map, threshold_before, threshold_after, cases: cases.collect() };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Observed frequency against mean probability of the bins that hold samples, before and after
/// calibration. `said` names the probability.
pub fn reliability_change_svg(said: &str, [before, after]: [&Reliability; 2]) -> String {
    let curve = |(index, name, reliability): (usize, &str, &Reliability)| {
        let bins = reliability.bins();
        let points = bins.iter().filter_map(|bin| Some([bin.confidence?, bin.accuracy?])).collect();
        let error = reliability.expected_calibration_error();
        Curve {
            style: solid(index),
            points,
            legend: format!("{name}, expected calibration error {error:.3}"),
        }
    };
    let diagonal =
        Curve { style: DASHED.into(), points: vec![[0.0, 0.0], [1.0, 1.0]], legend: "calibrated".into() };
    let curves = [curve((1, "before", before)), curve((0, "after", after)), diagonal];
    plot("Reliability", [said, "observed frequency"], &curves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> CalibrationReport {
        let scores = |error| CalibrationScores {
            expected_calibration_error: error,
            maximum_calibration_error: 2.0 * error,
            brier: 0.2,
            log_loss: 0.6,
        };
        CalibrationReport {
            map: CalibrationMap::Temperature { temperature: 2.5 },
            threshold: [Some(0.3), Some(0.4)],
            rows: vec![CalibrationRow {
                cases: "val".into(),
                n: 10,
                before: scores(0.2),
                after: scores(0.05),
            }],
        }
    }

    #[test]
    fn text_and_json_tell_the_same() {
        let text = calibration_text(&report());
        assert!(
            text.starts_with("temperature 2.5000, threshold 0.3000 -> 0.4000\n\nval (10 cases)\n"),
            "{text}"
        );
        assert!(text.contains("maximum_calibration_error   0.400   0.100\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&calibration_json(&report()).unwrap()).unwrap();
        assert_eq!(json["map"], serde_json::json!({ "kind": "temperature", "temperature": 2.5 }));
        assert_eq!(json["cases"][0]["after"]["maximum_calibration_error"], 0.1);
    }

    #[test]
    fn empty_bins_are_not_drawn() {
        let before = Reliability::new(&[0.05, 0.95, 0.96], &[true, false, true]).unwrap();
        let after = Reliability::new(&[0.5, 0.5], &[true, false]).unwrap();
        let svg = reliability_change_svg("probability of ill", [&before, &after]);
        assert_eq!(svg.matches("<polyline").count(), 2, "before and the diagonal; after is one point");
        assert!(svg.contains("before, expected calibration error 0.620") && !svg.contains("NaN"), "{svg}");
    }
}
