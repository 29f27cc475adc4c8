//! pulmo
pub mod units;
pub mod random;
pub mod geometry;
pub mod volume;
pub mod metrics;
pub mod findings;
#[path="/tmp/stubs/files.rs"] pub mod files;
pub mod gpu;
#[path="/tmp/stubs/intake.rs"] pub mod intake;
pub mod preprocess;
pub mod network;
pub mod bundle;
pub mod predict;
pub mod train;
pub mod engine;
