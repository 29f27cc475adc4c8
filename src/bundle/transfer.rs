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
use crate::files::{TorchTensor, bfloat, half, is_torch, read_torch};
use crate::network::Network;

/// First convolutions: their input channels are fitted to the network's.
const STEMS: [&str; 3] = ["encoder.conv1.weight", "encoder.conv0.weight", "encoder.stem.weight"];

/// Names before the network's own that training scripts leave behind, in any number and order.
const WRAPPINGS: [&str; 17] = [
    "module",
    "_orig_mod",
    "model",
    "net",
    "network",
    "backbone",
    "encoder",
    "features",
    "state_dict",
    "model_state_dict",
    "student",
    "teacher",
    "ema",
    "ema_model",
    "base_model",
    "image_encoder",
    "_model",
];

/// What became of the weights of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Tensors of the network that were set from the file.
    pub set: usize,
    /// Tensors of the network that the file does not hold (the head among them): they stay as drawn.
    pub missing: Vec<String>,
    /// Tensors of the file without a place in the network.
    pub unused: Vec<String>,
    /// Input channels of the file and of the network, where they differ.
    pub channels: Option<[usize; 2]>,
    /// What stood before the names of the tensors that were set and is none of theirs (`module.model.`), each
    /// once, sorted.
    pub stripped: Vec<String>,
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
        if !self.stripped.is_empty() {
            write!(f, ", without `{}` before their names", self.stripped.join("`, `"))?;
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
    let mut report = Transfer::default();
    let mut placed: BTreeMap<String, TorchTensor> = BTreeMap::new();
    for (name, tensor) in given {
        let place =
            place(&name, &shapes).filter(|(place, shape, _)| tensor.shape == **shape || !is_head(place));
        let Some((place, shape, stripped)) = place else {
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
        report.stripped.extend((!stripped.is_empty()).then_some(stripped));
        if placed.insert(place.clone(), fitted).is_some() {
            return Err(WeightsError::Mismatch(format!("two tensors of the file are `{place}`")));
        }
    }
    report.stripped.sort_unstable();
    report.stripped.dedup();
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
    if let Some(what) = no_weights(bytes) {
        return Err(WeightsError::Format(what.to_owned()));
    }
    if is_torch(bytes) {
        return Ok(read_torch(bytes)?);
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    let mut read = BTreeMap::new();
    for (name, tensor) in tensors.iter() {
        if let Some(values) = values(&tensor, name)? {
            read.insert(name.to_owned(), TorchTensor { shape: tensor.shape().to_vec(), values });
        }
    }
    Ok(read)
}

/// What came instead of weights, where that is known by its first bytes.
pub(super) fn no_weights(bytes: &[u8]) -> Option<&'static str> {
    let beginning = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let text = String::from_utf8_lossy(beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(beginning));
    let text = text.trim_start().to_ascii_lowercase();
    if text.starts_with("version https://git-lfs.github.com/spec/") {
        return Some(
            "the file is a pointer of Git LFS, not the weights themselves; fetch them with `git lfs pull`, or \
             download the file by itself",
        );
    }
    let is_page = ["<!doctype html", "<html", "<head", "<!doctype svg", "<?xml"];
    if is_page.iter().any(|start| text.starts_with(start)) {
        return Some(
            "the file is a web page (HTML), not weights: what was saved is the page around a download, or its \
             error or log-in page",
        );
    }
    bytes.is_empty().then_some("the file is empty")
}

/// The values of a tensor, as `f32`; `None` for integers, which only count.
fn values(tensor: &TensorView<'_>, name: &str) -> Result<Option<Vec<f32>>, WeightsError> {
    let data = tensor.data();
    Ok(Some(match tensor.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        Dtype::F64 => data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|bytes| bfloat(u16::from_le_bytes(*bytes))).collect(),
        Dtype::BOOL
        | Dtype::U8
        | Dtype::I8
        | Dtype::U16
        | Dtype::I16
        | Dtype::U32
        | Dtype::I32
        | Dtype::U64
        | Dtype::I64 => return Ok(None),
        other => {
            return Err(WeightsError::Format(format!(
                "`{name}` holds numbers of type {other:?}; F64, F32, F16 and BF16 are read"
            )));
        }
    }))
}

/// Where a tensor of the file belongs, the shape that is wanted there, and what stood before its name.
///
/// A name that the network has itself is taken as it is, with as much before it stripped as is needed; then
/// torchvision's names are tried.
fn place<'a>(
    name: &str,
    shapes: &'a BTreeMap<String, Vec<usize>>,
) -> Option<(&'a String, &'a Vec<usize>, String)> {
    let own = stripped(name).find_map(|rest| {
        let (place, shape) = shapes.get_key_value(rest)?;
        Some((place, shape, name[..name.len() - rest.len()].to_owned()))
    });
    own.or_else(|| {
        let rest = stripped(name).last()?;
        let ours = our_name(rest)?;
        let normalization = || {
            let (part, last) = ours.rsplit_once('.')?;
            let last =
                [("weight", "gamma"), ("bias", "beta")].into_iter().find(|(theirs, _)| *theirs == last)?.1;
            shapes.get_key_value(&format!("{part}.{last}"))
        };
        let (place, shape) = shapes.get_key_value(&ours).or_else(normalization)?;
        // `features` is torchvision's own word, and `encoder` ours
        let before =
            name[..name.len() - rest.len()].trim_end_matches("features.").trim_end_matches("encoder.");
        Some((place, shape, before.to_owned()))
    })
}

/// A name, and what is left of it as each wrapping goes.
fn stripped(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| {
        let (first, rest) = name.split_once('.')?;
        WRAPPINGS.contains(&first).then_some(rest)
    })
}

/// The name in our networks of a part that PyTorch calls `name`.
fn our_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = stripped(name).last()?.split('.').collect();
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
    fn wrappings_of_training_scripts_are_stripped_and_told() {
        let shapes: BTreeMap<String, Vec<usize>> =
            ["encoder.conv1.weight", "encoder.bn1.gamma", "head.weight"]
                .map(|name| (name.to_owned(), vec![1]))
                .into();
        for (theirs, ours, before) in [
            ("conv1.weight", "encoder.conv1.weight", ""),
            ("encoder.conv1.weight", "encoder.conv1.weight", ""),
            ("module.conv1.weight", "encoder.conv1.weight", "module."),
            ("_orig_mod.module.conv1.weight", "encoder.conv1.weight", "_orig_mod.module."),
            ("state_dict.model.net.bn1.weight", "encoder.bn1.gamma", "state_dict.model.net."),
            ("module._orig_mod.encoder.bn1.gamma", "encoder.bn1.gamma", "module._orig_mod."),
            ("model.backbone.encoder.bn1.weight", "encoder.bn1.gamma", "model.backbone."),
            ("_orig_mod.head.weight", "head.weight", "_orig_mod."),
        ] {
            let (place, _, stripped) = place(theirs, &shapes).unwrap();
            assert_eq!((place.as_str(), stripped.as_str()), (ours, before), "{theirs}");
        }
        assert!(place("module.other.weight", &shapes).is_none());
    }

    #[test]
    fn all_floating_point_types_become_f32_and_integers_are_left_out() {
        let found = |kind: Dtype, bytes: &[u8]| {
            let tensor = TensorView::new(kind, vec![2], bytes).unwrap();
            values(&tensor, "x").map_err(|error| error.to_string())
        };
        let expected = Ok(Some(vec![1.0, -2.5]));
        assert_eq!(found(Dtype::F16, &[0x00, 0x3C, 0x00, 0xC1]), expected);
        assert_eq!(found(Dtype::BF16, &[0x80, 0x3F, 0x20, 0xC0]), expected);
        assert_eq!(found(Dtype::F32, &[1.0_f32, -2.5].map(f32::to_le_bytes).concat()), expected);
        assert_eq!(found(Dtype::F64, &[1.0_f64, -2.5].map(f64::to_le_bytes).concat()), expected);
        assert_eq!(found(Dtype::I64, &[0; 16]), Ok(None));
        assert!(found(Dtype::F8_E4M3, &[0; 2]).unwrap_err().contains("F8_E4M3"));
    }

    #[test]
    fn what_is_no_weights_is_called_by_its_name() {
        let told = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4665a5\nsize 46830571\n";
        assert!(told(pointer).contains("Git LFS"));
        for page in [&b"<!DOCTYPE html><html>"[..], b"\n  <html lang=\"en\">", b"\xEF\xBB\xBF<HTML>"] {
            assert!(told(page).contains("HTML"));
        }
        assert!(told(b"").contains("empty"));
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
