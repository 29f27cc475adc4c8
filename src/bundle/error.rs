//! What can be wrong with a bundle.

use std::path::PathBuf;

use super::{DomainFileError, WeightsError};
use crate::metrics::CalibrationMapError;
use crate::network::NetworkError;
use crate::preprocess::PreprocessError;

/// What cannot be in `bundle.toml`, although each field can be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It has another layout.
    #[error("format {found} is not {known}: use the pulmo that wrote the bundle")]
    Format {
        /// Its version.
        found: u32,
        /// The version that this pulmo reads.
        known: u32,
    },
    /// Nothing can be told apart.
    #[error("classes must name at least two")]
    FewClasses {
        /// Classes named.
        count: usize,
    },
    /// It is not said when the second of two classes is predicted.
    #[error("two classes need a threshold")]
    NoThreshold,
    /// There is a threshold for more than two classes.
    #[error("a threshold goes with two classes only")]
    ThresholdOfMany {
        /// Classes named.
        count: usize,
    },
    /// The threshold is no probability.
    #[error("threshold {found} is not in [0, 1]")]
    Threshold {
        /// The threshold.
        found: f32,
    },
    /// The calibration cannot be applied.
    #[error("[calibration] {0}")]
    Calibration(#[from] CalibrationMapError),
    /// The preprocessing cannot be done.
    #[error("[chain] {0}")]
    Chain(#[from] PreprocessError),
}

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A file of the bundle cannot be read or written.
    #[error("bundle file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// `bundle.toml` or `network.json` cannot be understood: an unknown field or step, a wrong value.
    #[error("bundle `{bundle}`, {file}: {what}")]
    Content {
        /// The bundle.
        bundle: String,
        /// The file in it.
        file: &'static str,
        /// What is wrong.
        what: String,
    },
    /// `bundle.toml` says what cannot be.
    #[error("bundle `{bundle}`, bundle.toml: {source}")]
    Manifest {
        /// The bundle.
        bundle: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// The weights are not those that the bundle names.
    #[error(
        "bundle `{bundle}`: {file} has SHA-256 {found} but bundle.toml says {expected}; fetch the bundle again"
    )]
    Hash {
        /// The bundle.
        bundle: String,
        /// The file with weights.
        file: String,
        /// Hash in `bundle.toml`.
        expected: String,
        /// Hash of the file.
        found: String,
    },
    /// Bundles do not make an ensemble.
    #[error("bundle `{bundle}` does not fit `{first}`: they have another {what}; an ensemble needs the same")]
    Ensemble {
        /// The first bundle.
        first: String,
        /// The one that differs.
        bundle: String,
        /// What differs.
        what: &'static str,
    },
    /// The weights do not fit the network or are not numbers.
    #[error("bundle `{bundle}`: {source}")]
    Weights {
        /// The bundle.
        bundle: String,
        /// What is wrong with them.
        source: WeightsError,
    },
    /// The domain cannot be what it says, or is of other networks.
    #[error("bundle `{bundle}`: {source}")]
    Domain {
        /// The bundle.
        bundle: String,
        /// What is wrong with it.
        source: DomainFileError,
    },
    /// The network cannot be built.
    #[error("bundle `{bundle}`, network.json: {source}")]
    Network {
        /// The bundle.
        bundle: String,
        /// What is wrong with it.
        source: NetworkError,
    },
    /// The networks cannot be written as an ONNX model.
    #[error("bundle `{bundle}` cannot be written as ONNX: {source}")]
    Onnx {
        /// The bundle.
        bundle: String,
        /// Why.
        source: NetworkError,
    },
    /// The network gives no answer to the input of the self-test.
    #[error("bundle `{bundle}`: {source}")]
    SelfTest {
        /// The bundle.
        bundle: String,
        /// Why.
        source: super::SelfTestError,
    },
}
