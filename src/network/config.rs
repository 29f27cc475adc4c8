//! What a network looks like, as it stands in recipes and bundles.

use serde::{Deserialize, Serialize};

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
    /// The device failed to make the batch.
    #[error(transparent)]
    Device(#[from] GpuError),
    /// Dropout is not a probability below one.
    #[error("`dropout` must be at least 0 and below 1")]
    Dropout,
}

/// What the network classifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Single images: a slice, a picture.
    Slice,
    /// Whole studies: all slices of a volume, pooled by gated attention.
    Mil,
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

/// The 2D residual encoder (He et al. 2016, doi:10.1109/CVPR.2016.90).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// Channels of each stage; every stage after the first halves the image.
    pub widths: Vec<usize>,
    /// Residual blocks of each stage.
    pub depths: Vec<usize>,
    /// Side of the first convolution's kernel, odd.
    #[serde(default = "stem_kernel")]
    pub stem_kernel: usize,
    /// Stride of the first convolution.
    #[serde(default = "stem_stride")]
    pub stem_stride: usize,
    /// Whether a 3 x 3 maximum pooling with stride 2 follows the first convolution.
    #[serde(default)]
    pub stem_pool: bool,
    /// How the last maps become one vector an image, and images one a study.
    #[serde(default)]
    pub pooling: Pooling,
}

fn stem_kernel() -> usize {
    3
}

fn stem_stride() -> usize {
    2
}

impl EncoderConfig {
    /// Length of the vector that the encoder gives for an image.
    pub fn features(&self) -> usize {
        let last = self.widths.last().copied().unwrap_or(0);
        match self.pooling {
            Pooling::Average | Pooling::Max => last,
            Pooling::AverageMax => 2 * last,
        }
    }
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
        match (self.kind, self.encoder.pooling) {
            (NetworkKind::Mil, Pooling::Max | Pooling::AverageMax) => 2 * self.encoder.features(),
            _ => self.encoder.features(),
        }
    }

    /// Checks that a network can be built.
    ///
    /// # Errors
    /// [`NetworkError`] names the field and what it must be.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let encoder = &self.encoder;
        if encoder.widths.is_empty() || encoder.widths.len() != encoder.depths.len() {
            return Err(NetworkError::Stages { widths: encoder.widths.len(), depths: encoder.depths.len() });
        }
        let positive = [
            ("encoder.widths", encoder.widths.iter().copied().min().unwrap_or(0)),
            ("encoder.depths", encoder.depths.iter().copied().min().unwrap_or(0)),
            ("encoder.stem_kernel", encoder.stem_kernel),
            ("encoder.stem_stride", encoder.stem_stride),
            ("attention_units", self.attention_units),
        ];
        if let Some((field, value)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(NetworkError::TooSmall { field, value, least: 1 });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Dropout);
        }
        Ok(())
    }
}
