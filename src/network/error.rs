//! Why a network cannot be built or run.

use crate::gpu::GpuError;
use crate::onnx::OnnxError;

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
    /// A field of our own encoder stands beside the name of a network of torchvision.
    #[error("`{field}` does not go with `architecture`; leave one of them out")]
    Architecture {
        /// The field's name in the recipe.
        field: &'static str,
    },
    /// The encoder is neither named nor described.
    #[error("missing field `{field}` (or name an `architecture`)")]
    Missing {
        /// The field's name in the recipe.
        field: &'static str,
    },
    /// The network cannot be drawn as a graph.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The device failed to make the batch.
    #[error(transparent)]
    Device(#[from] GpuError),
}
