//! Whatever the user points at, as a list of items that load to volumes.
//!
//! A picture, a DICOM series, a volume file, a zip archive or a folder of any of them: training and
//! inference read all through here, so that both see the same values.
//!
//! ```text
//! paths --Search--> Item (one after the other) --each_ahead, within a Budget--> load -> Loaded (in order)
//! ```

mod ahead;
mod budget;
mod dicomdir;
mod error;
mod find;
mod inspect;
mod item;
mod promise;
mod sanity;

pub use ahead::{Bounds, each_ahead, free_memory};
pub use budget::{Budget, Claim};
pub use error::IntakeError;
pub use find::{Search, find};
pub use inspect::{
    Depth, HounsfieldSummary, InspectSettings, Inspection, Readers, inspect, inspect_all, short_digest,
};
pub use item::{Item, ItemKind, Loaded, ReadSettings};
