#![doc = include_str!("../README.md")]
//!
//! ```text
//! ScanResults --segmentation--> DicomObject   which voxels are lung and nodule     segmentation.dcm
//!             --report-------> DicomObject   what was measured, and where          report.dcm
//!             --key_slices---> DicomObject   pictures with contours                key-slice-01.dcm ...
//! ```
//!
//! - `scan_results` is what is written; `error` says why it cannot be.
//! - `origin_study` holds what all objects copy from the scan, `algorithm` and `written_at` what made them and when.
//! - `concept` is a coded concept, and holds all that are used; `content` makes items of a report of them.
//! - `report` is the report, `nodule_group` and `lung_group` its parts, `image_library` the images it is about.
//! - `segments` are the segments, `placed_mask` lays their masks on frames, `frames` says where these lie, `packing`
//!   stores them, and `segmentation` makes the object.
//! - `key_slices` are pictures, drawn on a `canvas` with `letters` and `colour`.

mod algorithm;
mod canvas;
mod colour;
mod concept;
mod content;
mod error;
mod frames;
mod image_library;
mod key_slices;
mod letters;
mod measurement_group;
mod origin_study;
mod packing;
mod placed_mask;
mod report;
mod scan_results;
mod segmentation;
mod segments;
mod write_results;
mod written_at;

pub use algorithm::Algorithm;
pub use error::ResultsError;
pub use scan_results::{LungSegments, MeasuredNodule, ScanResults};
pub use segmentation::SegmentationForm;
pub use write_results::write_results;
pub use written_at::WrittenAt;
