//! The closed set of facts.

use serde::{Deserialize, Serialize};

use crate::findings::Code;

/// A figure of a scan. The text form is the variant's name in snake case, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Slices of the volume.
    Slices,
    /// Distance between slices.
    SliceSpacingMm,
    /// Slice Thickness as the header tells it.
    SliceThicknessMm,
    /// Distance of pixels: the mean of rows and columns.
    PixelSpacingMm,
    /// Aerated lung, on blocks of about 3 mm; 0 where there is none.
    LungMl,
    /// Area of lung in the first or the last slice, whichever is larger, as a share of the largest area in any.
    LungCut,
    /// Aerated lung as a share of the smallest box around it.
    LungShape,
    /// Median of what is aerated in the box around the lungs.
    LungHu,
    /// Of what is aerated in the box around the lungs, the share of -700 to -400 HU: vessels, borders, opacities.
    DenseLungShare,
    /// Of the box around the lungs, the share of -150 to -50 HU.
    FatShare,
    /// The body as a share of the volume.
    BodyShare,
    /// 90th percentile of the soft tissue between the lungs.
    MediastinumHu,
    /// Standard deviation within small squares of soft tissue, the quarter with the least below it.
    NoiseHu,
    /// Root mean square of the differences of neighbours in these squares, over that of independent values: 1 for
    /// white noise, less for a soft kernel, more for one that enhances edges.
    Sharpness,
}

/// What goes with a fact.
struct Traits {
    code: Code,
    words: &'static str,
    unit: &'static str,
    /// By how much a scan may always lie beyond what was seen.
    slack: f64,
}

const fn traits(code: Code, words: &'static str, unit: &'static str, slack: f64) -> Traits {
    Traits { code, words, unit, slack }
}

impl Fact {
    fn traits(self) -> Traits {
        match self {
            Self::Slices => traits(Code::DomainSlices, "slices", "", 5.0),
            Self::SliceSpacingMm => traits(Code::DomainSliceSpacing, "distance between slices", " mm", 0.1),
            Self::SliceThicknessMm => traits(Code::DomainSliceThickness, "slice thickness", " mm", 0.1),
            Self::PixelSpacingMm => traits(Code::DomainPixelSpacing, "distance of pixels", " mm", 0.05),
            Self::LungMl => traits(Code::DomainLungVolume, "aerated lung", " ml", 500.0),
            Self::LungCut => {
                traits(Code::DomainLungCut, "share of the lungs' area at the volume's ends", "", 0.15)
            }
            Self::LungShape => {
                traits(Code::DomainLungShape, "share of the lungs in the box around them", "", 0.05)
            }
            Self::LungHu => traits(Code::DomainLungDensity, "median of aerated lung", " HU", 10.0),
            Self::DenseLungShare => traits(Code::DomainDenseLung, "share of dense lung", "", 0.01),
            Self::FatShare => traits(Code::DomainFat, "share of fat around the lungs", "", 0.01),
            Self::BodyShare => traits(Code::DomainBodyShare, "share of the body in the volume", "", 0.05),
            Self::MediastinumHu => {
                traits(Code::DomainMediastinum, "soft tissue between the lungs", " HU", 15.0)
            }
            Self::NoiseHu => traits(Code::DomainNoise, "noise", " HU", 2.0),
            Self::Sharpness => traits(Code::DomainSharpness, "fineness of the noise", "", 0.03),
        }
    }

    /// The code of a scan that is out of its range.
    pub fn code(self) -> Code {
        self.traits().code
    }

    /// What it is, in words.
    pub fn words(self) -> &'static str {
        self.traits().words
    }

    /// Its unit behind a number, with the blank before it; empty for counts and shares.
    pub fn unit(self) -> &'static str {
        self.traits().unit
    }

    /// By how much a scan may lie beyond those seen in training at least, in the fact's unit: what the measuring
    /// itself, or another patient on the same scanner, makes of it.
    pub fn slack(self) -> f64 {
        self.traits().slack
    }
}
