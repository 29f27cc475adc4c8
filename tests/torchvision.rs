//! ResNet and DenseNet are torchvision's: with its weights they give its logits and gradients, and
//! files of weights that PyTorch saved are read. Golden values: `tests/golden/networks/ORIGIN.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use pulmo::bundle::transfer;
use pulmo::network::{
    Architecture, Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, TorchvisionConfig,
    read_tensor,
};
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

const CLASSES: usize = 3;
const BATCH: usize = 4;
const SIDE: usize = 64;
const LABELS: [usize; BATCH] = [0, 1, 2, 1];

#[derive(Deserialize)]
struct Golden {
    architecture: Architecture,
    parameters: usize,
    logits: Vec<f64>,
    loss: f64,
    gradient_norm: f64,
}

/// `values` of `make.py`.
fn values(name: &str, shape: &[usize]) -> Vec<f32> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let fan_in: usize = shape.iter().skip(1).product();
    let bound = (6.0 / fan_in as f64).sqrt();
    let draw = |index: usize| {
        let mut z = seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        let value = if shape.len() > 1 && name != "images" {
            (2.0 * unit - 1.0) * bound
        } else if name.ends_with("running_var") || name.ends_with("weight") {
            (0.75 + 0.5 * unit) * if name.ends_with("bn3.weight") { 0.25 } else { 1.0 }
        } else {
            (2.0 * unit - 1.0) * if name == "images" { 1.0 } else { 0.1 }
        };
        value as f32
    };
    (0..shape.iter().product()).map(draw).collect()
}

fn config(architecture: Architecture, neighbours: usize) -> NetworkConfig {
    NetworkConfig {
        kind: NetworkKind::Slice,
        encoder: EncoderConfig::Torchvision(TorchvisionConfig { architecture, pooling: Pooling::Average }),
        neighbours,
        attention_units: 64,
        dropout: 0.0,
    }
}

/// Names and shapes of torchvision's tensors, as `make.py` lists them beside the golden values.
fn names(architecture: &Architecture) -> Vec<(String, Vec<usize>)> {
    let text = std::fs::read_to_string("tests/golden/networks/names.json").unwrap();
    let mut all: std::collections::BTreeMap<String, Vec<(String, Vec<usize>)>> =
        serde_json::from_str(&text).unwrap();
    let name = serde_json::to_value(architecture).unwrap();
    all.remove(name.as_str().unwrap()).unwrap()
}

fn safetensors_of(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// torchvision's network with the weights of `make.py`; the head under our names, transposed.
fn network(architecture: Architecture) -> Network {
    let mut tensors = Vec::new();
    for (name, shape) in names(&architecture) {
        let values = values(&name, &shape);
        match name.as_str() {
            "fc.weight" | "classifier.weight" => {
                let features = shape[1];
                let turned = (0..features * CLASSES).map(|i| values[i % CLASSES * features + i / CLASSES]);
                tensors.push(("head".to_owned(), vec![features, CLASSES], turned.collect()));
            }
            "fc.bias" | "classifier.bias" => tensors.push(("head_bias".to_owned(), shape, values)),
            _ => tensors.push((name, shape, values)),
        }
    }
    let drawn = Network::new(&config(architecture, 1), CLASSES, 0).unwrap();
    let (network, report) = transfer(drawn, &safetensors_of(&tensors)).unwrap();
    assert!(report.missing.is_empty() && report.unused.is_empty(), "{report:?}");
    assert_eq!(report.set, tensors.len());
    network
}

fn images(device: &Device) -> Bags {
    let shape = [BATCH, 3, SIDE, SIDE];
    let data = TensorData::new(values("images", &shape), shape);
    Bags { images: Tensor::from_data(data, device), counts: vec![1; BATCH] }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
    parameters: usize,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let values = read_tensor(gradient).unwrap();
            self.parameters += values.len();
            self.sum += values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        }
    }
}

/// Loss and norm of its gradient in training mode, and how many numbers have a gradient.
fn one_step(network: Network) -> (f64, f64, usize) {
    let device = Device::flex().autodiff();
    let network = network.to_device(&device).train();
    let logits = network.forward(images(&device)).logits;
    let chosen: Vec<f32> =
        LABELS.iter().flat_map(|&label| (0..CLASSES).map(move |c| f32::from(u8::from(c == label)))).collect();
    let chosen = Tensor::<2>::from_data(TensorData::new(chosen, [BATCH, CLASSES]), &device);
    let loss = (log_softmax(logits, 1) * chosen).sum().neg().div_scalar(BATCH as f64);
    let value = f64::from(read_tensor(loss.clone().inner()).unwrap()[0]);
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    let mut squares = Squares { gradients: &gradients, sum: 0.0, parameters: 0 };
    network.visit(&mut squares);
    (value, squares.sum.sqrt(), squares.parameters)
}

fn check(architecture: Architecture) {
    let text = std::fs::read_to_string("tests/golden/networks/torchvision.json").unwrap();
    let all: Vec<Golden> = serde_json::from_str(&text).unwrap();
    let golden = all.into_iter().find(|golden| golden.architecture == architecture).unwrap();
    let network = network(architecture);
    let logits = read_tensor(network.forward(images(&Device::flex())).logits).unwrap();
    let scale = golden.logits.iter().fold(0.0_f64, |most, logit| most.max(logit.abs()));
    let worst =
        logits.iter().zip(&golden.logits).map(|(ours, theirs)| (f64::from(*ours) - theirs).abs() / scale);
    let worst = worst.fold(0.0_f64, f64::max);
    let (loss, norm, parameters) = one_step(network);
    let (loss_off, norm_off) = (
        (loss - golden.loss).abs() / golden.loss,
        (norm - golden.gradient_norm).abs() / golden.gradient_norm,
    );
    eprintln!("{architecture:?}: logits {worst:.1e}, loss {loss_off:.1e}, gradient {norm_off:.1e}");
    assert_eq!(parameters, golden.parameters);
    assert!(worst < 1e-4, "logits are off by {worst} of their scale");
    assert!(loss_off < 1e-4 && norm_off < 1e-3, "loss {loss_off}, gradient {norm_off}");
}

/// Not run by default: the forward pass of one image of 224 x 224, for the record.
#[test]
#[ignore = "a measurement"]
fn a_forward_pass_takes() {
    use Architecture::{DenseNet121, DenseNet169, ResNet18, ResNet34, ResNet50};
    for architecture in [ResNet18, ResNet34, ResNet50, DenseNet121, DenseNet169] {
        let network = Network::new(&config(architecture, 0), 2, 0).unwrap().folded();
        let seconds = |images: usize| {
            let bags = Bags {
                images: Tensor::ones([images, 1, 224, 224], &Device::flex()),
                counts: vec![1; images],
            };
            let start = std::time::Instant::now();
            read_tensor(network.forward(bags).logits).unwrap();
            start.elapsed().as_secs_f64() / images as f64
        };
        seconds(1);
        let best = |images| (0..5).map(|_| seconds(images)).fold(f64::INFINITY, f64::min);
        eprintln!("{architecture:?}: {:.3} s an image alone, {:.3} s of eight", best(1), best(8));
    }
}

#[test]
fn resnet18_is_torchvisions() {
    check(Architecture::ResNet18);
}

#[test]
fn resnet34_is_torchvisions() {
    check(Architecture::ResNet34);
}

#[test]
fn resnet50_is_torchvisions() {
    check(Architecture::ResNet50);
}

#[test]
fn densenet121_is_torchvisions() {
    check(Architecture::DenseNet121);
}

#[test]
fn densenet169_is_torchvisions() {
    check(Architecture::DenseNet169);
}
