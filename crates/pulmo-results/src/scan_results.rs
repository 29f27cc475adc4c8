//! What was found on one scan.

use pulmo_scan::findings::{HeatMap, LungThird, NoduleFinding, NoduleKind, ScanOrigin, Side};
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
    pub lungs: Option<LungSegments<'a>>,
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
pub struct LungSegments<'a> {
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
    pub side: Option<Side>,
    /// How high in the lung it lies.
    pub zone: Option<LungThird>,
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
    pub density: Option<NoduleKind>,
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

    /// A nodule as it was found, with its voxels where they are known.
    pub fn of(finding: &NoduleFinding, mask: Option<Mask>) -> Self {
        Self {
            centre_mm: finding.centre_mm,
            mask,
            side: finding.side,
            zone: finding.third,
            long_axis_mm: Some(finding.long_axis_mm),
            short_axis_mm: Some(finding.short_axis_mm),
            mean_diameter_mm: Some(finding.mean_diameter_mm),
            volume_mm3: Some(finding.volume_mm3),
            mean_hu: Some(f64::from(finding.mean_hu)),
            probability: finding.probability.map(f64::from),
            density: Some(finding.kind),
        }
    }

    /// Its mask, if it has a voxel.
    pub(crate) fn voxels(&self) -> Option<&Mask> {
        self.mask.as_ref().filter(|mask| mask.voxels().iter().any(|inside| *inside))
    }
}
