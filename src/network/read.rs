//! Values back from the device.

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
