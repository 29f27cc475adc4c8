//! What a network looks like, as it stands in recipes and bundles.

use serde::{Deserialize, Serialize};

use super::EncoderConfig;
use crate::gpu::GpuError;

/// Why a network cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A list of sizes is empty or of the wrong length.
    #[error("the encoder needs as many widths as depths and at least one, not {widths} and {depths}")]
    Stages {
        /// Widths given.
        widths: usize,
        /// Depths given.
        depths: usize,
    },
    /// A size that must be positive is zero.
    #[error("`{field}` must be at least {least}, not {value}")]
    TooSmall {
        /// The field's name in the recipe.
        field: &'static str,
        /// The value given.
        value: usize,
        /// The smallest value allowed.
        least: usize,
    },
    /// A volume does not fit the network or the rest of its batch.
    #[error(
        "a preprocessed volume has shape {shape:?} ([slices, rows, columns]) where {height} x {width} was expected; \
         end the chain with a `resize` or `pad` to one size (and one slice for a `slice` network)"
    )]
    Input {
        /// The volume's shape, `[slices, height, width]`.
        shape: [usize; 3],
        /// Height of the first volume of the batch.
        height: usize,
        /// Width of the first volume of the batch.
        width: usize,
    },
    /// A volume has not as many slices as the others of its batch.
    #[error(
        "a preprocessed volume has {found} slices where {expected} were expected; end the chain with a `resize` \
         or `crop_or_pad` to one size"
    )]
    Depth {
        /// Its slices.
        found: usize,
        /// Slices of the first volume of the batch.
        expected: usize,
    },
    /// A chance is not a probability below one.
    #[error("`{field}` must be at least 0 and below 1")]
    Chance {
        /// The field's name in the recipe.
        field: &'static str,
    },
    /// A field of the recipe does not go with the network's kind.
    #[error("`{field}` does not go with kind `volume`: {instead}")]
    Volume {
        /// The field's name in the recipe.
        field: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// The device failed to make the batch.
    #[error(transparent)]
    Device(#[from] GpuError),
}

/// What the network classifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Single images: a slice, a picture.
    Slice,
    /// Whole studies: all slices of a volume, pooled by gated attention.
    Mil,
    /// Whole studies of one shape: a volume, seen by convolutions in all three directions.
    Volume,
}

/// How feature maps become one vector an image, and the images' vectors one a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean over the image and the attention-weighted mean over slices: for findings that
    /// change the whole look.
    #[default]
    Average,
    /// The maximum over the image; for a study the attention-weighted mean and the maximum over slices,
    /// side by side: for small findings, wherever they are.
    Max,
    /// Mean and maximum of the image side by side, and of the slices as for `max`.
    AverageMax,
}

/// A whole network, except for the number of classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// What it classifies.
    pub kind: NetworkKind,
    /// The encoder.
    pub encoder: EncoderConfig,
    /// Slices on either side that an image is seen with, as further input channels: 0 means one
    /// channel, 1 means three. At the ends of a volume the outermost slice is repeated.
    #[serde(default)]
    pub neighbours: usize,
    /// Hidden units of the attention (kind `mil` only).
    #[serde(default = "attention_units")]
    pub attention_units: usize,
    /// Share of features dropped before the head while training.
    #[serde(default)]
    pub dropout: f32,
}

fn attention_units() -> usize {
    64
}

impl NetworkConfig {
    /// Input channels: the image and its neighbours.
    pub fn channels(&self) -> usize {
        2 * self.neighbours + 1
    }

    /// Length of the vector before the head.
    pub fn features(&self) -> usize {
        match (self.kind, self.encoder.pooling()) {
            (NetworkKind::Mil, Pooling::Max | Pooling::AverageMax) => 2 * self.encoder.features(),
            _ => self.encoder.features(),
        }
    }

    /// Checks that a network can be built.
    ///
    /// # Errors
    /// [`NetworkError`] names the field and what it must be.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.encoder.validate()?;
        if self.attention_units == 0 {
            return Err(NetworkError::TooSmall { field: "attention_units", value: 0, least: 1 });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Chance { field: "dropout" });
        }
        match self.kind {
            NetworkKind::Slice | NetworkKind::Mil => Ok(()),
            NetworkKind::Volume => self.validate_volume(),
        }
    }

    fn validate_volume(&self) -> Result<(), NetworkError> {
        let wrong = |field, instead| Err(NetworkError::Volume { field, instead });
        match &self.encoder {
            EncoderConfig::Torchvision(_) => {
                wrong("encoder.architecture", "give `widths` and `depths`; torchvision's networks see images")
            }
            EncoderConfig::Residual(config) if config.stem_pool => {
                wrong("encoder.stem_pool", "raise `stem_stride`")
            }
            EncoderConfig::Residual(_) if self.neighbours > 0 => {
                wrong("neighbours", "leave it out; the network sees all slices")
            }
            EncoderConfig::Residual(_) => Ok(()),
        }
    }
}
