//! Nodules as a table, for programs and for people.

use std::io::Write;

use ::csv::Writer;
use serde::Serialize;

use super::ReportError;
use pulmo_scan::findings::{LungThird, NoduleFinding, NoduleKind, Observation, Side};

/// One row of `nodules.csv`; what is unknown is empty.
#[derive(Serialize)]
struct Row<'a> {
    path: String,
    nodule: usize,
    x_mm: f64,
    y_mm: f64,
    z_mm: f64,
    side: Option<Side>,
    third: Option<LungThird>,
    long_axis_mm: f64,
    short_axis_mm: f64,
    mean_diameter_mm: f64,
    volume_mm3: f64,
    effective_diameter_mm: f64,
    mean_hu: f32,
    kind: NoduleKind,
    pleura_distance_mm: Option<f64>,
    blobness: f32,
    probability: Option<f32>,
    bundle: &'a str,
}

/// A table of the nodules of many scans, written row by row: `path`, `nodule` (from 1 on in each scan), `x_mm`, `y_mm`,
/// `z_mm`, the fields of [`NoduleFinding`], `bundle`.
pub struct NoduleTable<W: Write> {
    writer: Writer<W>,
}

impl<W: Write> NoduleTable<W> {
    /// A table with its header.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(out: W) -> Result<Self, ReportError> {
        let mut writer = ::csv::WriterBuilder::new().has_headers(false).from_writer(out);
        writer.write_record(COLUMNS)?;
        Ok(Self { writer })
    }

    /// Adds the nodules of a scan.
    ///
    /// # Errors
    /// Writing fails.
    pub fn write(&mut self, observation: &Observation) -> Result<(), ReportError> {
        for (index, nodule) in observation.nodules.iter().flatten().enumerate() {
            self.writer.serialize(row(observation, index, nodule))?;
        }
        Ok(self.writer.flush().map_err(::csv::Error::from)?)
    }
}

const COLUMNS: [&str; 18] = [
    "path",
    "nodule",
    "x_mm",
    "y_mm",
    "z_mm",
    "side",
    "third",
    "long_axis_mm",
    "short_axis_mm",
    "mean_diameter_mm",
    "volume_mm3",
    "effective_diameter_mm",
    "mean_hu",
    "kind",
    "pleura_distance_mm",
    "blobness",
    "probability",
    "bundle",
];

fn row<'a>(observation: &'a Observation, index: usize, nodule: &NoduleFinding) -> Row<'a> {
    let [x_mm, y_mm, z_mm] = nodule.centre_mm;
    Row {
        path: observation.path.display().to_string(),
        nodule: index + 1,
        x_mm,
        y_mm,
        z_mm,
        side: nodule.side,
        third: nodule.third,
        long_axis_mm: nodule.long_axis_mm,
        short_axis_mm: nodule.short_axis_mm,
        mean_diameter_mm: nodule.mean_diameter_mm,
        volume_mm3: nodule.volume_mm3,
        effective_diameter_mm: nodule.effective_diameter_mm,
        mean_hu: nodule.mean_hu,
        kind: nodule.kind,
        pleura_distance_mm: nodule.pleura_distance_mm,
        blobness: nodule.blobness,
        probability: nodule.probability,
        bundle: &observation.provenance.bundle,
    }
}

/// The nodules of a scan as lines for people.
pub fn nodules_text(observation: &Observation) -> String {
    let path = observation.path.display();
    let Some(nodules) = &observation.nodules else {
        let reasons: Vec<String> = observation.verdict.reasons().iter().map(ToString::to_string).collect();
        return format!("{path}: {}", reasons.join("; "));
    };
    let mut text = format!("{path}: {} nodules", nodules.len());
    for (index, nodule) in nodules.iter().enumerate() {
        text += &format!("\n  {:2}  {}", index + 1, nodule_text(nodule));
    }
    text
}

fn nodule_text(nodule: &NoduleFinding) -> String {
    let third = match nodule.third {
        Some(LungThird::Upper) => "upper",
        Some(LungThird::Middle) => "middle",
        Some(LungThird::Lower) => "lower",
        None => "outside the lungs",
    };
    let side = match nodule.side {
        Some(Side::Right) => "right",
        Some(Side::Left) => "left",
        None => "",
    };
    let kind = match nodule.kind {
        NoduleKind::Solid => "solid",
        NoduleKind::PartSolid => "part-solid",
        NoduleKind::GroundGlass => "ground glass",
    };
    let [x, y, z] = nodule.centre_mm;
    let probability =
        nodule.probability.map_or_else(String::new, |probability| format!(", probability {probability:.3}"));
    format!(
        "{:5.1} mm ({:.1} x {:.1}), {:.0} mm3, {kind}, {side} {third}, at {x:.1} {y:.1} {z:.1} mm{probability}",
        nodule.mean_diameter_mm, nodule.long_axis_mm, nodule.short_axis_mm, nodule.volume_mm3
    )
}
