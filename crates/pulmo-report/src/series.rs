//! What was found under a path: one line of JSON for programs, some lines of text for people.

use std::fmt::Write;

use serde::Serialize;

use super::cross_check::{CrossCheckLine, cross_check_text};
use pulmo_scan::dicom::Description;
use pulmo_scan::findings::{Code, Reason, Verdict};
use pulmo_scan::geometry::Grid;
use pulmo_scan::intake::{HounsfieldSummary, Inspection, short_digest};

/// What is told of who was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phi {
    /// Nothing; a series is named by a short digest of its UID.
    Hidden,
    /// Series Instance UID, patient's name and id.
    Shown,
}

#[derive(Serialize)]
struct FileLine<'a> {
    path: String,
    verdict: Option<&'static str>,
    codes: Vec<Code>,
    reasons: &'a [Reason],
}

#[derive(Serialize)]
struct VolumeLine<'a> {
    path: String,
    series: Option<String>,
    slices: usize,
    shape_zyx: Option<[usize; 3]>,
    spacing_mm: Option<[f64; 3]>,
    origin_mm: Option<[f64; 3]>,
    direction: Option<[[f64; 3]; 3]>,
    syntax: Option<&'a str>,
    kernel: Option<&'a str>,
    thickness_mm: Option<f64>,
    verdict: Option<&'static str>,
    codes: Vec<Code>,
    reasons: &'a [Reason],
    hu: Option<HounsfieldLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cross_check: Option<CrossCheckLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<PatientLine<'a>>,
}

#[derive(Serialize)]
struct HounsfieldLine<'a> {
    min: f32,
    max: f32,
    mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

#[derive(Serialize)]
struct PatientLine<'a> {
    name: Option<&'a str>,
    id: Option<&'a str>,
}

/// Returns what an item was found to be as one line of JSON.
///
/// For a series or volume: `path`, `series` (a short digest of the UID, or the UID), `slices`,
/// `shape_zyx`, `spacing_mm` `[z, y, x]`, `origin_mm` `[x, y, z]` in LPS, `direction` (unit vectors of the
/// voxel axes z, y and x), `syntax`, `kernel`, `thickness_mm`, `verdict`, `codes`, `reasons` (for each code
/// what was seen and what can be done), `hu` (`min`, `max`,
/// `mean` and, where it was asked for, `sha256`) and, where identity is shown, `patient`. What is
/// unknown is null. Where two readers were asked for, `cross_check`: of `images`, how many are `equal`, `rounded`
/// (differ by the rounding of lossy JPEG only) and `differing`, the `first_difference` (`path`, `frame`, `pixel` from 0 on,
/// row by row, and the stored value by `pulmo` and by `dicom_rs`), and what was `refused`, by reason (`reader`, `code` where
/// pulmo refuses, `reason`, `images`, and `path` and `frame` of the first). For a file that is refused: `path`, `verdict`, `codes` and `reasons`.
pub fn inspection_line(inspection: &Inspection, phi: Phi) -> String {
    let path = inspection.path.display().to_string();
    let verdict = inspection.verdict.as_ref().map(Verdict::as_str);
    let codes = inspection.verdict.as_ref().map(Verdict::codes).unwrap_or_default();
    let reasons = inspection.verdict.as_ref().map_or(&[][..], Verdict::reasons);
    let Some(slices) = inspection.slices else {
        return json(&FileLine { path, verdict, codes, reasons });
    };
    let grid = inspection.grid.as_ref();
    let description = inspection.description.as_ref();
    json(&VolumeLine {
        path,
        series: description.and_then(|description| series_name(description, phi)),
        slices,
        shape_zyx: grid.map(Grid::shape_zyx),
        spacing_mm: grid.map(Grid::spacing_mm),
        origin_mm: grid.map(|grid| unsigned_zeros(grid.origin_mm().to_array())),
        direction: grid.map(|grid| grid.direction().map(|axis| unsigned_zeros(axis.to_array()))),
        syntax: description.map(|description| description.transfer_syntax.as_str()),
        kernel: description.and_then(|description| description.kernel.as_deref()),
        thickness_mm: description.and_then(|description| description.thickness_mm),
        verdict,
        codes,
        reasons,
        hu: inspection.hounsfield.as_ref().map(hounsfield_line),
        cross_check: inspection.cross_check.as_ref().map(CrossCheckLine::of),
        patient: description.filter(|_| phi == Phi::Shown).map(|description| PatientLine {
            name: description.patient_name.as_deref(),
            id: description.patient_id.as_deref(),
        }),
    })
}

fn json(line: &impl Serialize) -> String {
    // Strings, numbers and string keys alone: this cannot fail.
    serde_json::to_string(line).unwrap_or_default()
}

fn hounsfield_line(summary: &HounsfieldSummary) -> HounsfieldLine<'_> {
    let HounsfieldSummary { min, max, mean, sha256 } = summary;
    HounsfieldLine { min: *min, max: *max, mean: *mean, sha256: sha256.as_deref() }
}

fn series_name(description: &Description, phi: Phi) -> Option<String> {
    let uid = description.series_uid.as_deref()?;
    Some(if phi == Phi::Shown { uid.to_owned() } else { short_digest(uid) })
}

/// Without the sign of zeros, which says nothing about a place.
fn unsigned_zeros(values: [f64; 3]) -> [f64; 3] {
    values.map(|value| value + 0.0)
}

/// Returns what an item was found to be as lines of text, without a line feed at the end.
pub fn inspection_text(inspection: &Inspection, phi: Phi) -> String {
    let mut text = printable(&inspection.path.display().to_string());
    if let Some(slices) = inspection.slices {
        let named = inspection.description.as_ref().and_then(|d| series_name(d, phi));
        let named = named.map_or(String::new(), |name| format!("series {}, ", printable(&name)));
        _ = write!(text, "\n  {named}{slices} slices");
    }
    if let Some(grid) = &inspection.grid {
        let ([_, rows, columns], [z, y, x]) = (grid.shape_zyx(), grid.spacing_mm());
        let [left, back, up] = unsigned_zeros(grid.origin_mm().to_array());
        _ = write!(text, ", {rows} x {columns} pixels of {y:.4} x {x:.4} mm, {z:.4} mm apart");
        _ = write!(text, "\n  first voxel at {left:.3} {back:.3} {up:.3} mm (left, back, head)");
    }
    if let Some(description) = &inspection.description {
        _ = write!(text, "\n  {}", description_text(description, phi));
    }
    if let Some(HounsfieldSummary { min, max, mean, sha256 }) = &inspection.hounsfield {
        _ = write!(text, "\n  {min} to {max} HU, mean {mean:.2}");
        _ = sha256.as_ref().map(|digest| write!(text, "\n  SHA-256 {digest}"));
    }
    for sentence in inspection.cross_check.iter().flat_map(cross_check_text) {
        _ = write!(text, "\n  {}", printable(&sentence));
    }
    match &inspection.verdict {
        None => text.push_str("\n  not opened"),
        Some(verdict) => {
            _ = write!(text, "\n  {}", verdict.as_str());
            for Reason { code, message } in verdict.reasons() {
                _ = write!(text, "\n    {code}: {message}\n      -> {}", code.advice());
            }
        }
    }
    text
}

fn description_text(description: &Description, phi: Phi) -> String {
    let Description { transfer_syntax, kernel, thickness_mm, patient_name, patient_id, .. } = description;
    let mut parts = vec![format!("transfer syntax {}", printable(transfer_syntax))];
    parts.extend(kernel.as_ref().map(|kernel| format!("kernel {}", printable(kernel))));
    parts.extend(thickness_mm.map(|thickness| format!("{thickness} mm thick")));
    if phi == Phi::Shown {
        parts.extend(patient_name.as_ref().map(|name| format!("patient {}", printable(name))));
        parts.extend(patient_id.as_ref().map(|id| format!("id {}", printable(id))));
    }
    parts.join(", ")
}

/// Returns a table of every code that a verdict can have: what it means, and what to do about it.
pub fn code_table() -> String {
    let row = |code: &Code| {
        let (name, meaning, advice) = (code.as_str(), code.meaning(), code.advice());
        format!("{name:16} {meaning}\n{:16} -> {advice}", "")
    };
    Code::ALL.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Text from outside, with control characters escaped: it must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine3, DMat3, DVec3};

    fn found() -> Inspection {
        let axes = DMat3::from_diagonal(DVec3::new(-0.5, 0.5, 2.0));
        let grid = Grid::new([3, 4, 5], DAffine3::from_mat3_translation(axes, DVec3::new(1.0, -2.0, 3.0)));
        let description = Description {
            series_uid: Some("1.2.CANARY".into()),
            transfer_syntax: "1.2.840.10008.1.2.1".into(),
            kernel: Some("B30f".into()),
            thickness_mm: Some(2.5),
            patient_name: Some("CANARY^NAME".into()),
            patient_id: Some("CANARY-ID".into()),
        };
        Inspection {
            path: "a\n\u{1b}[2Jb".into(),
            description: Some(description),
            slices: Some(3),
            grid: grid.ok(),
            verdict: Some(Verdict::OkWarn(vec![Code::Lossy.into()])),
            hounsfield: Some(HounsfieldSummary { min: -1024.0, max: 99.0, mean: -0.5, sha256: None }),
            cross_check: None,
        }
    }

    #[test]
    fn a_line_has_the_promised_fields() {
        let line = inspection_line(&found(), Phi::Hidden);
        assert!(!line.contains('\n') && !line.contains("CANARY"), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["series"].as_str().map(str::len), Some(12));
        assert_eq!(value["slices"], 3);
        assert_eq!(value["shape_zyx"], serde_json::json!([3, 4, 5]));
        assert_eq!(value["spacing_mm"], serde_json::json!([2.0, 0.5, 0.5]));
        assert_eq!(value["origin_mm"], serde_json::json!([1.0, -2.0, 3.0]));
        let direction = serde_json::json!([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]);
        assert_eq!(value["direction"], direction);
        assert_eq!((&value["verdict"], &value["codes"][0]), (&"OK_WARN".into(), &"LOSSY".into()));
        assert_eq!((&value["kernel"], &value["thickness_mm"]), (&"B30f".into(), &2.5.into()));
        assert_eq!(value["hu"], serde_json::json!({"min": -1024.0, "max": 99.0, "mean": -0.5}));
    }

    #[test]
    fn identity_is_shown_to_those_who_ask() {
        let value: serde_json::Value = serde_json::from_str(&inspection_line(&found(), Phi::Shown)).unwrap();
        assert_eq!(value["series"], "1.2.CANARY");
        assert_eq!(value["patient"], serde_json::json!({"name": "CANARY^NAME", "id": "CANARY-ID"}));
        assert!(inspection_text(&found(), Phi::Shown).contains("patient CANARY^NAME, id CANARY-ID"));
    }

    #[test]
    fn a_refused_file_is_told_with_its_reasons() {
        let verdict = Some(Verdict::RejectFile(Code::Truncated.into()));
        let refused =
            Inspection { description: None, slices: None, grid: None, verdict, hounsfield: None, ..found() };
        let value: serde_json::Value = serde_json::from_str(&inspection_line(&refused, Phi::Hidden)).unwrap();
        let (message, advice) = (Code::Truncated.meaning().trim_end_matches('.'), Code::Truncated.advice());
        let expected = serde_json::json!({
            "path": "a\n\u{1b}[2Jb", "verdict": "REJECT_FILE", "codes": ["TRUNC"],
            "reasons": [{"code": "TRUNC", "message": message, "advice": advice}]
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn every_code_is_explained() {
        let table = code_table();
        assert_eq!(table.lines().count(), 2 * Code::ALL.len());
        for code in Code::ALL {
            let meaning = code.meaning();
            assert!(meaning.ends_with('.') && !meaning.contains("  "), "{code}: {meaning:?}");
            let row = format!("{:16} {meaning}\n{:16} -> {}", code.as_str(), "", code.advice());
            assert!(table.contains(&row), "{code}");
        }
    }

    #[test]
    fn text_does_not_steer_the_terminal() {
        let text = inspection_text(&found(), Phi::Hidden);
        assert!(!text.contains('\u{1b}') && !text.contains("CANARY"), "{text}");
        assert!(text.contains("3 slices, 4 x 5 pixels of 0.5000 x 0.5000 mm, 2.0000 mm apart"), "{text}");
        assert!(
            text.ends_with("with loss\n      -> prefer the lossless original where there is one"),
            "{text}"
        );
    }
}
