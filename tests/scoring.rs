//! What is measured is what predicts: every way to score a case gives the same bits on the CPU.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its values are small"
)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use pulmo::bundle::{Axis, Bundle, Calibration, FORMAT, Manifest, Origin, embedded, save_weights};
use pulmo::cohort::read_manifest;
use pulmo::dicom::Slice;
use pulmo::engine::Engine;
use pulmo::files::{Gzip, write_nifti};
use pulmo::findings::{Code, Observation, Verdict};
use pulmo::gpu::Compute;
use pulmo::intake::{ItemKind, ReadSettings, find};
use pulmo::metrics::CalibrationMap;
use pulmo::network::{EncoderConfig, Network, NetworkConfig, NetworkKind, ResidualConfig};
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::random::Random;
use pulmo::train::evaluate;
use serde_json::Value;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn pulmo(folder: &Path, arguments: &str, code: i32) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A bundle of one network with drawn weights: it knows nothing, and answers.
fn drawn(kind: NetworkKind, chain: &str, seed: u64) -> Bundle {
    let encoder = EncoderConfig::Residual(ResidualConfig {
        widths: vec![8, 12],
        depths: vec![1, 1],
        ..Default::default()
    });
    let config = NetworkConfig { kind, encoder, neighbours: 0, attention_units: 8, dropout: 0.0 };
    let weights = save_weights(&Network::new(&config, 2, seed).unwrap()).unwrap();
    let manifest = Manifest {
        format: FORMAT,
        name: format!("drawn-{seed}"),
        description: String::new(),
        classes: ["normal", "nodule"].map(str::to_owned).to_vec(),
        threshold: Some(0.5),
        weights_sha256: String::new(),
        members_sha256: Vec::new(),
        mirrors: vec![Axis::X, Axis::Y],
        chain: toml::from_str(chain).unwrap(),
        golden: None,
        calibration: None,
        domain: None,
        origin: Origin::default(),
    };
    Bundle::new(manifest, config, weights).unwrap()
}

/// A bundle, an ensemble of it with another one, and both calibrated.
fn family(first: Bundle, other: &[Bundle]) -> Vec<Bundle> {
    let together = Bundle::ensemble("ensemble", &first, other).unwrap();
    let calibrated = |bundle: &Bundle| {
        let map = CalibrationMap::Temperature { temperature: 1.7 };
        let uncalibrated_threshold = bundle.manifest().threshold;
        let calibration = Calibration { cases: 9, data_sha256: String::new(), uncalibrated_threshold, map };
        bundle.clone().calibrated(calibration, Some(0.45)).unwrap()
    };
    vec![calibrated(&first), calibrated(&together), first, together]
}

const PICTURES: &str = "[[step]]\nkind = 'scale'\nfrom = [0.0, 255.0]\nto = [0.0, 1.0]\n\
                        [[step]]\nkind = 'resize'\nshape = [1, 32, 32]\n";

/// Pictures of noise, of several sizes.
fn pictures(folder: &Path, count: usize) -> Vec<PathBuf> {
    let picture = |index: usize| {
        let mut random = Random::keyed(11, &[index as u64]);
        let [width, height] = [30 + 3 * (index as u32 % 5), 40 - 2 * (index as u32 % 7)];
        let picture = GrayImage::from_fn(width, height, |_, _| {
            Luma([(120.0 + 50.0 * random.normal()).clamp(0.0, 255.0) as u8])
        });
        let path = folder.join(format!("{index:02}.png"));
        picture.save(&path).unwrap();
        path
    };
    (0..count).map(picture).collect()
}

/// Chest phantoms as DICOM series and the same as NIfTI.
fn chests(folder: &Path) -> Vec<PathBuf> {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(5.0), ..PhantomSettings::default() };
    let pair = |index: usize| {
        let study = Study::generate(&settings, 31, index).unwrap();
        let [series, nifti] =
            [format!("series-{index}"), format!("{index}.nii.gz")].map(|name| folder.join(name));
        study.write(&series).unwrap();
        write_nifti(&nifti, study.volume(), Gzip::Yes).unwrap();
        [series, nifti]
    };
    (0..2).flat_map(pair).collect()
}

/// A manifest of `paths`, the classes in turn.
fn manifest(folder: &Path, paths: &[PathBuf]) {
    let row = |(index, path): (usize, &PathBuf)| {
        format!("{},{}\n", text(path), ["normal", "nodule"][index / 2 % 2])
    };
    let rows: String = paths.iter().enumerate().map(row).collect();
    std::fs::write(folder.join("manifest.csv"), format!("path,label\n{rows}")).unwrap();
}

/// The bits of each path's probabilities.
type Bits = BTreeMap<String, [u32; 2]>;

fn predicted(folder: &Path, paths: &[PathBuf], options: &str) -> Bits {
    let paths: Vec<&str> = paths.iter().map(|path| text(path)).collect();
    let output = pulmo(folder, &format!("predict --device cpu {options} {}", paths.join(" ")), 0);
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    let bits = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let of = |class: &str| (line["probabilities"][class].as_f64().unwrap() as f32).to_bits();
        (line["path"].as_str().unwrap().to_owned(), ["normal", "nodule"].map(of))
    };
    lines.map(bits).collect()
}

fn evaluated(folder: &Path, options: &str) -> Bits {
    pulmo(folder, &format!("evaluate --device cpu {options} --data manifest.csv --out measured"), 0);
    let mut reader = csv::Reader::from_path(folder.join("measured/predictions.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|cell| cell == name).unwrap();
    let [path, normal, nodule] = ["path", "probability_normal", "probability_nodule"].map(column);
    let bits = |row: csv::StringRecord| {
        (row[path].to_owned(), [normal, nodule].map(|place| row[place].parse::<f32>().unwrap().to_bits()))
    };
    reader.records().map(|row| bits(row.unwrap())).collect()
}

#[test]
fn predict_and_evaluate_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = embedded().unwrap();
    let chain = toml::to_string(&shipped.manifest().chain).unwrap();
    let of_pictures = |seed| drawn(NetworkKind::Slice, PICTURES, seed);
    let chests = chests(folder.path());
    let families = [
        (pictures(folder.path(), 37), family(of_pictures(1), &[of_pictures(2)])),
        (chests.clone(), family(drawn(NetworkKind::Mil, &chain, 3), &[drawn(NetworkKind::Mil, &chain, 4)])),
        (chests, vec![shipped]),
    ];
    for (paths, bundles) in families {
        manifest(folder.path(), &paths);
        for bundle in bundles {
            bundle.write(&folder.path().join("bundle")).unwrap();
            let mut said = Vec::new();
            // Forged chests are unlike the phantoms that the shipped bundle knows.
            let options = "--allow-out-of-distribution --bundle bundle";
            for options in [options, &format!("{options} --tta")] {
                let found = predicted(folder.path(), &paths, options);
                assert_eq!(found.len(), paths.len());
                assert_eq!(found, evaluated(folder.path(), options), "{} {options}", bundle.manifest().name);
                said.push(found);
            }
            let mirrors = bundle.manifest().mirrors.len();
            assert_eq!(said[0] != said[1], mirrors > 0, "mirror images are looked at");
        }
    }
}

fn observations(engine: &Engine, paths: &[PathBuf]) -> Vec<Observation> {
    let mut observations = Vec::new();
    engine.run(paths, |observation| {
        observations.push(observation);
        ControlFlow::Continue(())
    });
    observations
}

/// An ensemble that looks at mirror images, on the CPU.
fn engine(kind: NetworkKind, chain: &str) -> Engine {
    let bundle = family(drawn(kind, chain, 5), &[drawn(kind, chain, 6)]).swap_remove(1);
    Engine::new(&bundle, &Compute::cpu()).with_mirrors(&bundle.manifest().mirrors)
}

#[test]
fn one_item_and_a_volume_in_memory_are_scored_as_a_run_scores_them() {
    let folder = tempfile::tempdir().unwrap();
    let chain = toml::to_string(&embedded().unwrap().manifest().chain).unwrap();
    let kinds = [(NetworkKind::Slice, PICTURES), (NetworkKind::Mil, &chain)];
    let paths = [pictures(folder.path(), 19), chests(folder.path())];
    std::fs::write(folder.path().join("no.dcm"), "no image").unwrap();
    for ((kind, chain), mut paths) in kinds.into_iter().zip(paths) {
        paths.push(folder.path().join("no.dcm"));
        let engine = engine(kind, chain);
        let run = observations(&engine, &paths);
        assert_eq!(run.len(), paths.len());
        let items = find(&paths);
        let one_by_one: Vec<Observation> = items.iter().map(|item| engine.observe(item)).collect();
        assert_eq!(run, one_by_one);
        let refused: Vec<_> = run.iter().filter(|observation| observation.prediction.is_none()).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].verdict, Verdict::RejectFile(Code::NotDicom.into()));
        assert!(run.iter().all(|observation| observation.setbacks.is_empty()));
        for (item, expected) in items.iter().zip(&run).filter(|(item, _)| item.kind() != ItemKind::Refused) {
            let volume = item.load(&ReadSettings::default()).unwrap().volume;
            // Only a file tells where a scan comes from.
            let found =
                Observation { origin: expected.origin.clone(), ..engine.observe_volume(&item.path, volume) };
            assert_eq!(&found, expected);
        }
    }
}

#[test]
fn a_volume_in_memory_that_is_no_ct_is_refused_like_its_file() {
    let grid = pulmo::geometry::Grid::aligned([8, 16, 16], [2.0; 3]).unwrap();
    let volume = pulmo::volume::Volume::from_fn(grid, |[_, y, x]| (x + y) as f32);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii");
    write_nifti(&path, &volume, Gzip::No).unwrap();
    let chain = toml::to_string(&embedded().unwrap().manifest().chain).unwrap();
    let engine = engine(NetworkKind::Mil, &chain);
    let [from_memory, from_file] =
        [engine.observe_volume(&path, volume), engine.observe(&find(std::slice::from_ref(&path))[0])];
    assert_eq!((from_memory.verdict.codes(), &from_memory.prediction), (vec![Code::OutOfDomain], &None));
    assert_eq!(from_memory, from_file);
}

/// What the engine says of what it cannot score, `evaluate` tells as a failure, and measures the rest.
#[test]
fn a_case_that_cannot_be_scored_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = pictures(folder.path(), 9);
    // Two slices, for a network of single images.
    let deep = folder.path().join("deep.npy");
    pulmo::files::write_npy(&deep, &[2, 20, 20], &[7.0; 800]).unwrap();
    paths.insert(4, deep);
    manifest(folder.path(), &paths);
    let chain = "[[step]]\nkind = 'crop_or_pad'\nshape = [0, 24, 24]\nfill = 0.0\n";
    let engine = engine(NetworkKind::Slice, chain);
    let cases = read_manifest(&folder.path().join("manifest.csv")).unwrap();
    let evaluated = evaluate(&engine, &cases, &|_| {}).unwrap();
    let run = observations(&engine, &paths);
    let failed: Vec<_> =
        evaluated.failures.iter().map(|failure| (failure.path.as_str(), failure.code)).collect();
    assert_eq!(failed, [(text(&paths[4]), Some(Code::Dimensions))]);
    assert_eq!((evaluated.scored.len(), evaluated.glances.len()), (9, 9));
    let said = |path: &Path| run.iter().find(|observation| observation.path == path).unwrap();
    for scored in &evaluated.scored {
        assert_eq!(said(&scored.case.file).prediction.as_ref(), Some(&scored.prediction));
    }
    assert_eq!(said(&paths[4]).verdict.codes(), [Code::Dimensions]);
}

#[test]
fn a_partial_series_is_measured_as_it_is_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = chests(folder.path()).into_iter().filter(|path| path.is_dir()).collect();
    manifest(folder.path(), &paths);
    // The uppermost slice: a hole further down would be refused all the same.
    let series = find(&paths[..1]).remove(0);
    let height = |slice: &&Slice| slice.header.position_mm.z;
    let slices = &series.series().unwrap().slices;
    let last = &slices.iter().max_by(|a, b| height(a).total_cmp(&height(b))).unwrap().path;
    let bytes = std::fs::read(last).unwrap();
    std::fs::write(last, &bytes[..bytes.len() / 2]).unwrap();

    let run =
        |arguments: &str, code| String::from_utf8(pulmo(folder.path(), arguments, code).stderr).unwrap();
    let evaluate = "evaluate --device cpu --allow-out-of-distribution --data manifest.csv --out measured";
    assert!(run(evaluate, 3).contains("PARTIAL"));
    assert!(run(&format!("{evaluate} --allow-partial"), 0).contains("warning: PARTIAL in 1 of 2 cases"));
    let options = "--allow-partial --allow-out-of-distribution";
    let found = predicted(folder.path(), &paths, options);
    assert_eq!(found, evaluated(folder.path(), options));

    let audit = |more: &str, code| {
        let output = pulmo(folder.path(), &format!("audit manifest.csv {more}"), code);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(audit("", 3).contains("1 cases cannot be read"));
    let told = audit("--allow-partial", 0);
    assert!(told.contains(": PARTIAL: ") && !told.contains("cannot be read"), "{told}");

    // Two cases of each class, so that a plan can be made without the one that is partial.
    let both = |index: usize| [paths[index].clone(), folder.path().join(format!("{index}.nii.gz"))];
    manifest(folder.path(), &[both(0), both(1)].concat());
    assert!(run("plan manifest.csv --out strict.toml", 3).contains("PARTIAL"));
    assert!(run("plan manifest.csv --out partial.toml --allow-partial", 0).contains("PARTIAL"));
}
