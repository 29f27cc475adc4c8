//! One observation as one line of JSON.

use std::path::Path;

use serde::Serialize;

use pulmo_scan::findings::{
    Code, HeatMap, NoduleFinding, Observation, Pseudonyms, Reason, ScanProtocol, Setback,
};
use pulmo_scan::geometry::{Grid, Unit};

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    status: &'static str,
    codes: Vec<Code>,
    reasons: &'a [Reason],
    prediction: Option<&'a str>,
    probabilities: Option<serde_json::Map<String, serde_json::Value>>,
    threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<&'a [f32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention_z_mm: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heat_map: Option<HeatLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodules: Option<&'a [NoduleFinding]>,
    bundle: &'a str,
    weights_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_sha256: Option<&'a str>,
    pulmo: &'a str,
    device: &'a str,
    views: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    setbacks: &'a [Setback],
    #[serde(flatten)]
    scanner: ScannerFields<'a>,
    #[serde(flatten)]
    pseudonyms: &'a Pseudonyms,
}

/// Scanner and protocol, as far as they are known.
#[derive(Serialize)]
struct ScannerFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thickness_mm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kvp: Option<f64>,
}

impl<'a> ScannerFields<'a> {
    fn new(protocol: &'a ScanProtocol) -> Self {
        Self {
            manufacturer: protocol.manufacturer.as_deref(),
            model: protocol.model.as_deref(),
            kernel: protocol.convolution_kernel.as_deref(),
            thickness_mm: protocol.slice_thickness_mm,
            kvp: protocol.kvp,
        }
    }
}

/// What a heat map says in short.
#[derive(Serialize)]
struct HeatLine<'a> {
    file: Option<String>,
    class: &'a str,
    evidence: f32,
    peak: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_mm: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_pixel: Option<[f64; 2]>,
    slice: Option<usize>,
}

impl<'a> HeatLine<'a> {
    fn new(map: &'a HeatMap, scan: Option<&Grid>, file: Option<&Path>) -> Self {
        let peak = map.peak();
        let [column, row, _] = peak.position_mm;
        let is_placed = map.seen.unit() == Unit::Millimetre;
        Self {
            file: file.map(|file| file.display().to_string()),
            class: &map.class,
            evidence: map.evidence,
            peak: peak.evidence,
            peak_mm: is_placed.then_some(peak.position_mm),
            peak_pixel: (!is_placed).then_some([column, row]),
            slice: scan.and_then(|scan| scan.voxel_near(peak.position_mm)).map(|[z, _, _]| z),
        }
    }
}

/// The z of the middle of each of a grid's slices; `None` for what lies nowhere.
fn slices_z_mm(seen: &Grid) -> Option<Vec<f64>> {
    let [slices, rows, columns] = seen.shape_zyx();
    let [y, x] = [rows, columns].map(|side| (side as f64 - 1.0) / 2.0);
    let z_of = |slice: usize| seen.patient_point([x, y, slice as f64].into()).z;
    (seen.unit() == Unit::Millimetre).then(|| (0..slices).map(z_of).collect())
}

/// Returns an observation as one line of JSON: `path`, `status`, `codes`,
/// `reasons` (for each code what was seen, with its figures, and what can be done), `prediction`,
/// `probabilities` (class name to probability), `threshold`, `attention` where there is one, with
/// `attention_z_mm` (the z of each weight's slice, LPS), `heat_map` where there is one, `nodules` where they were asked for
/// (each as [`NoduleFinding`] tells), `bundle`,
/// `weights_sha256`, `domain_sha256` where the bundle has a domain, `pulmo`, `device` and `views` (how many mirror images were averaged). Without a
/// prediction the middle fields are null. Where the device failed there are `setbacks`, each with `stage`
/// (`preprocess`, `predict` or `heat_map`), `kind` (`halved`, with `volumes`, or `cpu`), `cause`
/// (`out_of_memory`, `too_large`, `lost` or `failed`) and `message`. Of a DICOM series follow `manufacturer`, `model`,
/// `kernel`, `thickness_mm` and `kvp`, and where there was a key `subject`, `study`, `series` and `day`
/// ([`Pseudonyms`]); what is unknown is left out.
///
/// `heat_map` holds `file` (the one given), `class`, `evidence` (of the whole scan, log-odds), `peak` (of
/// the cell that speaks most for the class), `peak_mm`, the centre of what speaks for it in that cell and
/// its neighbours (LPS; `peak_pixel`, column and row, for a picture), and the `slice` of the scan that it
/// lies in, from 0 on along the grid of `pulmo convert`.
pub fn observation_line(observation: &Observation, heat_map_file: Option<&Path>) -> String {
    let prediction = observation.prediction.as_ref();
    let attention = prediction.and_then(|prediction| prediction.attention.as_deref());
    let (scan, seen) = observation.grids.as_ref().map(|grids| (&grids.scan, &grids.seen)).unzip();
    let line = Line {
        path: observation.path.display().to_string(),
        status: observation.verdict.as_str(),
        codes: observation.verdict.codes(),
        reasons: observation.verdict.reasons(),
        prediction: prediction.map(|prediction| prediction.class.as_str()),
        probabilities: prediction.map(|prediction| {
            let named = prediction.classes.iter().zip(&prediction.probabilities);
            named.map(|(class, probability)| (class.clone(), (*probability).into())).collect()
        }),
        threshold: prediction.and_then(|prediction| prediction.threshold),
        attention,
        attention_z_mm: attention.and(seen).and_then(slices_z_mm),
        heat_map: observation.heat_map.as_ref().map(|map| HeatLine::new(map, scan, heat_map_file)),
        nodules: observation.nodules.as_deref(),
        bundle: &observation.provenance.bundle,
        weights_sha256: &observation.provenance.weights_sha256,
        domain_sha256: observation.provenance.domain_sha256.as_deref(),
        pulmo: &observation.provenance.pulmo,
        device: &observation.provenance.device,
        views: observation.provenance.views,
        setbacks: &observation.setbacks,
        scanner: ScannerFields::new(&observation.origin.protocol),
        pseudonyms: &observation.pseudonyms,
    };
    // Strings, numbers and string keys alone: this cannot fail.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_scan::findings::{Cause, Prediction, Provenance, Remedy, ScanOrigin, Stage, Verdict};

    #[test]
    fn a_line_has_the_promised_fields() {
        let provenance = Provenance {
            bundle: "b".into(),
            weights_sha256: "h".into(),
            domain_sha256: None,
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
        let protocol = ScanProtocol { kvp: Some(120.0), ..ScanProtocol::default() };
        let observation = Observation {
            path: "a\nb".into(),
            origin: ScanOrigin { protocol, identity: None },
            pseudonyms: Pseudonyms { subject: Some("ab".into()), day: Some(7), ..Pseudonyms::default() },
            verdict: Verdict::OkWarn(vec![Code::Lossy.into()]),
            prediction: Some(prediction),
            grids: None,
            heat_map: None,
            nodules: None,
            setbacks: Vec::new(),
            provenance: provenance.clone(),
        };
        let line = observation_line(&observation, None);
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["status"], "OK_WARN");
        assert_eq!(value["codes"][0], "LOSSY");
        assert_eq!(value["probabilities"]["nodule"], 0.75);
        assert_eq!(value.get("setbacks"), None, "nothing was set back");
        assert_eq!(
            (&value["kvp"], &value["subject"], &value["day"]),
            (&120.0.into(), &"ab".into(), &7.into())
        );
        assert!(["manufacturer", "study", "series"].iter().all(|field| value.get(field).is_none()));
        let refused =
            Observation { verdict: Verdict::NotEvaluable(Code::Gap.into()), prediction: None, ..observation };
        let value: serde_json::Value = serde_json::from_str(&observation_line(&refused, None)).unwrap();
        assert!(value["prediction"].is_null() && value["probabilities"].is_null());
        assert_eq!(value["codes"][0], "GAP");
    }

    #[test]
    fn a_line_tells_what_was_set_back() {
        let setback =
            |remedy, cause| Setback { stage: Stage::Predict, remedy, cause, message: "full".into() };
        let told =
            [setback(Remedy::Halved { volumes: 3 }, Cause::OutOfMemory), setback(Remedy::Cpu, Cause::Lost)];
        let expected = serde_json::json!([
            { "stage": "predict", "kind": "halved", "volumes": 3, "cause": "out_of_memory", "message": "full" },
            { "stage": "predict", "kind": "cpu", "cause": "lost", "message": "full" },
        ]);
        assert_eq!(serde_json::to_value(told).unwrap(), expected);
    }
}
