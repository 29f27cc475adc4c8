//! The main job: paths in, observations out.
//!
//! ```text
//! path -> intake::Search -> Item -> load -> Volume -> preprocess::Chain -> predict -> Observation
//! ```
//!
//! Items are read ahead on all cores, within a bound of bytes, while the device computes; they are
//! classified in the order given, as many together as are ready, and handed on as soon as they are
//! done. An item that fails is an observation too: it carries a verdict with a code and no prediction.

mod pipeline;

pub use pipeline::{Engine, EngineError};
