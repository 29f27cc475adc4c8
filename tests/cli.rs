//! What a user types and gets: files, lines, exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ndarray::Array3;
use pulmo::geometry::Grid;
use pulmo::volume::Volume;
use serde_json::Value;

fn pulmo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Two small volumes in an archive: nothing to score, but two lines to tell.
fn archive_of_two(folder: &Path) -> PathBuf {
    let nifti = folder.join("a.nii");
    let grid = pulmo::geometry::Grid::aligned([4, 8, 8], [2.0, 1.0, 1.0]).unwrap();
    let volume = pulmo::volume::Volume::from_fn(grid, |[_, y, x]| if x + y < 6 { 40.0 } else { -1000.0 });
    pulmo::files::write_nifti(&nifti, &volume, pulmo::files::Gzip::No).unwrap();
    let archive = folder.join("two.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for name in ["a.nii", "b.nii"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(&nifti).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    archive
}

/// `pulmo predict two.zip | head -0`: no complaint, and nothing of the archive is left behind.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_of_two(folder.path());
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    for arguments in [&["inspect", "--json"][..], &["inspect"], &["predict", "--device", "cpu"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pulmo"))
            .args(arguments)
            .arg(&archive)
            .env("TMPDIR", &temporary)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("error"), "{}", stderr(&output));
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "{arguments:?}");
    }
    // with a reader, the same volumes are told, and are no scores
    let output = pulmo(&["predict", "--device", "cpu", text(&archive)]);
    assert_eq!((output.status.code(), lines(&output).len()), (Some(1), 2), "{}", stderr(&output));
}

#[test]
fn every_code_is_in_the_table() {
    let output = pulmo(&["inspect", "--codes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let named: Vec<&str> = table.lines().step_by(2).filter_map(|line| line.split(' ').next()).collect();
    let codes: Vec<&str> = pulmo::findings::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(named, codes);
    assert!(table.lines().skip(1).step_by(2).all(|line| line.contains("-> ")));
    assert_eq!(pulmo(&["inspect"]).status.code(), Some(2));
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A series of the shipped bundle's classes has a line with all that the README promises.
fn assert_is_scored(line: &Value) {
    assert!(["OK", "OK_WARN"].contains(&line["status"].as_str().unwrap()), "{line}");
    let probabilities = line["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{line}");
    assert!(probabilities.contains_key(line["prediction"].as_str().unwrap()), "{line}");
    assert_eq!(line["bundle"], "lung-nodule-phantom");
    assert_eq!(line["device"], "cpu");
    assert!(line["threshold"].is_f64() && line["codes"].is_array(), "{line}");
}

#[test]
fn the_demo_writes_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let output = pulmo(&["demo", "--studies", "4", "--device", "cpu", "--out", text(&out)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("roc_auc"));
    let metrics: Value = serde_json::from_slice(&std::fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!((metrics["n"].as_u64(), metrics["positive"].as_u64()), (Some(4), Some(2)));
    assert!(metrics["metrics"]["roc_auc"]["value"].is_number(), "{metrics}");
    let predictions = std::fs::read_to_string(out.join("predictions.csv")).unwrap();
    let header = "path,patient_id,label,prediction,probability_normal,probability_nodule";
    assert_eq!(predictions.lines().next(), Some(header));
    assert_eq!(predictions.lines().count(), 5);
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("<img ").count(), 4);
    for picture in ["roc.svg", "precision_recall.svg", "confusion.svg"] {
        assert!(std::fs::read_to_string(out.join(picture)).unwrap().starts_with("<svg"), "{picture}");
    }
}

#[test]
fn predict_gives_one_line_an_item_and_goes_on_after_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let studies = folder.path().join("studies");
    let made = pulmo(&["phantom", "--studies", "2", "--seed", "5", "--out", text(&studies)]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let bad = folder.path().join("bad.dcm");
    std::fs::write(&bad, b"not dicom at all").unwrap();

    let good = pulmo(&["predict", "--device", "cpu", text(&studies)]);
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    let lines_of_good = lines(&good);
    assert_eq!(lines_of_good.len(), 2);
    lines_of_good.iter().for_each(assert_is_scored);
    assert!(lines_of_good.iter().all(|line| line.get("attention").is_none()));

    let mixed = pulmo(&["predict", "--device", "cpu", "--attention", text(&bad), text(&studies)]);
    assert_eq!(mixed.status.code(), Some(3), "{}", stderr(&mixed));
    let mixed = lines(&mixed);
    assert_eq!(mixed.len(), 3);
    assert_eq!(
        (mixed[0]["status"].as_str(), mixed[0]["codes"][0].as_str()),
        (Some("REJECT_FILE"), Some("NOT_DICOM"))
    );
    assert!(mixed[0]["prediction"].is_null());
    let attention: f64 = mixed[1]["attention"].as_array().unwrap().iter().map(|a| a.as_f64().unwrap()).sum();
    assert!((attention - 1.0).abs() < 1e-4, "{attention}");
    assert_eq!(mixed[1]["probabilities"], lines_of_good[0]["probabilities"]);

    assert_eq!(pulmo(&["predict", "--device", "cpu", text(&bad)]).status.code(), Some(1));
}

#[test]
fn folders_for_results_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let volume = at("a.nii");
    let grid = Grid::aligned([4, 8, 8], [2.0, 1.0, 1.0]).unwrap();
    let bright = Volume::from_fn(grid, |[_, y, x]| if x + y < 6 { 40.0 } else { -1000.0 });
    pulmo::files::write_nifti(&volume, &bright, pulmo::files::Gzip::No).unwrap();
    std::fs::write(at("chain.toml"), "[[step]]\nkind = 'clip'\nlow = 0.0\nhigh = 1.0\n").unwrap();
    let rows = (0..6).map(|case| {
        std::fs::copy(&volume, at(&format!("{case}.nii"))).unwrap();
        format!("{case}.nii,{}\n", ["a", "b"][case % 2])
    });
    let rows: String = rows.collect();
    std::fs::write(at("manifest.csv"), format!("path,label\n{rows}")).unwrap();
    let [volume, chain, manifest] = ["a.nii", "chain.toml", "manifest.csv"].map(&at);
    let [volume, chain, manifest] = [text(&volume), text(&chain), text(&manifest)];
    for (arguments, written) in [
        (&["preprocess", volume, "--device", "cpu", "--chain", chain, "--out"][..], "a/b/x.npy"),
        (&["convert", volume, "--out"], "c/d/x.nii.gz"),
        (&["plan", manifest, "--out"], "e/f/recipe.toml"),
        (&["audit", manifest, "--out"], "g/h"),
        (&["phantom", "--regions", "--studies", "2", "--out"], "i/j"),
    ] {
        let written = at(written);
        let output = pulmo(&[arguments, &[text(&written)]].concat());
        assert!(written.exists(), "{arguments:?}: {}", stderr(&output));
    }
    let blocked = at("a.nii").join("x.npy");
    let refused = pulmo(&["convert", volume, "--out", text(&blocked.with_extension("nii"))]);
    assert!(refused.status.code() == Some(1) && stderr(&refused).contains("a.nii"), "{}", stderr(&refused));
}

#[test]
fn mistakes_are_told_with_their_exit_code() {
    let nothing = pulmo(&["predict", "--device", "cpu", "no/such/path"]);
    assert_eq!(nothing.status.code(), Some(1), "{}", stderr(&nothing));
    assert_eq!(pulmo(&["predict"]).status.code(), Some(2));
    assert_eq!(pulmo(&["predict", "--device", "quantum", "x"]).status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let no_bundle = pulmo(&["predict", "--bundle", text(folder.path()), "--device", "cpu", "x"]);
    assert_eq!(no_bundle.status.code(), Some(1));
    assert!(stderr(&no_bundle).contains("bundle.toml"), "{}", stderr(&no_bundle));
    let one = pulmo(&["demo", "--studies", "1", "--out", text(folder.path())]);
    assert_eq!(one.status.code(), Some(2), "{}", stderr(&one));
}

#[test]
fn devices_lists_the_cpu_and_every_adapter() {
    let output = pulmo(&["devices", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(listed["cpu"]["threads"].as_u64().unwrap() >= 1);
    assert!(listed["adapters"].is_array());
    let auto = listed["auto"].as_str().unwrap().to_owned();
    let software = listed["adapters"].as_array().unwrap().iter().filter(|a| a["device_type"] == "software");
    assert!(
        software.into_iter().all(|adapter| !auto.contains(adapter["name"].as_str().unwrap())),
        "{listed}"
    );
}

#[test]
fn preprocess_writes_an_array_that_numpy_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (input, chain) = (folder.path().join("in.npy"), folder.path().join("chain.toml"));
    pulmo::files::write_npy(&input, &[2, 4, 6], &[-600.0; 48]).unwrap();
    std::fs::write(&chain, "[[step]]\nkind = 'window'\ncenter_hu = -600.0\nwidth_hu = 1500.0\n").unwrap();
    let out = folder.path().join("out.npy");
    let arguments = [
        "preprocess",
        "--chain",
        text(&chain),
        text(&input),
        "--out",
        text(&out),
        "--device",
        "cpu",
        "--timings",
    ];
    let output = pulmo(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stderr(&output).lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
    for part in ["load_s", "chain_s", "write_s"] {
        assert!(told[part].as_f64().is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{told}");
    }
    let array = pulmo::files::read_npy(&out).unwrap();
    assert_eq!(array.shape, [2, 4, 6]);
    assert!(array.values.iter().all(|value| (value - 0.5).abs() < 1e-6));
}

#[test]
fn preprocess_keeps_the_place_of_what_it_cut_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let grid = Grid::aligned([4, 6, 8], [3.0, 2.0, 1.0]).unwrap();
    let values = Array3::from_shape_fn((4, 6, 8), |(z, y, x)| (100 * z + 10 * y + x) as f32 - 900.0);
    let volume = Volume::new(grid, values).unwrap();
    pulmo::files::write_nifti(&at("in.nii"), &volume, pulmo::files::Gzip::No).unwrap();
    std::fs::write(
        at("chain.toml"),
        "[[step]]\nkind = 'crop'\nto = { box = { start = [1, 2, 3], end = [4, 5, 7] } }\n",
    )
    .unwrap();
    for name in ["out.nii.gz", "out.mha"] {
        let output = pulmo(&[
            "preprocess",
            "--chain",
            text(&at("chain.toml")),
            text(&at("in.nii")),
            "--out",
            text(&at(name)),
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let loaded =
            pulmo::intake::find(&[at(name)])[0].load(&pulmo::intake::ReadSettings::default()).unwrap();
        let written = loaded.volume;
        assert_eq!(written.grid().shape_zyx(), [3, 3, 4]);
        assert_eq!(written.grid().origin_mm().to_array(), [3.0, 4.0, 3.0], "{name}");
        assert!((written.as_slice()[0] + 777.0).abs() < 1e-3);
    }
    std::fs::write(at("turn.toml"), "[[step]]\nkind = 'rotate'\ndegrees = 7.0\nfill = 0.0\n").unwrap();
    for (chain, out, told) in [("chain.toml", "out.png", ".nii.gz"), ("turn.toml", "turned.nii", "rotate")] {
        let (chain, out) = (at(chain), at(out));
        let refused =
            pulmo(&["preprocess", "--chain", text(&chain), text(&at("in.nii")), "--out", text(&out)]);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(told) && !out.exists(), "{}", stderr(&refused));
    }
}

#[test]
fn preprocess_says_which_passes_it_would_run() {
    let folder = tempfile::tempdir().unwrap();
    let (input, chain) = (folder.path().join("in.npy"), folder.path().join("chain.toml"));
    pulmo::files::write_npy(&input, &[2, 4, 6], &[-600.0; 48]).unwrap();
    let steps = "[[step]]\nkind = 'median'\nsize = 3\n[[step]]\nkind = 'clip'\nlow = 0.0\nhigh = 1.0\n";
    std::fs::write(&chain, steps).unwrap();
    let arguments = ["preprocess", "--chain", text(&chain), text(&input), "--plan", "--device", "cpu"];
    let output = pulmo(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let plan = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(plan.lines().count(), 1, "{plan}");
    assert!(
        plan.contains("median") && plan.contains("2 x 4 x 6") && plan.contains("[median + clip]"),
        "{plan}"
    );
}

#[test]
fn the_real_series_are_not_the_shipped_bundles_domain_and_have_one_line_each() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let mut series = ["P002", "cap002", "normal001"].map(|name| data.join("covid_ct_md").join(name)).to_vec();
    series.push(data.join("hazards/siemens_j2k_partial_lung/tests/reference_files/example_ct.nii.gz"));
    let mut arguments = vec!["predict", "--device", "cpu"];
    arguments.extend(series.iter().map(|path| text(path)));
    let refused = pulmo(&arguments);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    for line in lines(&refused) {
        assert_eq!(line["status"], "OUT_OF_DISTRIBUTION", "{line}");
        let told = line["reasons"][0]["message"].as_str().unwrap();
        assert!(line["prediction"].is_null() && told.contains("where the bundle knows"), "{line}");
    }
    arguments.push("--allow-out-of-distribution");
    let output = pulmo(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    assert_eq!(lines.len(), 4);
    for (line, path) in lines.iter().zip(&series) {
        assert_eq!(line["path"].as_str(), path.to_str());
        assert_is_scored(line);
        // a part of the lungs is scored, with a warning
        let is_partial = path.ends_with("example_ct.nii.gz");
        let codes = line["codes"].as_array().unwrap();
        assert_eq!(codes.contains(&"COVERAGE".into()), is_partial, "{line}");
    }
}

#[test]
fn the_bench_measures_every_stage() {
    let folder = tempfile::tempdir().unwrap();
    let [file, kept] = ["figures/of/bench.json", "kept"].map(|name| folder.path().join(name));
    let output = pulmo(&[
        "bench",
        "--quick",
        "--device",
        "cpu",
        "--json",
        text(&file),
        "--networks",
        "bundle,resnet18",
        "--keep-networks",
        text(&kept),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((&report["machine"]["device"], &report["is_complete"]), (&"cpu".into(), &true.into()));
    assert!(report["copy_gb_per_s"].as_f64().unwrap() > 0.0);
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.len() >= 8 && steps.iter().all(|row| row["gb_per_s"].as_f64().unwrap() > 0.0), "{report}");
    let networks = report["networks"].as_array().unwrap();
    let names: Vec<_> = networks.iter().map(|row| row["network"].as_str().unwrap()).collect();
    assert_eq!(names, ["lung-nodule-phantom", "resnet18"]);
    let is_measured = |row: &Value, field: &str| row[field].as_f64().unwrap() > 0.0;
    assert!(networks.iter().all(|row| is_measured(row, "forward_images_per_s")), "{report}");
    assert!(networks.iter().all(|row| is_measured(row, "training_images_per_s")), "{report}");
    let shares =
        ["share_read", "share_preprocess", "share_predict"].map(|f| report["pipeline"][f].as_f64().unwrap());
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{report}");
    for name in names {
        let folder = kept.join(name);
        let bundle = pulmo::bundle::Bundle::open(&folder).unwrap();
        assert_eq!(bundle.manifest().name, name);
        assert_eq!(pulmo::files::read_npy(&folder.join("images.npy")).unwrap().shape, [2, 3, 64, 64]);
        let logits = pulmo::files::read_npy(&folder.join("logits.npy")).unwrap();
        assert_eq!(logits.shape[1], bundle.manifest().classes.len());
    }
    let unknown = pulmo(&["bench", "--networks", "vgg16"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("resnet50"), "{}", stderr(&unknown));
}
