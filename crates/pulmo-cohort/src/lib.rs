//! Which studies are learnt from: manifests, folds by patient, and the audit of what would deceive a network.

pub mod audit;
pub mod cohort;
