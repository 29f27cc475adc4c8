//! A bundle that is not what it says is refused before the first study.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};

use ndarray::Array3;
use pulmo::bundle::{Asked, Bundle, BundleError, Golden, SelfTestError, embedded};
use pulmo::network::Compute;
use pulmo::network::{Bags, read_tensor};

fn shipped() -> PathBuf {
    PathBuf::from("models/lung-nodule-phantom")
}

/// The shipped bundle with one file changed.
fn changed(file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Result<Bundle, BundleError> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bundle.toml", "network.json", "weights.safetensors", "domain.safetensors"] {
        std::fs::copy(shipped().join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join(file);
    std::fs::write(&path, change(std::fs::read(&path).unwrap())).unwrap();
    Bundle::open(folder.path())
}

fn changed_text(file: &str, from: &str, to: &str) -> Result<Bundle, BundleError> {
    changed(file, |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{file} holds no `{from}`");
        text.replacen(from, to, 1).into_bytes()
    })
}

#[test]
fn the_shipped_bundle_is_the_embedded_one_and_small() {
    let (on_disk, inside) = (Bundle::open(&shipped()).unwrap(), embedded().unwrap());
    assert_eq!(on_disk.manifest(), inside.manifest());
    let bytes: u64 =
        std::fs::read_dir(shipped()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 8 << 20, "{bytes} bytes");
    let card = std::fs::read_to_string(shipped().join("CARD.md")).unwrap();
    assert!(card.contains("phantoms alone") && card.contains("Not a medical device"));
    assert_eq!(card, inside.model_card());
    let capability = std::fs::read_to_string(shipped().join("capability.json")).unwrap();
    assert_eq!(capability, inside.capability().unwrap());
}

#[test]
fn a_flipped_bit_in_the_weights_is_refused() {
    let flipped = changed("weights.safetensors", |mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    });
    assert!(matches!(flipped, Err(BundleError::Hash { .. })), "{flipped:?}");
    let cut = changed("weights.safetensors", |bytes| bytes[..bytes.len() / 2].to_vec());
    assert!(matches!(cut, Err(BundleError::Hash { .. })), "{cut:?}");
}

#[test]
fn weights_that_are_not_numbers_are_refused_though_their_hash_is_right() {
    let bundle = Bundle::open(&shipped()).unwrap();
    let mut weights = std::fs::read(shipped().join("weights.safetensors")).unwrap();
    let end = weights.len();
    weights[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let made = Bundle::new(bundle.manifest().clone(), bundle.network_config().clone(), weights);
    assert!(matches!(made, Err(BundleError::Weights { .. })), "{made:?}");
}

#[test]
fn an_unknown_step_or_field_is_refused_by_name() {
    let step = changed_text("bundle.toml", "kind = \"crop_or_pad\"", "kind = \"liquify\"").unwrap_err();
    assert!(step.to_string().contains("liquify"), "{step}");
    let field = changed_text("bundle.toml", "format = 1", "format = 1\nformats = 2").unwrap_err();
    assert!(field.to_string().contains("formats"), "{field}");
    let format = changed_text("bundle.toml", "format = 1", "format = 2").unwrap_err();
    assert!(format.to_string().contains("format 2"), "{format}");
}

#[test]
fn a_network_that_the_weights_do_not_fit_is_refused() {
    let wider = changed_text("network.json", "\"attention_units\": 32", "\"attention_units\": 33");
    assert!(matches!(wider, Err(BundleError::Weights { .. })), "{wider:?}");
    let missing = Bundle::open(Path::new("no/such/folder"));
    assert!(matches!(missing, Err(BundleError::File { .. })), "{missing:?}");
}

#[test]
fn folding_the_normalization_changes_no_logit() {
    let bundle = embedded().unwrap();
    let volumes: Vec<Array3<f32>> = (0..2)
        .map(|study| {
            Array3::from_shape_fn((5 + study, 48, 56), |(z, y, x)| ((z * y + 3 * x) % 17) as f32 / 17.0)
        })
        .collect();
    let volumes: Vec<&Array3<f32>> = volumes.iter().collect();
    let bags = || Bags::new(&volumes, bundle.network_config(), &burn::tensor::Device::flex()).unwrap();
    let network = bundle.networks().next().unwrap();
    let plain = read_tensor(network.forward(bags()).logits).unwrap();
    let folded = network.clone().folded();
    let whole = read_tensor(folded.forward(bags()).logits).unwrap();
    let in_pieces = read_tensor(folded.forward_in_pieces(bags(), 3).logits).unwrap();
    for (plain, (whole, pieces)) in plain.iter().zip(whole.iter().zip(&in_pieces)) {
        assert!((plain - whole).abs() < 1e-4 * plain.abs().max(1.0), "{plain} {whole}");
        assert!((whole - pieces).abs() < 1e-5 * plain.abs().max(1.0), "{whole} {pieces}");
    }
    assert!(plain.iter().any(|logit| logit.abs() > 0.01), "the logits say nothing");
}

#[test]
fn the_stored_answer_tells_a_device_that_computes_wrongly() {
    let bundle = embedded().unwrap();
    let cpu = Compute::cpu();
    let golden = bundle.manifest().golden.clone().expect("the shipped bundle stores its golden answer");
    let network = bundle.networks().next().unwrap();
    let asked = Asked { network, config: bundle.network_config(), chain: &bundle.manifest().chain };
    let now = Golden::of(asked).unwrap();
    let slab = |golden: &Golden| golden.slab_probabilities.clone().unwrap_or_default();
    let answers = |golden: &Golden| [golden.logits.clone(), slab(golden)].concat();
    let counts = [&golden, &now].map(|golden| answers(golden).len());
    assert_eq!(counts, [4, 4], "stored {golden:?}, now {now:?}");
    for (stored, now) in answers(&golden).iter().zip(&answers(&now)) {
        assert!((stored - now).abs() < 1e-4, "stored {golden:?}, now {now:?}");
    }
    bundle.self_test(&cpu).unwrap();
    let older = Golden { slab_probabilities: None, ..golden.clone() };
    assert_eq!(slab(&older.completed(asked)), slab(&now));
    let wrong = Golden { logits: golden.logits.iter().map(|logit| logit + 0.01).collect(), ..golden };
    let found = wrong.check(asked, network, &cpu);
    assert!(matches!(found, Err(SelfTestError::Wrong { .. })), "{found:?}");
}

#[test]
fn a_calibration_is_checked_and_an_old_bundle_has_none() {
    assert!(Bundle::open(&shipped()).unwrap().manifest().calibration.is_none());
    let with = |map: &str| {
        let table =
            format!("[calibration]\ncases = 9\ndata_sha256 = \"\"\n[calibration.map]\n{map}\n\n[origin]");
        changed_text("bundle.toml", "[origin]", &table)
    };
    let warm = with("kind = \"temperature\"\ntemperature = 2.0").unwrap();
    let shipped = Bundle::open(&shipped()).unwrap();
    assert_eq!(warm.manifest().weights_sha256, shipped.manifest().weights_sha256);
    for (map, named) in [
        ("kind = \"temperature\"\ntemperature = -1.0", "temperature -1"),
        ("kind = \"temperature\"\ntemperature = 1.0\nbias = 1.0", "bias"),
        ("kind = \"isotonic\"\nscores = [0.5, 0.1]\nprobabilities = [0.1, 0.2]", "rising"),
        ("kind = \"platt\"", "platt"),
    ] {
        let error = with(map).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
