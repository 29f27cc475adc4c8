//! A trained classifier on disk: `models/<name>/{bundle.toml, network.json, weights.safetensors, domain.safetensors,
//! capability.json, CARD.md}`.
//!
//! Everything that decides a score travels together: the preprocessing chain, the network, its
//! weights and their hash, the classes and the threshold. A bundle that does not fit together is
//! refused when it is opened, before the first study.

#[expect(clippy::module_inception, reason = "the bundle is this room's main type")]
mod bundle;
mod capability;
mod card;
mod domain_file;
mod embedded;
mod ensemble;
mod error;
mod golden;
mod manifest;
mod onnx;
mod onnx_calibration;
mod transfer;
mod weights;

pub use bundle::{Bundle, BundleFiles};
pub use domain_file::DomainFileError;
pub use embedded::embedded;
pub use error::{BundleError, ManifestError};
pub use golden::{Asked, Golden, SelfTestError};
pub use manifest::{Axis, Calibration, FORMAT, Manifest, Origin};
pub use transfer::{Transfer, transfer};
pub use weights::{WeightsError, load_weights, save_weights, sha256_hex};
