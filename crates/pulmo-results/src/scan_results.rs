//! What was found on one scan.

use pulmo_scan::findings::{HeatMap, ScanOrigin};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::{Mask, Volume};

use super::{Algorithm, WrittenAt};

/// What was found on one scan, and what the objects that tell it need besides.
#[derive(Debug, Clone, Copy)]
pub struct ScanResults<'a> {
    /// Whose scan it is; without an identity nothing can be written.
    pub origin: &'a ScanOrigin,
    /// The scan in Hounsfield units. The segmentation's frames are its slices, whatever became of its grid: it may
    /// be the scan as it was read, or regularised, reoriented or resampled.
    pub volume: &'a Volume,
    /// The lungs; `None` where they were not looked for.
    pub lungs: Option<LungMasks<'a>>,
    /// The nodules, in the order of their numbers.
    pub nodules: &'a [MeasuredNodule],
    /// What a classifier saw where, drawn into the key slices.
    pub heat_map: Option<&'a HeatMap>,
    /// What found all this.
    pub algorithm: &'a Algorithm,
    /// When it is written.
    pub written: WrittenAt,
}

/// The masks of both lungs, each on the volume's grid or a window of it; `None` or empty of one that is not there.
#[derive(Debug, Clone, Copy)]
pub struct LungMasks<'a> {
    /// The patient's left lung.
    pub left: Option<&'a Mask>,
    /// The patient's right lung.
    pub right: Option<&'a Mask>,
}

/// A nodule and what was measured on it. What is `None` is not told.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredNodule {
    /// Its centre, `[x, y, z]` LPS.
    pub centre_mm: [Millimetres; 3],
    /// Its voxels, on the volume's grid or a window of it; without them, or where there are none, the report tells
    /// its centre alone.
    pub mask: Option<Mask>,
    /// The lung that it lies in.
    pub side: Option<NoduleSide>,
    /// How high in the lung it lies.
    pub zone: Option<LungZone>,
    /// Longest diameter in the slice where it is largest.
    pub long_axis_mm: Option<Millimetres>,
    /// Longest diameter perpendicular to the long axis in the same slice.
    pub short_axis_mm: Option<Millimetres>,
    /// Mean of both axes.
    pub mean_diameter_mm: Option<Millimetres>,
    /// Volume in cubic millimetres.
    pub volume_mm3: Option<f64>,
    /// Mean of its voxels in Hounsfield units.
    pub mean_hu: Option<f64>,
    /// Probability that it is a nodule, 0 to 1.
    pub probability: Option<f64>,
    /// What it is made of.
    pub density: Option<NoduleDensity>,
}

impl MeasuredNodule {
    /// A nodule of which nothing but its place is known.
    pub fn at(centre_mm: [Millimetres; 3]) -> Self {
        Self {
            centre_mm,
            mask: None,
            side: None,
            zone: None,
            long_axis_mm: None,
            short_axis_mm: None,
            mean_diameter_mm: None,
            volume_mm3: None,
            mean_hu: None,
            probability: None,
            density: None,
        }
    }

    /// Its mask, if it has a voxel.
    pub(crate) fn voxels(&self) -> Option<&Mask> {
        self.mask.as_ref().filter(|mask| mask.voxels().iter().any(|inside| *inside))
    }
}

/// The lung that a nodule lies in, the patient's own left and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoduleSide {
    /// The left lung.
    Left,
    /// The right lung.
    Right,
}

/// How high in a lung a nodule lies: its third from apex to base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LungZone {
    /// The upper third.
    Upper,
    /// The middle third.
    Middle,
    /// The lower third.
    Lower,
}

/// What a nodule is made of, by its attenuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoduleDensity {
    /// Soft tissue throughout.
    Solid,
    /// A solid part within ground glass.
    PartSolid,
    /// Vessels are seen through all of it.
    GroundGlass,
}
