//! Values back from the device.

use burn::tensor::Tensor;

/// The device failed to compute a tensor or to give its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the device failed: {0}")]
pub struct DeviceError(pub String);

/// Returns a tensor's values in row-major order, waiting for the device.
///
/// # Errors
/// [`DeviceError`] where the device was lost or ran out of memory.
pub fn read_tensor<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    let data = tensor.try_into_data().map_err(|error| DeviceError(error.to_string()))?;
    // Not `to_vec` or `iter`, which panic where the values are read late and the device is lost.
    data.try_into_vec::<f32>().map_err(|error| DeviceError(error.to_string()))
}
