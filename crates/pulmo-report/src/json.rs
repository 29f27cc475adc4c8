//! `metrics.json`.

use serde::{Serialize, Serializer};

use super::ReportError;
use pulmo_metrics::{ClassScores, Estimate, Evaluation};

/// One evaluation.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    n: usize,
    positive: Option<usize>,
    positive_class: Option<&'a str>,
    classes: &'a [String],
    threshold: Option<f64>,
    metrics: Named<'a, Interval>,
    per_class: Named<'a, Class>,
    confusion: &'a [Vec<u64>],
    roc_auc_delong: Option<Delong>,
}

/// The area under the ROC curve with DeLong's interval, which takes cases as independent.
#[derive(Serialize)]
struct Delong {
    value: f64,
    standard_error: f64,
    ci95: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct Interval {
    value: Option<f64>,
    ci95: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct Class {
    precision: Option<f64>,
    recall: Option<f64>,
    specificity: Option<f64>,
    f1: Option<f64>,
    support: u64,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
}

/// Values by name, in the order given.
struct Named<'a, T>(Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl From<&Estimate> for Interval {
    fn from(&Estimate { value, ci95, .. }: &Estimate) -> Self {
        Self { value, ci95 }
    }
}

impl From<&ClassScores> for Class {
    fn from(scores: &ClassScores) -> Self {
        let &ClassScores { precision, recall, specificity, f1, support, roc_auc, average_precision } = scores;
        Self { precision, recall, specificity, f1, support, roc_auc, average_precision }
    }
}

/// The text of `metrics.json`; what is undefined is `null`. Rows of `confusion` are the truth.
///
/// # Errors
/// The serializer fails.
pub fn metrics_json(evaluation: &Evaluation) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(&document(evaluation))? + "\n")
}

/// The document of one evaluation.
pub(super) fn document(evaluation: &Evaluation) -> Document<'_> {
    let metrics = evaluation.metrics.iter().map(|(name, estimate)| (*name, estimate.into()));
    let classes = evaluation.classes.iter().map(String::as_str);
    Document {
        n: evaluation.n,
        positive: evaluation.positive,
        positive_class: evaluation.positive_class(),
        classes: &evaluation.classes,
        threshold: evaluation.threshold,
        metrics: Named(metrics.collect()),
        per_class: Named(classes.zip(evaluation.per_class.iter().map(Class::from)).collect()),
        confusion: evaluation.confusion.counts(),
        roc_auc_delong: evaluation.delong.map(|area| Delong {
            value: area.value,
            standard_error: area.standard_error,
            ci95: area.ci95,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::evaluated;

    #[test]
    fn the_document_has_its_shape() {
        let (_, evaluation) = evaluated(&["benign", "malignant"]);
        let text = metrics_json(&evaluation).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["n"], 6);
        assert_eq!(document["positive"], 3);
        assert_eq!(document["positive_class"], "malignant");
        assert_eq!(document["threshold"], 0.5);
        assert_eq!(document["confusion"], serde_json::json!([[2, 1], [1, 2]]));
        assert_eq!(document["metrics"]["accuracy"]["value"].as_f64(), evaluation.confusion.accuracy());
        assert_eq!(document["metrics"]["accuracy"]["ci95"].as_array().map(Vec::len), Some(2));
        assert_eq!(document["per_class"]["benign"]["support"], 3);
        assert_eq!(document["roc_auc_delong"]["value"], document["metrics"]["roc_auc"]["value"]);
        let place = |name: &str| text.find(&format!("\"{name}\": {{")).unwrap();
        assert!(place("accuracy") < place("roc_auc") && place("roc_auc") < place("brier"));
    }

    #[test]
    fn undefined_is_null() {
        let (_, evaluation) = evaluated(&["normal", "benign", "malignant"]);
        let document: serde_json::Value = serde_json::from_str(&metrics_json(&evaluation).unwrap()).unwrap();
        assert!(document["positive"].is_null() && document["positive_class"].is_null());
        assert!(document["metrics"]["roc_auc"]["value"].is_null());
        assert!(document["metrics"]["roc_auc"]["ci95"].is_null());
        assert!(document["per_class"]["malignant"]["precision"].is_null());
    }
}
