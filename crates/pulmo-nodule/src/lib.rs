#![doc = include_str!("../README.md")]

mod axes;
mod blob;
mod candidates;
mod cube;
mod distance;
mod error;
mod gaussian;
mod measure;
mod narrow;
mod place;
mod planes;
mod scales;
mod segmentation;

pub use candidates::{Candidate, CandidateSettings, candidates};
pub use error::NoduleError;
pub use measure::measure;
pub use place::LungSides;
pub use planes::{PlaneSettings, planes};
pub use segmentation::Segmentation;
