//! What is done when a device fails: smaller batches, then the CPU.

use ndarray::Array3;

use super::{PredictError, Predictor};
use crate::findings::Prediction;
use crate::gpu::GpuError;

/// What had to be done differently because a device failed. The results are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setback {
    /// A batch did not fit into the device's memory and was halved.
    Halved {
        /// Volumes in the batch that did not fit.
        volumes: usize,
    },
    /// The work went on with the CPU.
    Cpu {
        /// What the device said.
        reason: GpuError,
    },
}

impl std::fmt::Display for Setback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Halved { volumes } => {
                write!(f, "a batch of {volumes} did not fit into the device's memory and was halved")
            }
            Self::Cpu { reason } => write!(f, "{reason}; going on with the CPU, which is slower"),
        }
    }
}

impl Predictor {
    /// As [`Predictor::predict`], but a batch that is too large for the device's memory is halved, and
    /// what still fails on the device goes to the CPU. Each setback is handed to `tell`.
    ///
    /// # Errors
    /// [`PredictError`] where the volumes do not fit the network.
    pub fn predict_anyway(
        &self,
        volumes: &[&Array3<f32>],
        mut tell: impl FnMut(Setback),
    ) -> Result<Vec<Prediction>, PredictError> {
        let on_cpu = |volumes: &[&Array3<f32>]| self.moved_to_cpu().predict(volumes);
        rescued(volumes, &|batch| self.predict(batch), &on_cpu, &mut tell)
    }
}

/// A way to get the predictions of a batch.
type Attempt<'a, T, P> = &'a dyn Fn(&[T]) -> Result<Vec<P>, PredictError>;

/// Halves what does not fit, and gives to the CPU what fails even so.
pub(crate) fn rescued<T, P>(
    batch: &[T],
    on_device: Attempt<T, P>,
    on_cpu: Attempt<T, P>,
    tell: &mut dyn FnMut(Setback),
) -> Result<Vec<P>, PredictError> {
    match on_device(batch) {
        Err(PredictError::Device(GpuError::OutOfMemory { .. })) if batch.len() > 1 => {
            tell(Setback::Halved { volumes: batch.len() });
            let (first, second) = batch.split_at(batch.len() / 2);
            let mut predictions = rescued(first, on_device, on_cpu, tell)?;
            predictions.extend(rescued(second, on_device, on_cpu, tell)?);
            Ok(predictions)
        }
        Err(PredictError::Device(reason)) => {
            tell(Setback::Cpu { reason });
            on_cpu(batch)
        }
        settled => settled,
    }
}
