//! Transfer learning: weights from elsewhere, put where they belong in a network.
//!
//! Our names for the parts of torchvision's networks are theirs behind `encoder.`, but for
//! normalizations (`gamma` and `beta`, theirs `weight` and `bias`) and the lists of a DenseNet
//! (`denseblocks.0.1`, theirs `features.denseblock1.denselayer2`).

use std::collections::BTreeMap;

use burn::store::ModuleSnapshot;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::WeightsError;
use super::weights::apply;
use crate::files::{TorchTensor, is_torch, read_torch};
use crate::network::Network;

/// First convolutions: their input channels are fitted to the network's.
const STEMS: [&str; 3] = ["encoder.conv1.weight", "encoder.conv0.weight", "encoder.stem.weight"];

/// Names before the network's own that training scripts leave behind.
const WRAPPINGS: [&str; 7] = ["module", "model", "net", "network", "backbone", "encoder", "features"];

/// What became of the weights of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Tensors of the network that were set from the file.
    pub set: usize,
    /// Tensors of the network that the file does not hold (the head among them): they stay as drawn.
    pub missing: Vec<String>,
    /// Tensors of the file without a place in the network.
    pub unused: Vec<String>,
    /// Input channels of the file and of the network, where they differ.
    pub channels: Option<[usize; 2]>,
}

/// Most names that are listed of each kind.
const LISTED: usize = 6;

impl std::fmt::Display for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            first if first.len() > LISTED => {
                format!("{} and {} more", first[..LISTED].join(", "), first.len() - LISTED)
            }
            all => all.join(", "),
        };
        write!(f, "{} tensors start from the file", self.set)?;
        if let Some([from, to]) = self.channels {
            write!(f, ", the first convolution's input channels fitted from {from} to {to}")?;
        }
        write!(f, "; not in the file: {}; of the file not used: {}", list(&self.missing), list(&self.unused))
    }
}

/// Returns `network` with those weights of a file that have a place in it.
///
/// The file is of safetensors (ours, or with torchvision's names) or of PyTorch (`.pth`). The first
/// convolution is fitted to the network's input channels: the file's are summed and shared out
/// evenly, so that for one channel its kernel is the sum over red, green and blue. A head for other
/// classes is left out.
///
/// # Errors
/// [`WeightsError`] where the file cannot be read, holds numbers that are not finite or a tensor of
/// another shape, or where none of the encoder's weights are in it.
pub fn transfer(network: Network, bytes: &[u8]) -> Result<(Network, Transfer), WeightsError> {
    let given = read(bytes)?;
    let shapes: BTreeMap<String, Vec<usize>> = network
        .collect(None, None, true)
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor.shape.to_vec()))
        .collect();
    let mut report = Transfer { set: 0, missing: Vec::new(), unused: Vec::new(), channels: None };
    let mut placed: BTreeMap<String, TorchTensor> = BTreeMap::new();
    for (name, tensor) in given {
        let place = place(&name, &shapes).filter(|(place, shape)| tensor.shape == **shape || !is_head(place));
        let Some((place, shape)) = place else {
            report.unused.push(name);
            continue;
        };
        if !tensor.values.iter().all(|value| value.is_finite()) {
            return Err(WeightsError::NotFinite(name));
        }
        let fitted = if tensor.shape == *shape {
            tensor
        } else {
            report.channels = tensor.shape.get(1).zip(shape.get(1)).map(|(from, to)| [*from, *to]);
            with_channels(&tensor, place, shape).ok_or_else(|| other_shape(&name, &tensor, shape))?
        };
        if placed.insert(place.clone(), fitted).is_some() {
            return Err(WeightsError::Mismatch(format!("two tensors of the file are `{place}`")));
        }
    }
    report.set = placed.len();
    report.missing = shapes.into_keys().filter(|name| !placed.contains_key(name)).collect();
    if !placed.keys().any(|name| name.starts_with("encoder.")) {
        let example = report.unused.first().map_or(String::new(), |name| format!(" (it holds `{name}`)"));
        return Err(WeightsError::Mismatch(format!("none of the file's weights has a place in it{example}")));
    }
    let (network, _) = apply(network, &to_safetensors(&placed)?)?;
    Ok((network, report))
}

fn is_head(place: &str) -> bool {
    !place.starts_with("encoder.")
}

fn other_shape(name: &str, tensor: &TorchTensor, shape: &[usize]) -> WeightsError {
    WeightsError::Mismatch(format!(
        "`{name}` has shape {:?} where the network has {shape:?}; the weights are of another architecture",
        tensor.shape
    ))
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, TorchTensor>, WeightsError> {
    if is_torch(bytes) {
        return Ok(read_torch(bytes)?);
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    let mut read = BTreeMap::new();
    for (name, tensor) in tensors.iter().filter(|(_, tensor)| tensor.dtype() != Dtype::I64) {
        if tensor.dtype() != Dtype::F32 {
            return Err(WeightsError::Format(format!("`{name}` is {:?}, not F32", tensor.dtype())));
        }
        let values = tensor.data().chunks_exact(4).filter_map(|value| value.try_into().ok());
        let values = values.map(f32::from_le_bytes).collect();
        read.insert(name.to_owned(), TorchTensor { shape: tensor.shape().to_vec(), values });
    }
    Ok(read)
}

/// Where a tensor of the file belongs, and the shape that is wanted there.
fn place<'a>(name: &str, shapes: &'a BTreeMap<String, Vec<usize>>) -> Option<(&'a String, &'a Vec<usize>)> {
    shapes.get_key_value(name).or_else(|| {
        let ours = our_name(name)?;
        let normalization = || {
            let (part, last) = ours.rsplit_once('.')?;
            let last =
                [("weight", "gamma"), ("bias", "beta")].into_iter().find(|(theirs, _)| *theirs == last)?.1;
            shapes.get_key_value(&format!("{part}.{last}"))
        };
        shapes.get_key_value(&ours).or_else(normalization)
    })
}

/// The name in our networks of a part that PyTorch calls `name`.
fn our_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').skip_while(|part| WRAPPINGS.contains(part)).collect();
    let mut ours = vec!["encoder".to_owned()];
    let mut rest = parts.as_slice();
    // A list of torchvision's parts without names, as RadImageNet's weights have them.
    if let [number, inner @ ..] = rest
        && let Ok(number) = number.parse::<usize>()
    {
        rest = inner;
        match number {
            0 if inner.len() > 1 => {}
            0 => ours.push("conv1".into()),
            1 => ours.push("bn1".into()),
            4..=7 => ours.push(format!("layer{}", number - 3)),
            _ => return None,
        }
    }
    let numbered = |part: &str, prefix: &str| -> Option<usize> {
        part.strip_prefix(prefix)?.parse::<usize>().ok()?.checked_sub(1)
    };
    for (index, part) in rest.iter().enumerate() {
        if let Some(block) = numbered(part, "denseblock") {
            ours.extend(["denseblocks".to_owned(), block.to_string()]);
        } else if let Some(block) = numbered(part, "transition") {
            ours.extend(["transitions".to_owned(), block.to_string()]);
        } else if let Some(layer) = numbered(part, "denselayer") {
            ours.push(layer.to_string());
        } else if let (true, Some(before)) = (["1", "2"].contains(part), index.checked_sub(1))
            && ["norm", "conv"].contains(&rest[before])
        {
            // `norm.1` of weights from before PyTorch 0.4 is `norm1`.
            ours.last_mut()?.push_str(part);
        } else {
            ours.push((*part).to_owned());
        }
    }
    Some(ours.join("."))
}

/// A first convolution `[out, in, ...]` for other input channels: the response to the same value in
/// all of them stays the same.
#[expect(clippy::cast_precision_loss, reason = "a handful of channels")]
fn with_channels(tensor: &TorchTensor, place: &str, shape: &[usize]) -> Option<TorchTensor> {
    let ([outputs, from, kernel @ ..], [outputs_wanted, to, kernel_wanted @ ..]) =
        (tensor.shape.as_slice(), shape)
    else {
        return None;
    };
    if !STEMS.contains(&place) || outputs != outputs_wanted || kernel != kernel_wanted || *from == 0 {
        return None;
    }
    let size: usize = kernel.iter().product();
    let mut values = Vec::with_capacity(outputs * to * size);
    for output in tensor.values.chunks_exact(from * size) {
        let sum = |position: usize| output.iter().skip(position).step_by(size).sum::<f32>() / *to as f32;
        let shared: Vec<f32> = (0..size).map(sum).collect();
        (0..*to).for_each(|_| values.extend_from_slice(&shared));
    }
    Some(TorchTensor { shape: shape.to_vec(), values })
}

fn to_safetensors(tensors: &BTreeMap<String, TorchTensor>) -> Result<Vec<u8>, WeightsError> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        Ok((name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?))
    });
    views
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .and_then(|views| safetensors::serialize(views, None))
        .map_err(|error| WeightsError::Format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_torchvision_and_of_published_weights_are_found() {
        for (theirs, ours) in [
            ("conv1.weight", "encoder.conv1.weight"),
            ("module.layer4.1.downsample.0.weight", "encoder.layer4.1.downsample.0.weight"),
            ("backbone.0.weight", "encoder.conv1.weight"),
            ("backbone.1.running_mean", "encoder.bn1.running_mean"),
            ("backbone.7.2.conv3.weight", "encoder.layer4.2.conv3.weight"),
            ("features.denseblock4.denselayer16.norm2.bias", "encoder.denseblocks.3.15.norm2.bias"),
            ("features.denseblock1.denselayer1.norm.2.bias", "encoder.denseblocks.0.0.norm2.bias"),
            ("features.denseblock1.denselayer1.conv.1.weight", "encoder.denseblocks.0.0.conv1.weight"),
            ("features.transition3.norm.weight", "encoder.transitions.2.norm.weight"),
            ("backbone.0.denseblock2.denselayer1.conv1.weight", "encoder.denseblocks.1.0.conv1.weight"),
            ("encoder.blocks.0.norm1.gamma", "encoder.blocks.0.norm1.gamma"),
        ] {
            assert_eq!(our_name(theirs).as_deref(), Some(ours), "{theirs}");
        }
    }

    #[test]
    fn a_first_convolution_is_summed_for_one_channel_and_shared_for_more() {
        let shape = vec![2, 3, 1, 2];
        let values = (1..=12_u8).map(f32::from).collect();
        let tensor = TorchTensor { shape, values };
        let one = with_channels(&tensor, STEMS[0], &[2, 1, 1, 2]).unwrap();
        assert_eq!(one.values, [9.0, 12.0, 27.0, 30.0]);
        let two = with_channels(&tensor, STEMS[0], &[2, 2, 1, 2]).unwrap();
        assert_eq!(two.values, [4.5, 6.0, 4.5, 6.0, 13.5, 15.0, 13.5, 15.0]);
        assert!(with_channels(&tensor, STEMS[0], &[2, 1, 2, 2]).is_none());
        assert!(with_channels(&tensor, "encoder.layer1.0.conv1.weight", &[2, 1, 1, 2]).is_none());
    }
}
