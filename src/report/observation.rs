//! One observation as one line of JSON.

use serde::Serialize;

use crate::findings::{Code, Observation};

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    status: &'static str,
    codes: &'a [Code],
    prediction: Option<&'a str>,
    probabilities: Option<serde_json::Map<String, serde_json::Value>>,
    threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<&'a [f32]>,
    bundle: &'a str,
    weights_sha256: &'a str,
    pulmo: &'a str,
    device: &'a str,
    views: usize,
}

/// Returns an observation as one line of JSON: `path`, `status`, `codes`, `prediction`,
/// `probabilities` (class name to probability), `threshold`, `attention` where there is one,
/// `bundle`, `weights_sha256`, `pulmo`, `device` and `views` (how many mirror images were averaged). Without a prediction the middle fields are null.
pub fn observation_line(observation: &Observation) -> String {
    let prediction = observation.prediction.as_ref();
    let line = Line {
        path: observation.path.display().to_string(),
        status: observation.verdict.as_str(),
        codes: observation.verdict.codes(),
        prediction: prediction.map(|prediction| prediction.class.as_str()),
        probabilities: prediction.map(|prediction| {
            let named = prediction.classes.iter().zip(&prediction.probabilities);
            named.map(|(class, probability)| (class.clone(), (*probability).into())).collect()
        }),
        threshold: prediction.and_then(|prediction| prediction.threshold),
        attention: prediction.and_then(|prediction| prediction.attention.as_deref()),
        bundle: &observation.provenance.bundle,
        weights_sha256: &observation.provenance.weights_sha256,
        pulmo: &observation.provenance.pulmo,
        device: &observation.provenance.device,
        views: observation.provenance.views,
    };
    // Strings, numbers and string keys alone: this cannot fail.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Prediction, Provenance, Verdict};

    #[test]
    fn a_line_has_the_promised_fields() {
        let provenance = Provenance {
            bundle: "b".into(),
            weights_sha256: "h".into(),
            pulmo: "0".into(),
            device: "cpu".into(),
            views: 1,
        };
        let prediction = Prediction {
            class: "nodule".into(),
            classes: vec!["normal".into(), "nodule".into()],
            probabilities: vec![0.25, 0.75],
            threshold: Some(0.5),
            attention: None,
        };
        let observation = Observation {
            path: "a\nb".into(),
            verdict: Verdict::OkWarn(vec![Code::Lossy]),
            prediction: Some(prediction),
            provenance: provenance.clone(),
        };
        let line = observation_line(&observation);
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["status"], "OK_WARN");
        assert_eq!(value["codes"][0], "LOSSY");
        assert_eq!(value["probabilities"]["nodule"], 0.75);
        let refused =
            Observation { verdict: Verdict::NotEvaluable(Code::Gap), prediction: None, ..observation };
        let value: serde_json::Value = serde_json::from_str(&observation_line(&refused)).unwrap();
        assert!(value["prediction"].is_null() && value["probabilities"].is_null());
        assert_eq!(value["codes"][0], "GAP");
    }
}
