//! What can be wrong with a bundle.

use std::path::PathBuf;

use super::WeightsError;
use crate::network::NetworkError;

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
    /// The weights are not those that the bundle names.
    #[error(
        "bundle `{bundle}`: weights.safetensors has SHA-256 {found} but bundle.toml says {expected}; fetch the bundle again"
    )]
    Hash {
        /// The bundle.
        bundle: String,
        /// Hash in `bundle.toml`.
        expected: String,
        /// Hash of the file.
        found: String,
    },
    /// The weights do not fit the network or are not numbers.
    #[error("bundle `{bundle}`: {source}")]
    Weights {
        /// The bundle.
        bundle: String,
        /// What is wrong with them.
        source: WeightsError,
    },
    /// The network cannot be built.
    #[error("bundle `{bundle}`, network.json: {source}")]
    Network {
        /// The bundle.
        bundle: String,
        /// What is wrong with it.
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
