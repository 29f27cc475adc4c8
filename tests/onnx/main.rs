//! Every network that a recipe can name is written as an ONNX model that onnxruntime runs to the same answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod cases;
mod reader;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cases::{Case, cases};
use ndarray::Array3;
use pulmo::bundle::{Bundle, embedded};
use pulmo::files::write_npy;
use pulmo::network::{Bags, NetworkKind, read_tensor};
use pulmo::predict::Predictor;
use reader::read;

/// What the peer exits with where its packages are not installed.
const LEFT_OUT: i32 = 77;

/// The logits that pulmo gives; of an ensemble the logarithms of its probabilities.
fn logits(bundle: &Bundle, volumes: &[&Array3<f32>]) -> Vec<f32> {
    let device = burn::tensor::Device::flex();
    if bundle.networks().count() == 1 {
        let bags = Bags::new(volumes, bundle.network_config(), &device).unwrap();
        return read_tensor(bundle.networks().next().unwrap().forward(bags).logits).unwrap();
    }
    let plain = Predictor::on_cpu(&bundle.clone().uncalibrated());
    let predictions = plain.predict(volumes).unwrap();
    predictions.iter().flat_map(|said| said.probabilities.iter().map(|p| p.ln())).collect()
}

/// Writes the model of a case, and what pulmo says of each of its batches.
fn write(case: &Case, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join("model.onnx"), case.bundle.to_onnx().unwrap()).unwrap();
    let predictor = Predictor::on_cpu(&case.bundle);
    let classes = case.bundle.manifest().classes.len();
    for (index, [cases, slices, rows, columns]) in case.batches.iter().copied().enumerate() {
        let volumes = case.volumes(index);
        let seen: Vec<&Array3<f32>> = volumes.iter().collect();
        let file = |what: &str, shape: &[usize], values: &[f32]| {
            write_npy(&folder.join(format!("{index}.{what}.npy")), shape, values).unwrap();
        };
        let voxels: Vec<f32> = volumes.iter().flatten().copied().collect();
        file("voxels", &[cases, slices, rows, columns], &voxels);
        let logits = logits(&case.bundle, &seen);
        let spread = logits.iter().fold(f32::MIN, |most, value| most.max(*value))
            - logits.iter().fold(f32::MAX, |least, value| least.min(*value));
        assert!(spread > 0.02 && spread < 1e3, "{}: the logits {logits:?} say little", case.name);
        file("logits", &[cases, classes], &logits);
        let said = predictor.predict(&seen).unwrap();
        let probabilities: Vec<f32> = said.iter().flat_map(|said| said.probabilities.clone()).collect();
        file("probabilities", &[cases, classes], &probabilities);
        if case.bundle.network_config().kind == NetworkKind::Mil {
            let attention: Vec<f32> = said.iter().flat_map(|said| said.attention.clone().unwrap()).collect();
            file("attention", &[cases, slices], &attention);
        }
    }
}

#[test]
fn onnxruntime_gives_the_logits_of_every_network_that_a_recipe_can_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = BTreeSet::new();
    for case in cases() {
        assert!(names.insert(case.name.clone()), "{} twice", case.name);
        write(&case, &folder.path().join(&case.name));
    }
    assert!(names.len() > 75, "{} cases", names.len());
    let python = std::env::var_os("PULMO_PYTHON").unwrap_or_else(|| "python3".into());
    let asked = Command::new(python).arg("tests/onnx/peer.py").arg(folder.path()).output();
    let is_required = std::env::var_os("PULMO_REQUIRE_PEERS").is_some_and(|value| value == "1");
    let output = match asked {
        Ok(output) if output.status.code() != Some(LEFT_OUT) => output,
        missing => {
            assert!(!is_required, "no onnxruntime: {missing:?}");
            eprintln!(
                "SKIPPED: onnxruntime is not asked: {}",
                missing.map_or_else(
                    |error| error.to_string(),
                    |output| String::from_utf8_lossy(&output.stdout).into_owned()
                )
            );
            return;
        }
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{out}");
    assert!(output.status.success(), "{err}");
    assert!(out.contains(&format!("{} models, at worst", names.len())), "{out}");
}

#[test]
fn a_model_is_a_graph_that_can_be_computed_from_its_beginning() {
    for case in cases() {
        let model = read(&case.bundle.to_onnx().unwrap());
        assert_eq!(model.versions, [8, 17]);
        assert_eq!(model.inputs, ["voxels"]);
        let kind = case.bundle.network_config().kind;
        let expected = match kind {
            NetworkKind::Mil => &["logits", "probabilities", "attention"][..],
            NetworkKind::Slice | NetworkKind::Volume => &["logits", "probabilities"],
        };
        assert_eq!(model.outputs, expected, "{}", case.name);
        let mut known: BTreeSet<&str> = model.weights.keys().map(String::as_str).collect();
        known.insert("voxels");
        let mut used = BTreeSet::new();
        for node in &model.nodes {
            for input in &node.inputs {
                assert!(known.contains(input.as_str()), "{}: {} needs {input}", case.name, node.operator);
                used.insert(input.as_str());
            }
            for output in &node.outputs {
                assert!(known.insert(output), "{}: {output} twice", case.name);
            }
        }
        assert!(model.outputs.iter().all(|output| known.contains(output.as_str())));
        for (name, weight) in &model.weights {
            assert!(used.contains(name.as_str()), "{}: {name} is not used", case.name);
            let size = if weight.is_float { 4 } else { 8 };
            let count: u64 = weight.shape.iter().product();
            assert_eq!(weight.bytes as u64, size * count, "{}: {name}", case.name);
        }
        let capability = &model.metadata["pulmo"];
        assert_eq!(*capability, case.bundle.capability().unwrap());
    }
}

#[test]
fn weights_keep_the_names_that_they_have_in_the_bundle() {
    let model = read(&embedded().unwrap().to_onnx().unwrap());
    for name in
        ["encoder.stem.weight", "encoder.blocks.0.conv1.weight", "attention.content", "head", "head_bias"]
    {
        assert!(model.weights.contains_key(name), "{name} of {:?}", model.weights.keys());
    }
}

#[test]
fn the_command_writes_what_the_library_gives_and_nothing_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/model.onnx");
    let output =
        Command::new(env!("CARGO_BIN_EXE_pulmo")).args(["onnx", "--out"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.contains("opset 17"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), embedded().unwrap().to_onnx().unwrap());
}
