//! From Hounsfield units to what a network sees: a chain of steps, on the CPU or as WGSL passes on a GPU.
//!
//! [`gpu`] finds adapters, opens one and runs recorded passes on it; [`preprocess`] is the chain. Nothing here
//! knows a network: `pulmo` lays the passes' output into the networks' tensors.

pub mod gpu;
pub mod preprocess;
