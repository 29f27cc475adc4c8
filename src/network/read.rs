//! Values back from the device, and probabilities of logits.

use burn::tensor::Tensor;

use crate::gpu::{GpuError, caught};

/// Returns a tensor's values in row-major order, waiting for the device.
///
/// # Errors
/// [`GpuError`] where the device was lost, ran out of memory or failed in another way.
pub fn read_tensor<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, GpuError> {
    let told = |error: String| GpuError::told(&error);
    caught(|| {
        let data = tensor.try_into_data().map_err(|error| told(error.to_string()))?;
        // Not `to_vec` or `iter`, which panic where the values are read late and the device is lost.
        data.try_into_vec::<f32>().map_err(|error| told(error.to_string()))
    })?
}

/// Returns the value of a tensor of one, waiting for the device.
///
/// # Errors
/// As [`read_tensor`].
pub fn read_scalar(tensor: Tensor<1>) -> Result<f64, GpuError> {
    let values = read_tensor(tensor)?;
    let missing = || GpuError::Failed { message: "no value came back".to_owned() };
    values.first().map(|value| f64::from(*value)).ok_or_else(missing)
}

/// Returns the probabilities of logits (softmax, in double precision).
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32")]
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|logit| f64::from(logit - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_for_large_logits() {
        let probabilities = softmax(&[1000.0, 999.0, -1000.0]);
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((probabilities[0] / probabilities[1] - std::f32::consts::E).abs() < 1e-4);
    }
}
