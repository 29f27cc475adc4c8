//! What would make a data set's results worthless, found before any training: images and patients
//! on both sides of a split, and properties of the files that give the class away.
//!
//! A network takes whatever shortcut it finds. If all cases of one class are JPEG, or come with
//! another reconstruction kernel, it learns that; if a validation image was trained on, the
//! validation figure says nothing. Both have made published results void (Roberts et al. 2021,
//! doi:10.1038/s42256-021-00307-0).

#[expect(clippy::module_inception, reason = "the audit is this room's main type")]
mod audit;
mod confounds;
mod look;
mod pairs;
mod shortcut;
mod signature;

pub use audit::{Audit, ClassCount, SharedImages, SharedPatientCases, audit};
pub use confounds::{Confound, Confounds, LEAST_AUC};
pub use look::{Look, PROPERTIES, Properties, PropertyValue, properties};
pub use pairs::{Pair, pairs};
pub use shortcut::Shortcut;
pub use signature::{NEAR_CORRELATION, NEAR_HASH_BITS, Signature};
