//! Documents from results: pure writers that know nothing of folders or screens.
//!
//! `metrics.json` and `predictions.csv` are for programs, the SVG figures and the text table for
//! papers and terminals, and `index.html` is one file that shows them all.

mod audit;
mod base64;
mod csv;
mod error;
mod figures;
mod gallery;
mod html;
mod json;
mod matrix;
mod observation;
mod series;
mod svg;
mod table;

pub use self::audit::{audit_json, audit_text, write_audit};
pub use self::csv::{PredictionRow, Predictions};
pub use error::ReportError;
pub use figures::Figures;
pub use gallery::GalleryItem;
pub use html::{Page, write_index};
pub use json::metrics_json;
pub use observation::observation_line;
pub use series::{Identity, inspection_line, inspection_text};
pub use table::metrics_table;
