//! Weights as safetensors bytes: the same network gives the same bytes.

use burn::module::Module;
use burn::store::{ApplyResult, ModuleSnapshot, SafetensorsStore};
use pulmo_key::hexadecimal;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::files::TorchError;
use crate::network::Network;

/// What is wrong with weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not safetensors with 32-bit floats.
    #[error("the weights cannot be read: {0}")]
    Format(String),
    /// A weight is infinite or not a number.
    #[error("weight `{0}` holds values that are not finite numbers")]
    NotFinite(String),
    /// PyTorch's file of weights cannot be read.
    #[error("the weights cannot be read: {0}")]
    Torch(#[from] TorchError),
    /// The weights are for another network.
    #[error("the weights do not fit network.json: {0}")]
    Mismatch(String),
}

/// Returns the SHA-256 of some bytes, hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Returns a network's weights as safetensors bytes.
///
/// # Errors
/// [`WeightsError::Format`] where the device fails to give them.
pub fn save_weights(network: &Network) -> Result<Vec<u8>, WeightsError> {
    let failed = |error: &dyn std::fmt::Display| WeightsError::Format(error.to_string());
    // Without metadata: a hash map's order would change the bytes, and so the hash, from run to run.
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata().skip_enum_variants(true);
    network.save_into(&mut store).map_err(|error| failed(&error))?;
    store.get_bytes().map_err(|error| failed(&error))
}

/// Returns `network` with weights from safetensors bytes.
///
/// # Errors
/// [`WeightsError`] where they cannot be read, are not finite, or are not exactly those of the network.
pub fn load_weights(network: Network, bytes: &[u8]) -> Result<Network, WeightsError> {
    refuse_non_finite(bytes)?;
    let (network, result) = apply(network, bytes)?;
    let complaint = result
        .missing
        .first()
        .map(|(name, _)| format!("`{name}` is missing"))
        .or_else(|| result.unused.first().map(|name| format!("`{name}` has no place")));
    match complaint {
        Some(what) => Err(WeightsError::Mismatch(what)),
        None => Ok(network),
    }
}

/// Puts those of the weights that have a place into `network`.
pub(super) fn apply(network: Network, bytes: &[u8]) -> Result<(Network, ApplyResult), WeightsError> {
    // Clones share their running statistics in burn 0.22; `valid` gives this one its own.
    let mut network = network.valid();
    let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec()))
        .allow_partial(true)
        .validate(false)
        .skip_enum_variants(true);
    let result = network.load_from(&mut store).map_err(|error| WeightsError::Mismatch(error.to_string()))?;
    match result.errors.first() {
        Some(error) => Err(WeightsError::Mismatch(error.to_string())),
        None => Ok((network, result)),
    }
}

fn refuse_non_finite(bytes: &[u8]) -> Result<(), WeightsError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    for (name, tensor) in tensors.iter() {
        if tensor.dtype() != Dtype::F32 {
            return Err(WeightsError::Format(format!("`{name}` is {:?}, not F32", tensor.dtype())));
        }
        let finite = tensor
            .data()
            .chunks_exact(4)
            .all(|value| <[u8; 4]>::try_from(value).is_ok_and(|bytes| f32::from_le_bytes(bytes).is_finite()));
        if !finite {
            return Err(WeightsError::NotFinite(name.to_owned()));
        }
    }
    Ok(())
}
