//! What pulmo says about a scan: the contract types that later floors read.
//!
//! Nothing here knows how a result was computed. A [`Verdict`] says whether a scan can be used, and by its [`Reason`]s why,
//! a [`Prediction`] what the classifier says, a [`HeatMap`] where it sees that, and an [`Observation`] ties both to the scan, the
//! bundle and the device.

mod code;
mod heat_map;
mod observation;
mod prediction;
mod reason;
mod setback;
mod verdict;

pub use code::Code;
pub use heat_map::{HeatMap, Peak};
pub use observation::{Grids, Observation, Provenance};
pub use prediction::Prediction;
pub use reason::Reason;
pub use setback::{Cause, Remedy, Setback, Stage};
pub use verdict::Verdict;
