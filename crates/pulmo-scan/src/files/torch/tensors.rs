//! Tensors from views and stored bytes.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::TorchError;
use super::value::{PickleValue, ScalarType, Storage, TensorView};

/// Most values of all tensors together: 2 GiB of them.
const MAX_VALUES: usize = 1 << 29;

/// Where training scripts put the weights beside other things.
const USUAL_PLACES: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "weights"];

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct TorchTensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, in row-major order.
    pub values: Vec<f32>,
}

/// The views in a list of weights, by name.
pub(super) fn views(list: &PickleValue) -> Result<BTreeMap<String, Rc<TensorView>>, TorchError> {
    let PickleValue::Dict(items) = list else { return Err(TorchError::NoWeights) };
    let pairs = || items.values.chunks_exact(2).map(|pair| (&pair[0], &pair[1]));
    let named = pairs().filter_map(|(key, value)| match (key, value) {
        (PickleValue::Text(key), PickleValue::View(view)) => Some((key.to_string(), view.clone())),
        _ => None,
    });
    let found: BTreeMap<_, _> = named.collect();
    if found.is_empty() {
        let usual =
            |key: &PickleValue| matches!(key, PickleValue::Text(key) if USUAL_PLACES.contains(&&**key));
        let inner = pairs().find(|(key, value)| usual(key) && matches!(value, PickleValue::Dict(_)));
        return inner.map_or(Err(TorchError::NoWeights), |(_, inner)| views(inner));
    }
    let mut total = 0_usize;
    for view in found.values() {
        let count = view.shape.iter().try_fold(1_usize, |count, side| count.checked_mul(*side));
        total = count.and_then(|count| total.checked_add(count)).unwrap_or(usize::MAX);
        if total > MAX_VALUES {
            return Err(TorchError::TooLarge("more than 2^29 weights"));
        }
    }
    Ok(found)
}

/// Returns the tensor that `view` shows of the storage's bytes.
pub(super) fn tensor(view: &TensorView, bytes: &[u8]) -> Result<TorchTensor, TorchError> {
    let Storage { kind, .. } = *view.storage;
    let count: usize = view.shape.iter().product();
    // A view may repeat what is stored; weights never do, and a few bytes must not become gigabytes.
    if count > bytes.len() / kind.bytes() {
        return Err(TorchError::Damaged("a tensor is larger than its storage"));
    }
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0_usize; view.shape.len()];
    let outside = TorchError::Damaged("a tensor reaches beyond its storage");
    if view.shape.contains(&0) {
        return Ok(TorchTensor { shape: view.shape.clone(), values });
    }
    loop {
        let place = index
            .iter()
            .zip(&view.strides)
            .try_fold(view.offset, |sum, (index, stride)| sum.checked_add(index.checked_mul(*stride)?));
        let value = place.and_then(|place| number(kind, bytes, place));
        values.push(value.ok_or_else(|| outside.clone())?);
        let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < view.shape[axis]) else {
            return Ok(TorchTensor { shape: view.shape.clone(), values });
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// The number at `place`, little-endian.
#[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
fn number(kind: ScalarType, bytes: &[u8], place: usize) -> Option<f32> {
    let start = place.checked_mul(kind.bytes())?;
    let bytes = bytes.get(start..start.checked_add(kind.bytes())?)?;
    Some(match kind {
        ScalarType::Float32 => f32::from_le_bytes(bytes.try_into().ok()?),
        ScalarType::Float64 => f64::from_le_bytes(bytes.try_into().ok()?) as f32,
        ScalarType::BFloat16 => bfloat(u16::from_le_bytes(bytes.try_into().ok()?)),
        ScalarType::Float16 => half(u16::from_le_bytes(bytes.try_into().ok()?)),
        ScalarType::Integer { .. } => return None,
    })
}

/// The value of a bfloat16 number: the upper half of an `f32`.
pub fn bfloat(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The value of an IEEE 754 binary16 number.
pub fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_numbers_are_ieee() {
        let cases = [(0x3C00, 1.0), (0xC000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0x7BFF), 65504.0);
        assert!(half(0x7C00).is_infinite() && half(0x7E00).is_nan() && half(0x8000).is_sign_negative());
    }
}
