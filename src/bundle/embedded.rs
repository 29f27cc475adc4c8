//! The bundle inside the binary, so that an installed `pulmo` runs anywhere.

use super::{Bundle, BundleError, BundleFiles};

/// Returns the shipped bundle, `models/lung-nodule-phantom`.
///
/// # Errors
/// [`BundleError`] where the build embedded a bundle that does not fit together.
pub fn embedded() -> Result<Bundle, BundleError> {
    Bundle::from_files(BundleFiles {
        toml: include_bytes!("../../models/lung-nodule-phantom/bundle.toml").to_vec(),
        json: include_bytes!("../../models/lung-nodule-phantom/network.json").to_vec(),
        weights: vec![include_bytes!("../../models/lung-nodule-phantom/weights.safetensors").to_vec()],
        domain: Some(include_bytes!("../../models/lung-nodule-phantom/domain.safetensors").to_vec()),
    })
}
