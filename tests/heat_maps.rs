//! Heat maps say where the evidence is: their cells sum to what the network says, they find what was
//! planted, and they lie on the scan.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::Path;
use std::process::{Command, Output};

use burn::module::Module;
use burn::tensor::Device;
use ndarray::{Array3, s};
use pulmo::bundle::{Bundle, FORMAT, Manifest, Origin, save_weights};
use pulmo::files::{read_nifti, read_picture};
use pulmo::network::{
    Architecture, Bags, EncoderConfig, Evidence, Network, NetworkConfig, NetworkKind, Pooling,
    ResidualConfig, TorchvisionConfig, read_tensor,
};
use pulmo::preprocess::Chain;
use pulmo::random::Random;
use pulmo::train::{Batch, OptimizerConfig, Trainer};
use serde_json::Value;

const KINDS: [NetworkKind; 3] = [NetworkKind::Slice, NetworkKind::Mil, NetworkKind::Volume];
const POOLINGS: [Pooling; 3] = [Pooling::Average, Pooling::Max, Pooling::AverageMax];

fn config(kind: NetworkKind, pooling: Pooling) -> NetworkConfig {
    let encoder = EncoderConfig::Residual(ResidualConfig {
        widths: vec![8, 12],
        stem_stride: 1,
        depths: vec![1, 1],
        pooling,
        ..ResidualConfig::default()
    });
    NetworkConfig { kind, encoder, neighbours: 0, attention_units: 8, dropout: 0.0 }
}

fn noise(shape: [usize; 3], seed: u64) -> Array3<f32> {
    let mut random = Random::new(seed);
    Array3::from_shape_fn(shape, |_| 0.2 * random.normal() as f32)
}

fn shape_of(kind: NetworkKind) -> [usize; 3] {
    [if kind == NetworkKind::Slice { 1 } else { 7 }, 17, 20]
}

fn bag(config: &NetworkConfig, volume: &Array3<f32>) -> Bags {
    Bags::new(&[volume], config, &Device::flex()).unwrap()
}

fn evidence(network: &Network, config: &NetworkConfig, volume: &Array3<f32>, class: usize) -> Evidence {
    network.evidence(bag(config, volume), class, 3).unwrap()
}

/// The logit of `class` less the mean of the others'.
fn margin(network: &Network, config: &NetworkConfig, volume: &Array3<f32>, class: usize) -> f32 {
    let logits = read_tensor(network.forward(bag(config, volume)).logits).unwrap();
    let others = logits.iter().sum::<f32>() - logits[class];
    logits[class] - others / (logits.len() - 1) as f32
}

#[test]
fn the_cells_sum_to_the_evidence() {
    for kind in KINDS {
        for pooling in POOLINGS {
            let config = config(kind, pooling);
            let volume = noise(shape_of(kind), 4);
            let network = Network::new(&config, 3, 2).unwrap();
            for class in 0..3 {
                let found = evidence(&network, &config, &volume, class);
                let expected = margin(&network, &config, &volume, class);
                let size: f32 = found.cells.iter().map(|cell| cell.abs()).sum();
                assert!(size > 1e-4, "{kind:?} {pooling:?}: nothing to sum");
                // f32 sums of some hundred cells in another order.
                let off = found.cells.sum() + found.bias - expected;
                assert!(off.abs() < 1e-5 * size, "{kind:?} {pooling:?}: {off} of {expected}, {size}");
            }
        }
    }
}

#[test]
fn the_cells_of_torchvisions_networks_sum_to_the_evidence_too() {
    for architecture in [Architecture::ResNet18, Architecture::DenseNet121] {
        let encoder =
            EncoderConfig::Torchvision(TorchvisionConfig { architecture, pooling: Pooling::Average });
        let config = NetworkConfig { encoder, ..config(NetworkKind::Mil, Pooling::Average) };
        let (network, volume) = (Network::new(&config, 2, 2).unwrap(), noise([2, 65, 70], 4));
        let found = evidence(&network, &config, &volume, 1);
        let off = found.cells.sum() + found.bias - margin(&network, &config, &volume, 1);
        let size: f32 = found.cells.iter().map(|cell| cell.abs()).sum();
        assert!(size > 0.0 && off.abs() < 1e-5 * size, "{architecture:?}: {off} of {size}");
        assert_eq!(found.placement.stride_zyx, [1.0, 32.0, 32.0]);
    }
}

#[test]
fn one_study_and_a_class_that_there_is_must_be_asked_for() {
    let config = config(NetworkKind::Slice, Pooling::Max);
    let (network, volume) = (Network::new(&config, 2, 1).unwrap(), noise([1, 8, 8], 1));
    let both = Bags::new(&[&volume, &volume], &config, &Device::flex()).unwrap();
    assert!(network.evidence(both, 0, 8).is_err());
    assert!(network.evidence(bag(&config, &volume), 2, 8).is_err());
}

/// The rows (or slices) of the input that change a cell lie evenly about its middle.
#[test]
fn cells_lie_in_the_middle_of_what_they_see() {
    for (kind, axis, stem_pool, stem_stride, stride) in [
        (NetworkKind::Slice, 1, false, 1, 2.0),
        (NetworkKind::Slice, 2, false, 2, 4.0),
        (NetworkKind::Slice, 1, true, 2, 8.0),
        (NetworkKind::Volume, 0, false, 2, 4.0),
    ] {
        let encoder = EncoderConfig::Residual(ResidualConfig {
            widths: vec![6, 6],
            depths: vec![1, 1],
            stem_stride,
            stem_pool,
            ..ResidualConfig::default()
        });
        let config = NetworkConfig { encoder, ..config(kind, Pooling::Average) };
        let network = Network::new(&config, 2, 3).unwrap();
        let mut shape = [1, 5, 5];
        shape[axis] = 96;
        if axis > 0 {
            shape[3 - axis] = 9;
        }
        let plain = noise(shape, 9);
        let before = evidence(&network, &config, &plain, 1);
        let middle = before.cells.dim().0.max(before.cells.dim().1).max(before.cells.dim().2) / 2;
        let of_cell = |found: &Evidence| found.cells.index_axis(ndarray::Axis(axis), middle).to_owned();
        let reaches = |row: &usize| {
            [4.0, -4.0].iter().any(|bump| {
                let mut changed = plain.clone();
                changed.index_axis_mut(ndarray::Axis(axis), *row).mapv_inplace(|value| value + bump);
                of_cell(&evidence(&network, &config, &changed, 1)) != of_cell(&before)
            })
        };
        let rows: Vec<usize> = (0..96).filter(reaches).collect();
        let (first, last) = (rows[0] as f64, rows[rows.len() - 1] as f64);
        assert!(first > 0.0 && last < 95.0 && last - first > 2.0 * stride, "{kind:?} {first} {last}");
        let placement = before.placement;
        assert_eq!(placement.stride_zyx[axis], stride);
        let expected = placement.first_zyx[axis] + stride * middle as f64;
        assert_eq!(f64::midpoint(first, last), expected, "{kind:?} along axis {axis}");
    }
}

/// Noise, with a bright square (in a volume a cube) of 5 voxels from `corner` on.
fn planted(kind: NetworkKind, corner: Option<[usize; 3]>, seed: u64) -> Array3<f32> {
    let [slices, ..] = shape_of(kind);
    let mut volume = noise([slices, 24, 24], seed);
    if let Some([z, y, x]) = corner {
        let deep = if kind == NetworkKind::Volume { 3 } else { 1 };
        volume.slice_mut(s![z..z + deep, y..y + 5, x..x + 5]).mapv_inplace(|value| value + 1.0);
    }
    volume
}

fn corner(kind: NetworkKind, random: &mut Random) -> [usize; 3] {
    let slices = match kind {
        NetworkKind::Slice => 1,
        NetworkKind::Mil => 7,
        NetworkKind::Volume => 5,
    };
    [random.below(slices), random.below(20), random.below(20)]
}

fn trained(config: &NetworkConfig, steps: u64) -> Network {
    let optimizer =
        OptimizerConfig::Adamw { learning_rate: 5e-3, beta_1: 0.9, beta_2: 0.999, weight_decay: 0.0 };
    let mut trainer = Trainer::new(Network::new(config, 2, 5).unwrap(), optimizer, 2, &Device::flex());
    for step in 0..steps {
        let mut random = Random::keyed(8, &[step]);
        let labels: Vec<usize> = (0..8).map(|case| case % 2).collect();
        let volumes: Vec<_> = labels
            .iter()
            .map(|label| {
                let at = (*label == 1).then(|| corner(config.kind, &mut random));
                planted(config.kind, at, random.bits())
            })
            .collect();
        let bags = Bags::new(&volumes.iter().collect::<Vec<_>>(), config, trainer.device()).unwrap();
        trainer.step(Batch { bags, labels, mix: None }, 1.0, &mut random).unwrap();
    }
    trainer.network.valid()
}

#[test]
fn what_was_planted_is_found() {
    for (kind, pooling) in [
        (NetworkKind::Slice, Pooling::Average),
        (NetworkKind::Mil, Pooling::Max),
        (NetworkKind::Mil, Pooling::Average),
        (NetworkKind::Volume, Pooling::AverageMax),
    ] {
        let config = config(kind, pooling);
        let network = trained(&config, 40);
        let mut random = Random::new(77);
        let hits = (0..10)
            .filter(|case| {
                let at = corner(kind, &mut random);
                let found = evidence(&network, &config, &planted(kind, Some(at), 1000 + case), 1);
                let best = found.cells.indexed_iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
                let Evidence { placement, .. } = &found;
                let cell = [best.0, best.1, best.2];
                (0..3).all(|axis| {
                    let position = placement.first_zyx[axis] + placement.stride_zyx[axis] * cell[axis] as f64;
                    let side = match (axis, kind) {
                        (0, NetworkKind::Volume) => 3.0,
                        (0, _) => 1.0,
                        _ => 5.0,
                    };
                    let middle = at[axis] as f64 + (side - 1.0) / 2.0;
                    // On the square, or in the cell that its rim lies in.
                    (position - middle).abs() <= side / 2.0 + placement.stride_zyx[axis] - 1.0
                })
            })
            .count();
        eprintln!("{kind:?} {pooling:?}: {hits} of 10 squares found");
        assert!(hits >= 9, "{kind:?} {pooling:?}: {hits} of 10");
    }
}

fn pulmo(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn line(output: &Output) -> Value {
    serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
}

/// LPS millimetres `[x, y, z]` of a JSON line's peak.
fn peak_mm(heat_map: &Value) -> [f64; 3] {
    std::array::from_fn(|axis| heat_map["peak_mm"][axis].as_f64().unwrap())
}

#[test]
fn a_series_heat_map_lies_on_the_grid_of_convert() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pulmo(&["phantom", "--studies", "1", "--seed", "5", "--out", text(&at("studies"))]);
    let study = at("studies").join("phantom-0000");
    pulmo(&["convert", text(&study), "--out", text(&at("ct.nii"))]);
    let predicted =
        pulmo(&["predict", "--device", "cpu", "--attention", "--heat-maps", text(&at("maps")), text(&study)]);
    let line = line(&predicted);
    let heat_map = &line["heat_map"];
    let file = at("maps").join("phantom-0000-heat.nii.gz");
    assert_eq!(heat_map["file"], text(&file));
    assert_eq!(heat_map["class"], "nodule");
    let (scan, map) = (read_nifti(&at("ct.nii")).unwrap().volume, read_nifti(&file).unwrap().volume);
    assert_eq!(map.grid(), scan.grid());

    // The file's highest voxel lies within a cell (16 mm, in z a slice of 5 mm) of the peak that the line names.
    let highest = map.voxels().indexed_iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    let peak = f64::from(*highest.1);
    let told = heat_map["peak"].as_f64().unwrap();
    assert!(peak > 0.8 * told && peak < 1.01 * told, "{peak} {told}");
    let peak_mm = peak_mm(heat_map);
    let near = map.grid().voxel_near(peak_mm).unwrap();
    assert_eq!(heat_map["slice"], near[0]);
    assert!(map.voxels()[near] > 0.0);
    let (z, y, x) = highest.0;
    let highest_mm = map.grid().patient_point([x, y, z].map(|index| index as f64).into()).to_array();
    for (axis, cell_mm) in [16.0, 16.0, 5.0].into_iter().enumerate() {
        let apart = (highest_mm[axis] - peak_mm[axis]).abs();
        assert!(apart < cell_mm + 1.5, "{highest_mm:?} {peak_mm:?}");
    }

    // Outside the lungs' box the network did not look.
    assert_eq!(map.voxels()[[0, 0, 0]], 0.0);
    let z_mm = line["attention_z_mm"].as_array().unwrap();
    assert_eq!(z_mm.len(), line["attention"].as_array().unwrap().len());
    let step = z_mm[1].as_f64().unwrap() - z_mm[0].as_f64().unwrap();
    assert!((step - 5.0).abs() < 1e-6, "the shipped bundle's slices lie 5 mm apart, not {step}");
}

/// A bundle of an untrained network for pictures of 24 x 24 pixels.
fn untrained(chain: &str, folder: &Path) {
    let config = config(NetworkKind::Slice, Pooling::Average);
    let network = Network::new(&config, 2, 6).unwrap();
    let manifest = Manifest {
        format: FORMAT,
        name: "untrained".to_owned(),
        description: String::new(),
        classes: vec!["a".to_owned(), "b".to_owned()],
        threshold: Some(0.5),
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: Vec::new(),
        chain: toml::from_str::<Chain>(chain).unwrap(),
        golden: None,
        calibration: None,
        domain: None,
        origin: Origin::default(),
    };
    Bundle::new(manifest, config, save_weights(&network).unwrap()).unwrap().write(folder).unwrap();
}

#[test]
fn a_picture_gets_a_coloured_picture() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    untrained("[[step]]\nkind = 'resize'\nshape = [0, 24, 24]\nfit = 'stretch'", &at("bundle"));
    let picture = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * 5 + y) as u8]));
    picture.save(at("a.png")).unwrap();
    let run = |bundle: &str| {
        Command::new(env!("CARGO_BIN_EXE_pulmo"))
            .args(["predict", "--device", "cpu", "--bundle", text(&at(bundle))])
            .args(["--heat-maps", text(&at("maps")), text(&at("a.png"))])
            .output()
            .unwrap()
    };
    let line = line(&run("bundle"));
    let (file, heat_map) = (at("maps").join("a-heat.png"), &line["heat_map"]);
    assert_eq!((heat_map["file"].as_str(), heat_map["class"].as_str()), (Some(text(&file)), Some("b")));
    assert_eq!(heat_map["peak_pixel"].as_array().unwrap().len(), 2);
    assert!(heat_map.get("peak_mm").is_none());
    let coloured = image::open(&file).unwrap().into_rgb8();
    assert_eq!((coloured.width(), coloured.height()), (40, 30));
    assert!(coloured.pixels().any(|pixel| pixel[0] > pixel[2] + 20), "nothing is warm");
    assert_eq!(read_picture(&file).unwrap().volume.grid().shape_zyx(), [1, 30, 40]);

    untrained("[[step]]\nkind = 'rotate'\ndegrees = 9.0\nfill = 0.0", &at("turned"));
    let refused = run("turned");
    assert_ne!(refused.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("rotate"));
}

/// A bundle whose decision is a number, but not the difference of its weights: no map can be made.
fn without_a_map(folder: &Path) {
    untrained("[[step]]\nkind = 'window'\ncenter_hu = 127.5\nwidth_hu = 255.0", folder);
    let bundle = Bundle::open(folder).unwrap();
    let mut weights = save_weights(bundle.networks().next().unwrap()).unwrap();
    let start = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&weights[8..start]).unwrap();
    let place = |end: usize| header["head"]["data_offsets"][end].as_u64().unwrap() as usize;
    let head = &mut weights[start + place(0)..start + place(1)];
    // The first feature speaks, the others do not.
    head.fill(0);
    head[..4].copy_from_slice(&(-2e38f32).to_le_bytes());
    head[4..8].copy_from_slice(&2e38f32.to_le_bytes());
    let (manifest, config) = (bundle.manifest().clone(), bundle.network_config().clone());
    Bundle::new(manifest, config, weights).unwrap().write(folder).unwrap();
}

#[test]
fn a_heat_map_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    without_a_map(&at("bundle"));
    image::GrayImage::from_fn(24, 24, |x, y| image::Luma([(x * 9 + y) as u8])).save(at("a.png")).unwrap();
    let (bundle, picture) = (at("bundle"), at("a.png"));
    let arguments = ["predict", "--device", "cpu", "--bundle", text(&bundle), text(&picture)];
    let plain = line(&pulmo(&arguments));
    assert_eq!((plain["status"].as_str(), plain["prediction"].is_string()), (Some("OK"), true), "{plain}");
    let shown = line(&pulmo(&[&arguments[..], &["--heat-maps", text(&at("maps"))]].concat()));
    assert_eq!((&shown["status"], &shown["codes"]), (&"OK_WARN".into(), &serde_json::json!(["HEAT_MAP"])));
    assert_eq!(shown["probabilities"], plain["probabilities"]);
    assert!(shown.get("heat_map").is_none(), "{shown}");
}

/// Nodules of a study, from the phantoms' `truth.json`.
fn nodules(study: &Value) -> Vec<([f64; 3], f64)> {
    let nodule = |nodule: &Value| {
        let centre = std::array::from_fn(|axis| nodule["centre_mm"][axis].as_f64().unwrap());
        (centre, nodule["diameter_mm"].as_f64().unwrap() / 2.0)
    };
    study["nodules"].as_array().unwrap().iter().map(nodule).collect()
}

/// Distance from the peak to the surface of the nearest nodule, below 0 inside.
fn to_nodule_mm(peak: [f64; 3], nodules: &[([f64; 3], f64)]) -> f64 {
    let distance = |(centre, radius): &([f64; 3], f64)| {
        (0..3).map(|axis| (peak[axis] - centre[axis]).powi(2)).sum::<f64>().sqrt() - radius
    };
    nodules.iter().map(distance).fold(f64::INFINITY, f64::min)
}

/// Whether the heat map's peak lies on a nodule, for a bundle and phantoms that it has not seen:
///
/// ```sh
/// pulmo phantom --out test --studies 60 --seed 902
/// PULMO_BUNDLE=runs/phantom-mil PULMO_PHANTOMS=test \
///   cargo test --release --test heat_maps -- --ignored --nocapture peaks_lie_on_nodules
/// ```
///
/// A peak hits where it lies in the sphere of a nodule's volume, or no farther from it than the tolerance in mm
/// (`PULMO_TOLERANCE_MM`, 10 where not given).
#[test]
#[ignore = "needs a trained bundle and phantoms"]
fn peaks_lie_on_nodules() {
    let folder = std::path::PathBuf::from(std::env::var("PULMO_PHANTOMS").unwrap());
    let tolerance_mm: f64 = std::env::var("PULMO_TOLERANCE_MM").map_or(10.0, |text| text.parse().unwrap());
    let truth: Value = serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let maps = tempfile::tempdir().unwrap();
    let (mut distances, mut attended) = (Vec::new(), Vec::new());
    for study in truth.as_array().unwrap().iter().filter(|study| study["label"] == "nodule") {
        let path = folder.join(study["path"].as_str().unwrap());
        let bundle = std::env::var("PULMO_BUNDLE").unwrap();
        let line = line(&pulmo(&[
            "predict",
            "--device",
            "cpu",
            "--attention",
            "--bundle",
            &bundle,
            "--heat-maps",
            text(maps.path()),
            text(&path),
        ]));
        if line["prediction"] != "nodule" {
            continue;
        }
        let (nodules, peak) = (nodules(study), peak_mm(&line["heat_map"]));
        let distance = to_nodule_mm(peak, &nodules);
        distances.push(distance);
        if let (Some(weights), Some(z_mm)) = (line["attention"].as_array(), line["attention_z_mm"].as_array())
        {
            let best = (0..weights.len())
                .max_by(|a, b| weights[*a].as_f64().unwrap().total_cmp(&weights[*b].as_f64().unwrap()))
                .unwrap();
            let z = z_mm[best].as_f64().unwrap();
            attended
                .push(nodules.iter().any(|(centre, radius)| (centre[2] - z).abs() <= radius + tolerance_mm));
        }
        eprintln!("{}: peak at {peak:.0?} mm, {distance:.1} mm from a nodule", study["path"]);
    }
    let within = |tolerance: f64| distances.iter().filter(|distance| **distance <= tolerance).count();
    let count = distances.len();
    eprintln!(
        "{count} true positives; peak in a nodule {}, within 5 mm {}, within 10 mm {}, within {tolerance_mm} mm {}",
        within(0.0),
        within(5.0),
        within(10.0),
        within(tolerance_mm)
    );
    if !attended.is_empty() {
        let hits = attended.iter().filter(|hit| **hit).count();
        eprintln!(
            "the slice of most attention passes within {tolerance_mm} mm of a nodule: {hits} of {count}"
        );
    }
    assert!(count > 0 && within(tolerance_mm) * 10 >= count * 8, "fewer than 8 of 10 peaks hit");
}
