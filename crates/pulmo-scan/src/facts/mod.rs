//! What can be measured on a scan before it is preprocessed: by this, a scan unlike others is known.
//!
//! A bundle remembers the range of each [`Fact`] over its training cases and says of a scan outside that it is not
//! its domain. The facts are measured on the Hounsfield units as read, in one pass over blocks of about 3 mm and one
//! over some slices, always on the CPU and in double precision, so that no device changes them.
//!
//! | fact | what it tells |
//! |---|---|
//! | slices, their distance and thickness, pixel size | another protocol |
//! | lung volume, shape and cut | not a chest, or not all of it |
//! | density of lung, share of dense lung and of fat | another kind of patient, or none |
//! | body's share of the field of view | another field of view, an arm, a head |
//! | density between the lungs | contrast medium |
//! | noise and its fineness | another dose, another kernel, by whatever name |
//!
//! Pictures and arrays without millimetres have no facts.

mod fact;
mod grain;
mod scan_facts;

pub use fact::Fact;
pub use scan_facts::ScanFacts;
