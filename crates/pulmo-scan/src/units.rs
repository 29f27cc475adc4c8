//! Physical units: aliases whose names carry the unit through every signature.
//!
//! They are aliases, not newtypes: every public field and argument also ends in its unit
//! (`spacing_mm`, `window_width_hu`), so that a reader sees it at each use.

/// Hounsfield units: -1000 is air, 0 is water (DICOM PS3.3 C.11.1.1.2, Rescale Type `HU`).
pub type Hounsfield = f32;

/// Millimetres in patient space.
pub type Millimetres = f64;

/// Hounsfield value of air; what lies outside the reconstructed field of view is set to it.
pub const AIR_HU: Hounsfield = -1024.0;
