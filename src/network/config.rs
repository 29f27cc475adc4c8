//! What a network looks like, as it stands in recipes and bundles.

use serde::{Deserialize, Serialize};

use super::{EncoderConfig, NetworkError, Pooling};

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
