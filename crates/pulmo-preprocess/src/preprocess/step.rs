//! The closed set of steps.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Clip, Crop, CropOrPad, Gaussian, Median, Normalize, Orient, Problem, Resample, Resize, Rotate, Scale,
    Window,
};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// What every step can do. Functions after `validate` may rely on a valid spec.
pub(super) trait Operation {
    /// Says whether the spec's values are allowed.
    fn validate(&self) -> Result<(), Problem>;

    /// The grid of the result; `None` where it depends on the voxels.
    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem>;

    /// The step done on the CPU: the reference.
    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem>;

    /// The step as passes on a GPU, for a volume on `grid`.
    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem>;

    /// Whether the step depends on the voxels, not only on their grid.
    fn needs_voxels(&self) -> bool {
        false
    }

    /// The step with what depends on the voxels replaced by what they say; `None` where nothing does.
    fn settled(&self, _volume: &Volume) -> Result<Option<Step>, Problem> {
        Ok(None)
    }
}

/// One step of a chain, told apart by `kind` in TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Axes brought into the patient's order and sense.
    #[serde(deserialize_with = "named::orient")]
    Orient(Orient),
    /// CT window mapped to [0, 1].
    #[serde(deserialize_with = "named::window")]
    Window(Window),
    /// Values held between two bounds.
    #[serde(deserialize_with = "named::clip")]
    Clip(Clip),
    /// One range mapped linearly to another.
    #[serde(deserialize_with = "named::scale")]
    Scale(Scale),
    /// Mean taken away, divided by the standard deviation.
    #[serde(deserialize_with = "named::normalize")]
    Normalize(Normalize),
    /// Another voxel spacing.
    #[serde(deserialize_with = "named::resample")]
    Resample(Resample),
    /// Another voxel count.
    #[serde(deserialize_with = "named::resize")]
    Resize(Resize),
    /// Rotation about an axis through the centre.
    #[serde(deserialize_with = "named::rotate")]
    Rotate(Rotate),
    /// A part of the volume.
    #[serde(deserialize_with = "named::crop")]
    Crop(Crop),
    /// A shape reached by cropping and padding about the centre.
    #[serde(deserialize_with = "named::crop_or_pad")]
    CropOrPad(CropOrPad),
    /// Gaussian smoothing.
    #[serde(deserialize_with = "named::gaussian")]
    Gaussian(Gaussian),
    /// Median of a neighbourhood.
    #[serde(deserialize_with = "named::median")]
    Median(Median),
}

/// Deserialises each spec with its kind put before the error.
mod named {
    use super::*;

    macro_rules! named {
        ($($kind:ident: $spec:ty,)+) => {
            $(pub(super) fn $kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$spec, D::Error> {
                <$spec>::deserialize(deserializer)
                    .map_err(|error| serde::de::Error::custom(format!("{}: {error}", stringify!($kind))))
            })+
        };
    }

    named! {
        orient: Orient,
        window: Window,
        clip: Clip,
        scale: Scale,
        normalize: Normalize,
        resample: Resample,
        resize: Resize,
        rotate: Rotate,
        crop: Crop,
        crop_or_pad: CropOrPad,
        gaussian: Gaussian,
        median: Median,
    }
}

impl Step {
    /// The step's kind, as the TOML names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Orient(_) => "orient",
            Self::Window(_) => "window",
            Self::Clip(_) => "clip",
            Self::Scale(_) => "scale",
            Self::Normalize(_) => "normalize",
            Self::Resample(_) => "resample",
            Self::Resize(_) => "resize",
            Self::Rotate(_) => "rotate",
            Self::Crop(_) => "crop",
            Self::CropOrPad(_) => "crop_or_pad",
            Self::Gaussian(_) => "gaussian",
            Self::Median(_) => "median",
        }
    }

    pub(super) fn operation(&self) -> &dyn Operation {
        match self {
            Self::Orient(step) => step,
            Self::Window(step) => step,
            Self::Clip(step) => step,
            Self::Scale(step) => step,
            Self::Normalize(step) => step,
            Self::Resample(step) => step,
            Self::Resize(step) => step,
            Self::Rotate(step) => step,
            Self::Crop(step) => step,
            Self::CropOrPad(step) => step,
            Self::Gaussian(step) => step,
            Self::Median(step) => step,
        }
    }
}
