//! The main job: paths in, observations out.
//!
//! ```text
//! path -> intake::find -> Item -> load -> Volume -> preprocess::Chain -> predict -> Observation
//! ```
//!
//! Items are read and preprocessed a few at a time on all cores, classified in the order given,
//! and handed on as soon as they are done. An item that fails is an observation too: it carries a
//! verdict with a code and no prediction.

mod pipeline;

pub use pipeline::Engine;
