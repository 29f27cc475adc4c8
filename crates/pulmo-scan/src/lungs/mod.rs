//! Lungs.

mod airway;
mod blocks;
mod distance;
mod error;
#[expect(clippy::module_inception, reason = "the lungs are this room's main type")]
mod lungs;
mod opaque;
mod refine;
mod sides;

pub use error::LungsError;
pub use lungs::{Content, Lung, Lungs, Thirds};
