//! Two tables of predictions on the same cases, compared.

use std::collections::BTreeMap;

use serde::Serialize;

use super::table::interval_text;
use super::{PredictionRow, Predictions, ReportError};
use pulmo_metrics::{AucComparison, EvaluationSettings, Paired, RocAuc, compare_roc_auc};

/// What was compared and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The class whose ranking is compared, against all others.
    pub class: String,
    /// Cases in both tables.
    pub cases: usize,
    /// Cases of the class.
    pub positive: usize,
    /// Patients.
    pub patients: usize,
    /// The areas; `None` with fewer than two cases of the class or of the others.
    pub roc_auc: Option<AucComparison>,
}

/// The areas under the ROC curves of two tables of predictions of the same cases, matched by path.
///
/// `class` names the positive class; left out it is the second of two.
///
/// # Errors
/// [`ReportError::Unpaired`] where classes, paths, labels or patients differ, a path comes twice, a case
/// has no label, or a class must be named; [`ReportError::Samples`].
pub fn compare(
    tables: [&Predictions; 2],
    class: Option<&str>,
    settings: &EvaluationSettings,
) -> Result<Comparison, ReportError> {
    let [first, second] = tables;
    if first.classes != second.classes {
        return Err(unpaired("the two tables have other classes"));
    }
    let class = class_index(&first.classes, class)?;
    let rows = paired_rows(first, second)?;
    let scores = |side: usize| -> Result<Vec<f64>, ReportError> {
        let score = |pair: &Pair<'_>| pair[side].probabilities.get(class).copied();
        rows.iter().map(|pair| score(pair).ok_or_else(|| unpaired("a row is too short"))).collect()
    };
    let [ours, theirs] = [scores(0)?, scores(1)?];
    let name = &first.classes[class];
    let positive: Vec<bool> = rows.iter().map(|[row, _]| row.label.as_ref() == Some(name)).collect();
    let patients: Vec<String> = rows.iter().map(|[row, _]| whose(row).to_owned()).collect();
    let paired = Paired { scores: [&ours, &theirs], positive: &positive, patients: &patients };
    let roc_auc = compare_roc_auc(&paired, settings)?;
    let positive = positive.iter().filter(|&&is| is).count();
    let patients = patients.iter().collect::<std::collections::BTreeSet<_>>().len();
    Ok(Comparison { class: name.clone(), cases: rows.len(), positive, patients, roc_auc })
}

/// A case in both tables.
type Pair<'a> = [&'a PredictionRow; 2];

fn unpaired(what: impl Into<String>) -> ReportError {
    ReportError::Unpaired { what: what.into() }
}

/// The patient; the path where there is none.
fn whose(row: &PredictionRow) -> &str {
    if row.patient_id.is_empty() { &row.path } else { &row.patient_id }
}

fn class_index(classes: &[String], wanted: Option<&str>) -> Result<usize, ReportError> {
    let known = classes.join(", ");
    match wanted {
        None if classes.len() == 2 => Ok(1),
        None => Err(unpaired(format!("name the class to compare with --class, one of {known}"))),
        Some(name) => classes
            .iter()
            .position(|class| class == name)
            .ok_or_else(|| unpaired(format!("`{name}` is not a class of the tables ({known})"))),
    }
}

fn paired_rows<'a>(first: &'a Predictions, second: &'a Predictions) -> Result<Vec<Pair<'a>>, ReportError> {
    let mut others = BTreeMap::new();
    for row in &second.rows {
        if others.insert(row.path.as_str(), row).is_some() {
            return Err(unpaired(format!("{} is twice in the second table", row.path)));
        }
    }
    let mut pairs = Vec::with_capacity(first.rows.len());
    for row in &first.rows {
        let other = others
            .remove(row.path.as_str())
            .ok_or_else(|| unpaired(format!("{} is only in the first table, or there twice", row.path)))?;
        if row.label.is_none() || row.label != other.label {
            return Err(unpaired(format!("{} has no label or another in the second table", row.path)));
        }
        if row.patient_id != other.patient_id {
            return Err(unpaired(format!("{} has another patient in the second table", row.path)));
        }
        pairs.push([row, other]);
    }
    match others.into_keys().next() {
        Some(path) => Err(unpaired(format!("{path} is only in the second table"))),
        None => Ok(pairs),
    }
}

/// The comparison as text; `names` are those of the two tables.
pub fn comparison_text(comparison: &Comparison, names: [&str; 2]) -> String {
    let Comparison { class, cases, positive, patients, roc_auc } = comparison;
    let mut text = format!("{cases} cases of {patients} patients, {positive} of them {class}\n\n");
    let Some(found) = roc_auc else {
        return text + "the areas are undefined: at least two cases of either kind are needed\n";
    };
    for (letter, (name, area)) in ["A", "B"].into_iter().zip(names.into_iter().zip(found.areas)) {
        text += &format!("{letter}  ROC AUC {}  {name}\n", with_interval(area.value, area.ci95));
    }
    text += &format!("\nB - A  {}, DeLong", with_interval(found.difference, found.ci95));
    text += &match found.z.zip(found.p) {
        Some((z, p)) => format!(", z {z:.3}, p {p:.4}\n"),
        None => ", no test: the two rank all cases alike\n".to_owned(),
    };
    text +=
        &format!("B - A  {}, resampling patients\n", with_interval(found.difference, found.by_patient.ci95));
    if patients < cases {
        text +=
            "\nDeLong counts cases as independent, but some patients have several: rely on the last line.\n";
    }
    text
}

fn with_interval(value: f64, ci95: Option<[f64; 2]>) -> String {
    match interval_text(ci95) {
        interval if interval.is_empty() => format!("{value:.3} (no interval)"),
        interval => format!("{value:.3} ({interval})"),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    class: &'a str,
    cases: usize,
    positive: usize,
    patients: usize,
    a: Option<Area<'a>>,
    b: Option<Area<'a>>,
    /// B less A.
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Area<'a> {
    name: &'a str,
    roc_auc: f64,
    standard_error: f64,
    ci95: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct Difference {
    roc_auc: f64,
    standard_error: f64,
    ci95: Option<[f64; 2]>,
    z: Option<f64>,
    p: Option<f64>,
    by_patient_ci95: Option<[f64; 2]>,
}

/// The comparison as one JSON document; what is undefined is `null`.
///
/// # Errors
/// The serializer fails.
pub fn comparison_json(comparison: &Comparison, names: [&str; 2]) -> Result<String, ReportError> {
    let found = comparison.roc_auc.as_ref();
    let area = |side: usize| {
        let RocAuc { value, standard_error, ci95 } = found?.areas[side];
        Some(Area { name: names[side], roc_auc: value, standard_error, ci95 })
    };
    let document = Document {
        class: &comparison.class,
        cases: comparison.cases,
        positive: comparison.positive,
        patients: comparison.patients,
        a: area(0),
        b: area(1),
        difference: found.map(|found| Difference {
            roc_auc: found.difference,
            standard_error: found.standard_error,
            ci95: found.ci95,
            z: found.z,
            p: found.p,
            by_patient_ci95: found.by_patient.ci95,
        }),
    };
    Ok(serde_json::to_string_pretty(&document)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(scores: &[f64]) -> Predictions {
        let row = |(index, &score): (usize, &f64)| PredictionRow {
            path: format!("{index}.png"),
            patient_id: format!("p{}", index / 2),
            label: Some(["well", "ill"][index % 2].into()),
            prediction: "ill".into(),
            probabilities: vec![1.0 - score, score],
        };
        let classes = ["well", "ill"].map(String::from).to_vec();
        Predictions { classes, rows: scores.iter().enumerate().map(row).collect() }
    }

    const SCORES: [f64; 8] = [0.1, 0.6, 0.2, 0.15, 0.7, 0.9, 0.3, 0.8];

    #[test]
    fn cases_are_matched_by_path_not_by_place() {
        let first = table(&SCORES);
        let mut second = table(&[0.5, 0.4, 0.2, 0.9, 0.7, 0.1, 0.3, 0.8]);
        let settings = EvaluationSettings::default();
        let found = compare([&first, &second], None, &settings).unwrap();
        assert_eq!((found.cases, found.positive, found.patients), (8, 4, 4));
        second.rows.reverse();
        assert_eq!(compare([&first, &second], Some("ill"), &settings).unwrap(), found);
        let text = comparison_text(&found, ["old.csv", "new.csv"]);
        assert!(text.contains("B - A  -0.") && text.contains("rely on the last line"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&comparison_json(&found, ["old.csv", "new.csv"]).unwrap()).unwrap();
        let areas = found.roc_auc.unwrap();
        assert_eq!(json["b"]["roc_auc"].as_f64(), Some(areas.areas[1].value));
        assert_eq!(json["difference"]["p"].as_f64(), areas.p);
    }

    #[test]
    fn tables_of_other_cases_are_refused() {
        type Break = fn(&mut Predictions);
        let cases: [(Break, &str); 6] = [
            (|table| _ = table.rows.pop(), "7.png is only in the first table"),
            (|table| table.rows[2].label = Some("ill".into()), "2.png has no label or another"),
            (|table| table.rows[2].patient_id = "x".into(), "2.png has another patient"),
            (|table| table.rows[1].path = "0.png".into(), "0.png is twice in the second table"),
            (|table| table.classes.reverse(), "other classes"),
            (
                |table| {
                    let mut row = table.rows[0].clone();
                    row.path = "new.png".into();
                    table.rows.push(row);
                },
                "new.png is only in the second table",
            ),
        ];
        for (spoil, message) in cases {
            let mut second = table(&SCORES);
            spoil(&mut second);
            let error =
                compare([&table(&SCORES), &second], None, &EvaluationSettings::default()).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
        let error = compare([&table(&SCORES); 2], Some("dead"), &EvaluationSettings::default()).unwrap_err();
        assert!(error.to_string().contains("`dead` is not a class"), "{error}");
    }
}
