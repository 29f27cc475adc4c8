//! What a bundle's network answers to an input that is always the same: by this a device shows that it
//! computes rightly before the first study.

use burn::tensor::Device;
use ndarray::Array3;
use serde::{Deserialize, Serialize};

use crate::gpu::{GpuError, caught};
use crate::network::{Bags, Network, NetworkConfig, NetworkError, NetworkKind, read_tensor};

/// Height and width of the input.
const SIDES: [usize; 2] = [64, 80];

/// Slices of the input for networks that look at more than one.
const SLICES: usize = 16;

/// How far a logit may lie from the CPU's, as a share of it where it is above 1: what rounding and the
/// order of sums explain, with room for fused and half-unit arithmetic.
const TOLERANCE: f32 = 1e-3;

/// The CPU's answer to the made input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Voxels of the input, `[z, y, x]`; each is `((31 z + 17 y + 7 x) mod 101) / 101`.
    pub shape_zyx: [usize; 3],
    /// One for each class.
    pub logits: Vec<f32>,
}

/// A device that must not be used for a bundle.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// The device computes something else than the CPU.
    #[error("it computes wrongly: logits {found:?} where the CPU gives {expected:?}")]
    Wrong {
        /// The device's logits.
        found: Vec<f32>,
        /// The CPU's.
        expected: Vec<f32>,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] GpuError),
    /// The input does not fit the network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Golden {
    /// The answer of `network` on the CPU.
    ///
    /// # Errors
    /// [`SelfTestError`] where it cannot be computed.
    pub fn of(network: &Network, config: &NetworkConfig) -> Result<Self, SelfTestError> {
        let slices = if config.kind == NetworkKind::Slice { 1 } else { SLICES };
        let shape_zyx = [slices, SIDES[0], SIDES[1]];
        let logits = logits(network, config, shape_zyx, &Device::flex())?;
        Ok(Self { shape_zyx, logits })
    }

    /// Says whether `network`, on `device`, answers as on the CPU.
    ///
    /// # Errors
    /// [`SelfTestError::Wrong`] where it does not.
    pub fn check(
        &self,
        network: &Network,
        config: &NetworkConfig,
        device: &Device,
    ) -> Result<(), SelfTestError> {
        let found = logits(network, config, self.shape_zyx, device)?;
        let is_near =
            |(found, expected): (&f32, &f32)| (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
        if found.len() == self.logits.len() && found.iter().zip(&self.logits).all(is_near) {
            return Ok(());
        }
        Err(SelfTestError::Wrong { found, expected: self.logits.clone() })
    }
}

fn logits(
    network: &Network,
    config: &NetworkConfig,
    [slices, rows, columns]: [usize; 3],
    device: &Device,
) -> Result<Vec<f32>, SelfTestError> {
    let value = |(z, y, x): (usize, usize, usize)| ((31 * z + 17 * y + 7 * x) % 101) as f32 / 101.0;
    let input = Array3::from_shape_fn((slices, rows, columns), value);
    let bags = caught(|| Bags::new(&[&input], config, device))??;
    Ok(read_tensor(caught(|| network.forward(bags))?.logits)?)
}
