#![doc = include_str!("../README.md")]
//!
//! # Floors
//!
//! | floor | modules |
//! |---|---|
//! | 0 | `units` |
//! | 1 | `geometry` |
//! | 2 | `volume` |
//! | 3 | `findings`, `lungs` |
//! | 4 | `dicom`, `files`, `facts` |
//! | 5 | `intake`, `phantom` |
//!
//! A module imports only from floors below its own. Nothing here needs a GPU or a network.

pub mod dicom;
pub mod facts;
pub mod files;
pub mod findings;
pub mod geometry;
pub mod intake;
pub mod lungs;
pub mod phantom;
pub mod units;
pub mod volume;
