//! The floors of pulmo that read untrusted files, and what the targets need around their bytes.

#[path = "../../src/dicom/mod.rs"]
pub mod dicom;
#[path = "../../src/files/mod.rs"]
pub mod files;
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
mod whole;

pub use frames::{decode_as, native, slice};
pub use whole::{assert_sound, with_file, with_folder, zipped};
