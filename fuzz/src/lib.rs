//! The floors of pulmo that read untrusted files, and frames of a known size for the codecs' targets.

#[path = "../../src/dicom/mod.rs"]
pub mod dicom;
#[path = "../../src/findings/mod.rs"]
pub mod findings;
#[path = "../../src/geometry/mod.rs"]
pub mod geometry;
#[path = "../../src/random.rs"]
pub mod random;
#[path = "../../src/units.rs"]
pub mod units;
#[path = "../../src/volume/mod.rs"]
pub mod volume;

#[path = "../../tests/common/forge.rs"]
#[allow(dead_code, reason = "the targets use a part of it")]
mod forge;
mod frames;

pub use frames::{decode_as, native, slice};
