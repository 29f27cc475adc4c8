//! Everything that is told of an evaluation, and its `metrics.json`.

use serde::Serialize;

use super::ReportError;
use super::json::{Document, document};
use pulmo_metrics::{AucComparison, Evaluation, NetBenefit, OperatingPoint, OperatingRule, Rate};

/// An evaluation and what was asked beside it; what is empty or `None` is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The metrics of the cases.
    pub evaluation: Evaluation,
    /// The metrics of the patients, each with the mean probability of the patient's cases.
    pub patient_level: Option<Evaluation>,
    /// Simple classifiers on the same cases.
    pub baselines: Vec<BaselineRow>,
    /// Thresholds chosen on other cases.
    pub operating_points: Vec<ChosenPoint>,
    /// Net benefit, for two classes.
    pub decision_curve: Vec<NetBenefit>,
    /// The metrics of parts of the cases.
    pub subgroups: Vec<Subgroup>,
}

/// A simple classifier on the same cases.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineRow {
    /// What it looks at.
    pub name: String,
    /// What it is worth.
    pub evaluation: Evaluation,
    /// For two classes: how much larger the bundle's area is than its own.
    pub gain: Option<AucComparison>,
}

/// A threshold and what it is worth where it was chosen and elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenPoint {
    /// How it was chosen.
    pub rule: OperatingRule,
    /// On the split called so.
    pub chosen_on: String,
    /// Where it was chosen; optimistic.
    pub chosen: OperatingPoint,
    /// On the evaluated cases.
    pub applied: OperatingPoint,
}

/// Cases that have something in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Subgroup {
    /// The manifest's column.
    pub column: String,
    /// What stands there; empty for nothing.
    pub value: String,
    /// Their metrics.
    pub evaluation: Evaluation,
}

impl From<Evaluation> for Assessment {
    fn from(evaluation: Evaluation) -> Self {
        Self {
            evaluation,
            patient_level: None,
            baselines: Vec::new(),
            operating_points: Vec::new(),
            decision_curve: Vec::new(),
            subgroups: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    cases: Document<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_level: Option<Document<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    baselines: Vec<BaselineBlock<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operating_points: Vec<PointBlock<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decision_curve: Vec<[f64; 3]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<SubgroupBlock<'a>>,
}

#[derive(Serialize)]
struct BaselineBlock<'a> {
    name: &'a str,
    gain: Option<GainBlock>,
    #[serde(flatten)]
    metrics: Document<'a>,
}

#[derive(Serialize)]
struct GainBlock {
    roc_auc: f64,
    by_patient_ci95: Option<[f64; 2]>,
    delong_ci95: Option<[f64; 2]>,
    delong_p: Option<f64>,
}

#[derive(Serialize)]
struct PointBlock<'a> {
    rule: String,
    threshold: f64,
    chosen_on: &'a str,
    chosen: RatesBlock,
    applied: RatesBlock,
}

#[derive(Serialize)]
struct RatesBlock {
    true_positives: u64,
    false_positives: u64,
    false_negatives: u64,
    true_negatives: u64,
    sensitivity: RateBlock,
    specificity: RateBlock,
    positive_predictive_value: RateBlock,
    negative_predictive_value: RateBlock,
}

#[derive(Serialize)]
struct RateBlock {
    value: Option<f64>,
    wilson95: Option<[f64; 2]>,
    by_patient_ci95: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct SubgroupBlock<'a> {
    column: &'a str,
    value: &'a str,
    #[serde(flatten)]
    metrics: Document<'a>,
}

impl From<Rate> for RateBlock {
    fn from(Rate { value, wilson95, by_patient95 }: Rate) -> Self {
        Self { value, wilson95, by_patient_ci95: by_patient95 }
    }
}

impl From<&OperatingPoint> for RatesBlock {
    fn from(point: &OperatingPoint) -> Self {
        Self {
            true_positives: point.counts.true_positives,
            false_positives: point.counts.false_positives,
            false_negatives: point.counts.false_negatives,
            true_negatives: point.counts.true_negatives,
            sensitivity: point.sensitivity.into(),
            specificity: point.specificity.into(),
            positive_predictive_value: point.positive_predictive_value.into(),
            negative_predictive_value: point.negative_predictive_value.into(),
        }
    }
}

impl<'a> From<&'a BaselineRow> for BaselineBlock<'a> {
    fn from(row: &'a BaselineRow) -> Self {
        let gain = row.gain.map(|gain| GainBlock {
            roc_auc: gain.difference,
            by_patient_ci95: gain.by_patient.ci95,
            delong_ci95: gain.ci95,
            delong_p: gain.p,
        });
        Self { name: &row.name, gain, metrics: document(&row.evaluation) }
    }
}

impl<'a> From<&'a ChosenPoint> for PointBlock<'a> {
    fn from(point: &'a ChosenPoint) -> Self {
        Self {
            rule: point.rule.to_string(),
            threshold: point.applied.threshold,
            chosen_on: &point.chosen_on,
            chosen: (&point.chosen).into(),
            applied: (&point.applied).into(),
        }
    }
}

/// The text of `metrics.json`: that of [`super::metrics_json`] and a block for everything else that
/// was asked. `decision_curve` holds threshold, net benefit of the model and of acting on everybody.
///
/// # Errors
/// The serializer fails.
pub fn assessment_json(assessment: &Assessment) -> Result<String, ReportError> {
    let whole = Whole {
        cases: document(&assessment.evaluation),
        patient_level: assessment.patient_level.as_ref().map(document),
        baselines: assessment.baselines.iter().map(BaselineBlock::from).collect(),
        operating_points: assessment.operating_points.iter().map(PointBlock::from).collect(),
        decision_curve: assessment
            .decision_curve
            .iter()
            .map(|point| [point.threshold, point.model, point.treat_all])
            .collect(),
        subgroups: assessment
            .subgroups
            .iter()
            .map(|group| SubgroupBlock {
                column: &group.column,
                value: &group.value,
                metrics: document(&group.evaluation),
            })
            .collect(),
    };
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics_json;
    use crate::table::tests::evaluated;
    use pulmo_metrics::{EvaluationSettings, decision_curve};

    /// Everything that can be asked of six samples.
    pub(crate) fn everything() -> Assessment {
        let (samples, evaluation) = evaluated(&["benign", "malignant"]);
        let ranking = samples.ranking(1).unwrap();
        let at = |threshold| OperatingPoint::at(threshold, &samples, &EvaluationSettings::default()).unwrap();
        let threshold = OperatingRule::Youden.choose(&ranking).unwrap();
        Assessment {
            patient_level: Some(evaluation.clone()),
            baselines: vec![BaselineRow {
                name: "majority".into(),
                evaluation: evaluation.clone(),
                gain: None,
            }],
            operating_points: vec![ChosenPoint {
                rule: OperatingRule::Youden,
                chosen_on: "val".into(),
                chosen: at(threshold),
                applied: at(threshold),
            }],
            decision_curve: decision_curve(&ranking, &[0.1, 0.5]),
            subgroups: vec![Subgroup {
                column: "sex".into(),
                value: "F".into(),
                evaluation: evaluation.clone(),
            }],
            evaluation,
        }
    }

    #[test]
    fn the_old_document_is_the_new_one_with_less() {
        let assessment = everything();
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let old = read(&metrics_json(&assessment.evaluation).unwrap());
        let new = read(&assessment_json(&assessment).unwrap());
        for (name, value) in old.as_object().unwrap() {
            assert_eq!(&new[name], value, "{name}");
        }
        assert_eq!(read(&assessment_json(&assessment.evaluation.clone().into()).unwrap()), old);
        assert_eq!(new["patient_level"]["metrics"], old["metrics"]);
        assert_eq!(new["operating_points"][0]["rule"], "youden");
        assert_eq!(new["operating_points"][0]["applied"]["true_positives"], 2);
        assert_eq!(new["subgroups"][0]["value"], "F");
        assert_eq!(new["decision_curve"][1][0], 0.5);
        assert!(new["baselines"][0]["gain"].is_null());
    }
}
