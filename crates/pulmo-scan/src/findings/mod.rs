//! What pulmo says about a scan: the contract types that later floors read.
//!
//! Nothing here knows how a result was computed. A [`Verdict`] says whether a scan can be used, and by its [`Reason`]s why,
//! a [`Prediction`] what the classifier says, a [`HeatMap`] where it sees that, a [`NoduleFinding`] where a nodule is and how large, and an [`Observation`] ties both to the scan, the
//! bundle and the device. A [`ScanOrigin`] says where the scan comes from: its [`ScanProtocol`] for everyone, its [`Identity`] for
//! writers of DICOM objects alone, and [`Pseudonyms`] of it for those who hold a key.

mod code;
mod heat_map;
mod identity;
mod nodule;
mod observation;
mod prediction;
mod pseudonyms;
mod reason;
mod scan_origin;
mod setback;
mod verdict;

pub use code::Code;
pub use heat_map::{HeatMap, Peak};
pub use identity::Identity;
pub(crate) use identity::{SourceInstance, SourceSlice};
pub use nodule::{LungThird, NoduleFinding, NoduleKind, Side};
pub use observation::{Grids, Observation, Provenance};
pub use prediction::Prediction;
pub use pseudonyms::Pseudonyms;
pub use reason::Reason;
pub use scan_origin::{ScanOrigin, ScanProtocol};
pub use setback::{Cause, Remedy, Setback, Stage};
pub use verdict::Verdict;
