//! One lung nodule: where it is, how large, and of what.

use serde::Serialize;

use crate::units::{Hounsfield, Millimetres};

/// Which lung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The patient's right lung, at negative x.
    Right,
    /// The patient's left lung, at positive x.
    Left,
}

impl Side {
    /// Both lungs.
    pub const BOTH: [Self; 2] = [Self::Right, Self::Left];

    /// -1 for right, 1 for left: the sign of x in patient space.
    pub fn sign(self) -> f64 {
        if self == Self::Right { -1.0 } else { 1.0 }
    }
}

/// Which part of a lung, from head to feet, each a third of it. It stands for the lobe, whose fissures are not sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LungThird {
    /// Towards the head.
    Upper,
    /// Between.
    Middle,
    /// Towards the feet.
    Lower,
}

/// What a nodule is made of, as in the Fleischner glossary (doi:10.1148/radiol.2462070712).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoduleKind {
    /// Soft tissue throughout, about 30 HU.
    Solid,
    /// Ground glass around a solid core.
    PartSolid,
    /// Hazy, -650 to -450 HU; vessels show through.
    GroundGlass,
}

/// One nodule found on a scan, as measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoduleFinding {
    /// Centre of mass in patient space, `[x, y, z]` LPS.
    pub centre_mm: [Millimetres; 3],
    /// The lung it lies in; `None` where it is in neither lung's mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// The third of that lung.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third: Option<LungThird>,
    /// Largest diameter in any axial plane.
    pub long_axis_mm: Millimetres,
    /// Largest diameter perpendicular to the long axis in the same plane.
    pub short_axis_mm: Millimetres,
    /// Mean of both axes, to 0.1 mm (Fleischner Society 2017, doi:10.1148/radiol.2017161659).
    pub mean_diameter_mm: Millimetres,
    /// Volume, voxels at the edge counted as far as they are filled.
    pub volume_mm3: f64,
    /// Diameter of the ball of that volume.
    pub effective_diameter_mm: Millimetres,
    /// Mean over the nodule.
    pub mean_hu: Hounsfield,
    /// What it is made of.
    pub kind: NoduleKind,
    /// From the nodule's surface to the nearest surface of the lung, 0 where it touches; `None` where it lies in
    /// neither lung.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pleura_distance_mm: Option<Millimetres>,
    /// How much it stands out as a ball, from 0, in Hounsfield units.
    pub blobness: f32,
    /// What a classifier gives it for being a nodule; `None` where none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
}
