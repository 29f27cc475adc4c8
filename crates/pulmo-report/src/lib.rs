//! Documents from results: pure writers that know nothing of folders or screens.
//!
//! `metrics.json` and `predictions.csv` are for programs, the SVG figures and the text table for
//! papers and terminals, and `index.html` is one file that shows them all.

mod assessment;
mod assessment_text;
mod audit;
mod base64;
mod calibration;
mod comparison;
mod cross_check;
mod csv;
mod decision;
mod error;
mod figures;
mod gallery;
mod html;
mod json;
mod matrix;
mod nodules;
mod observation;
mod plot;
mod series;
mod svg;
mod table;

pub use self::audit::{audit_json, audit_text, write_audit};
pub use self::csv::{PredictionRow, Predictions};
pub use assessment::{Assessment, BaselineRow, ChosenPoint, Subgroup, assessment_json};
pub use assessment_text::assessment_text;
pub use calibration::{
    CalibrationReport, CalibrationRow, calibration_json, calibration_text, reliability_change_svg,
};
pub use comparison::{Comparison, compare, comparison_json, comparison_text};
pub use decision::{decision_curve_csv, decision_curve_svg};
pub use error::ReportError;
pub use figures::Figures;
pub use gallery::GalleryItem;
pub use html::{Page, write_index};
pub use json::metrics_json;
pub use nodules::{NoduleTable, nodules_text};
pub use observation::observation_line;
pub use series::{Phi, code_table, inspection_line, inspection_text};
pub use table::metrics_table;
