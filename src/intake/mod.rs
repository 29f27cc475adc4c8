//! Whatever the user points at, as a list of items that load to volumes.
//!
//! A picture, a DICOM series, a NumPy volume, or a folder of any of them: training and inference
//! read all through here, so that both see the same values.

mod item;

pub use item::{IntakeError, Item, Kind, Loaded, Settings, find};
