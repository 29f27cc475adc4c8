//! From a data set and a machine to a recipe, with the reason of every choice.
//!
//! As nnU-Net does for segmentation (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z): what the
//! images are decides preprocessing and size, memory decides network and batch, and what is left are
//! defaults that held on other data. The recipe is a proposal to read and to change.

mod design;
mod fingerprint;
mod text;

pub use design::{Design, design};
pub use fingerprint::{ClassSize, Fingerprint, Modality, PlanError, RangeSummary, fingerprint};
pub use text::recipe_text;
