//! What a bundle's network answers to inputs that are always the same: by this a device shows that it
//! computes rightly before the first study.

use ndarray::Array3;
use serde::{Deserialize, Serialize};

use crate::gpu::{Gpu, GpuError, caught};
use crate::network::Compute;
use crate::network::{Bags, Network, NetworkConfig, NetworkError, NetworkKind, read_tensor, softmax};
use crate::phantom;
use crate::preprocess::{Chain, PreprocessError, Problem, Processor, Resident, Step};
use crate::volume::Volume;

/// Height and width of the made input.
const SIDES: [usize; 2] = [64, 80];

/// Slices of the made input for networks that look at more than one.
const SLICES: usize = 16;

/// How far a logit or a probability may lie from the CPU's, as a share of it where it is above 1, and a
/// preprocessed voxel, as a share of the range of all: what rounding and the order of sums explain, with
/// room for fused and half-unit arithmetic.
const TOLERANCE: f32 = 1e-3;

/// One in so many preprocessed voxels may be another: where two are as near, rounding takes either.
const FEW: usize = 100;

/// Slabs in the larger of the batches that a device is asked about.
const BATCH: usize = 3;

/// The CPU's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Voxels of the made input, `[z, y, x]`; each is `((31 z + 17 y + 7 x) mod 101) / 101`.
    pub shape_zyx: [usize; 3],
    /// The network's logits for the made input, one for each class.
    pub logits: Vec<f32>,
    /// The network's probabilities, one for each class, for the slab of a made chest that goes through the
    /// bundle's preprocessing. Absent where that or the network cannot take the slab, and in bundles of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slab_probabilities: Option<Vec<f32>>,
}

/// A device that must not be used for a bundle.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// The device's network gives something else than the CPU's.
    #[error("it computes wrongly: {what} {found:?} where the CPU gives {expected:?}")]
    Wrong {
        /// What was asked.
        what: &'static str,
        /// The device's numbers.
        found: Vec<f32>,
        /// The CPU's.
        expected: Vec<f32>,
    },
    /// The device's preprocessing gives something else than the CPU's.
    #[error(
        "it preprocesses wrongly: after step {step} (`{kind}`) {wrong} of {voxels} voxels are not the CPU's"
    )]
    Voxels {
        /// The first step after which it does, from 1; 0 for the copy to the device.
        step: usize,
        /// Its kind.
        kind: &'static str,
        /// Voxels that differ; all where the shape does.
        wrong: usize,
        /// Voxels compared.
        voxels: usize,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] GpuError),
    /// The input does not fit the network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The device refuses what the CPU preprocesses.
    #[error(transparent)]
    Preprocess(PreprocessError),
}

impl From<PreprocessError> for SelfTestError {
    fn from(error: PreprocessError) -> Self {
        match error.problem {
            Problem::Gpu(error) => Self::Device(error),
            _ => Self::Preprocess(error),
        }
    }
}

/// A bundle's network with what surrounds it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The network, on the CPU or where it is to compute.
    pub network: &'a Network,
    /// What it looks like.
    pub config: &'a NetworkConfig,
    /// What is before it.
    pub chain: &'a Chain,
}

impl Golden {
    /// The answers of a network on the CPU.
    ///
    /// # Errors
    /// [`SelfTestError`] where they cannot be computed.
    pub fn of(asked: Asked) -> Result<Self, SelfTestError> {
        let slices = if asked.config.kind == NetworkKind::Slice { 1 } else { SLICES };
        let shape_zyx = [slices, SIDES[0], SIDES[1]];
        let logits = asked.logits(&made(shape_zyx), &Compute::cpu())?;
        Ok(Self { shape_zyx, logits, slab_probabilities: asked.slab_on_cpu() })
    }

    /// The same answers, with that to the slab where it is absent.
    #[must_use]
    pub fn completed(self, asked: Asked) -> Self {
        Self { slab_probabilities: self.slab_probabilities.or_else(|| asked.slab_on_cpu()), ..self }
    }

    /// Says whether the network `on_device`, on the device of `compute`, answers as `asked` on the CPU.
    /// A GPU is asked the whole path: the slab goes through the passes, stays on the device, and is given
    /// to the network alone and as one of a batch; where there is no answer to the slab, and on the CPU, the
    /// network is asked about the made input. A network that weighs slices is asked about many and
    /// about one: burn's fused kernels are known to go wrong where a layer has one output.
    ///
    /// # Errors
    /// [`SelfTestError::Wrong`] or [`SelfTestError::Voxels`] where it does not.
    pub fn check(&self, asked: Asked, on_device: &Network, compute: &Compute) -> Result<(), SelfTestError> {
        let on_device = Asked { network: on_device, ..asked };
        match (compute.gpu(), &self.slab_probabilities) {
            (Some(gpu), Some(expected)) => on_device.check_path(expected, compute, gpu)?,
            _ => compare("logits", on_device.logits(&made(self.shape_zyx), compute)?, &self.logits)?,
        }
        if compute.gpu().is_none() || asked.config.kind != NetworkKind::Mil {
            return Ok(());
        }
        let slice = made([1, SIDES[0], SIDES[1]]);
        let expected = asked.logits(&slice, &Compute::cpu())?;
        compare("logits of a single slice", on_device.logits(&slice, compute)?, &expected)
    }
}

impl Asked<'_> {
    fn logits(&self, input: &Array3<f32>, compute: &Compute) -> Result<Vec<f32>, SelfTestError> {
        let bags = caught(|| Bags::new(&[input], self.config, compute.device()))??;
        Ok(read_tensor(caught(|| self.network.forward(bags))?.logits)?)
    }

    /// The slab, as a picture where the network sees pictures.
    fn slab(&self) -> Option<Volume> {
        let slab =
            if self.config.kind == NetworkKind::Slice { phantom::picture_slab() } else { phantom::slab() };
        slab.ok()
    }

    /// The CPU's probabilities for the slab; `None` where the chain or the network cannot take it.
    fn slab_on_cpu(&self) -> Option<Vec<f32>> {
        let seen = self.chain.run(self.slab()?, &Processor::Cpu).ok()?;
        let logits = self.logits(seen.voxels(), &Compute::cpu()).ok()?;
        logits.iter().all(|logit| logit.is_finite()).then(|| softmax(&logits))
    }

    /// Asks the passes, and the network about what they left on the device.
    fn check_path(&self, expected: &[f32], compute: &Compute, gpu: &Gpu) -> Result<(), SelfTestError> {
        let Some(slab) = self.slab() else { return Ok(()) };
        let resident = self.check_passes(self.chain, &slab, gpu).or_else(|error| {
            let steps = 0..self.chain.steps.len();
            let parts = steps.map(|end| Chain { steps: self.chain.steps[..end].to_vec() });
            parts.map(|part| self.check_passes(&part, &slab, gpu)).find(Result::is_err).unwrap_or(Err(error))
        })?;
        let shape = resident.grid.shape_zyx();
        for (what, count) in [("probabilities of one slab", 1), ("probabilities of a batch of slabs", BATCH)]
        {
            let bags = Bags::resident(&vec![(&resident.values, shape); count], self.config, compute)?;
            let logits = read_tensor(caught(|| self.network.forward(bags))?.logits)?;
            logits.chunks(expected.len()).try_for_each(|logits| compare(what, softmax(logits), expected))?;
        }
        Ok(())
    }

    /// The slab on the device after the steps of `chain`, if it is what the CPU makes of it.
    fn check_passes(&self, chain: &Chain, slab: &Volume, gpu: &Gpu) -> Result<Resident, SelfTestError> {
        let on_cpu = chain.run(slab.clone(), &Processor::Cpu)?;
        let resident = chain.run_resident(slab, gpu)?;
        let found = gpu.download(&resident.values)?;
        let (expected, voxels) = (on_cpu.as_slice(), on_cpu.grid().len());
        let (low, high) = expected
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        let most = TOLERANCE * (high - low).max(TOLERANCE * high.abs());
        let is_right = |(found, expected): &(&f32, &f32)| (*found - *expected).abs() <= most;
        let right = match resident.grid.shape_zyx() == on_cpu.grid().shape_zyx() {
            true => found.iter().zip(expected).filter(is_right).count(),
            false => 0,
        };
        let wrong = voxels - right;
        if wrong <= voxels / FEW {
            return Ok(resident);
        }
        let kind = chain.steps.last().map_or("upload", Step::kind);
        Err(SelfTestError::Voxels { step: chain.steps.len(), kind, wrong, voxels })
    }
}

fn made([slices, rows, columns]: [usize; 3]) -> Array3<f32> {
    let value = |(z, y, x): (usize, usize, usize)| ((31 * z + 17 * y + 7 * x) % 101) as f32 / 101.0;
    Array3::from_shape_fn((slices, rows, columns), value)
}

fn compare(what: &'static str, found: Vec<f32>, expected: &[f32]) -> Result<(), SelfTestError> {
    let is_near =
        |(found, expected): (&f32, &f32)| (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
    let are_near = found.iter().zip(expected).all(is_near);
    if found.len() == expected.len() && are_near {
        return Ok(());
    }
    Err(SelfTestError::Wrong { what, found, expected: expected.to_vec() })
}
