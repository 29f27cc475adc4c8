//! The tolerances and limits of the geometry rules.

use crate::units::Millimetres;

/// The tolerances and limits of the geometry rules.
///
/// The tolerances say what is a volume at all; the limits say what is fit for a purpose. By default
/// the limits let every volume through; [`GeometrySettings::lung`] sets those of lung CT.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeometrySettings {
    /// Fewest slice positions of a volume; default 3, so that small research series load. With 1, a
    /// single slice makes a volume whose z spacing is 1 mm by convention.
    pub least_slices: usize,
    /// Positions closer than this along the normal are one position; default 0.01 mm.
    pub same_position_mm: Millimetres,
    /// Deviation of a spacing from the median that is always allowed; default 0.01 mm.
    pub spacing_within_mm: Millimetres,
    /// Deviation of a spacing from the median allowed as a fraction of it; default 0.02.
    pub spacing_within_fraction: f64,
    /// A spacing of more than this many medians is a gap; default 1.5.
    pub gap_spacings: f64,
    /// Largest distance of a slice from its place on the uniform grid, in spacings; default 0.4.
    pub off_grid_spacings: f64,
    /// Largest gantry tilt taken for none, in degrees; default 0.5.
    pub tilt_within_degrees: f64,
    /// Largest distance of a slice's corner from the straight line through all; default 0.1 mm.
    pub straight_within_mm: Millimetres,
    /// Least and largest distance between rows and between columns; default all.
    pub pixel_spacing_mm: [Millimetres; 2],
    /// Least and largest distance between slices; default all.
    pub slice_spacing_mm: [Millimetres; 2],
    /// Least length covered along the normal, outer slice edges included; default 0.
    pub least_extent_mm: Millimetres,
}

impl Default for GeometrySettings {
    fn default() -> Self {
        Self {
            least_slices: 3,
            same_position_mm: 0.01,
            spacing_within_mm: 0.01,
            spacing_within_fraction: 0.02,
            gap_spacings: 1.5,
            off_grid_spacings: 0.4,
            tilt_within_degrees: 0.5,
            straight_within_mm: 0.1,
            pixel_spacing_mm: [0.0, f64::INFINITY],
            slice_spacing_mm: [0.0, f64::INFINITY],
            least_extent_mm: 0.0,
        }
    }
}

impl GeometrySettings {
    /// The limits of lung CT: 20 slices, 150 mm, pixels of 0.3 to 1.5 mm, slices 0.2 to 5 mm apart.
    pub fn lung() -> Self {
        Self {
            least_slices: 20,
            pixel_spacing_mm: [0.3, 1.5],
            slice_spacing_mm: [0.2, 5.0],
            least_extent_mm: 150.0,
            ..Self::default()
        }
    }
}
