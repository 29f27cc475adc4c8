//! The closed set of steps.

use serde::{Deserialize, Deserializer, Serialize};

use super::operation::Operation;
use super::{
    Clip, Crop, CropOrPad, Gaussian, Median, Normalize, Orient, Resample, Resize, Rotate, Scale, Window,
};

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
