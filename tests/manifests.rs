//! What a manifest says is read as it was meant, or refused with the line; the positive class is the user's choice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::Path;
use std::process::Command;

use pulmo::bundle::Bundle;
use pulmo::train::Recipe;
use pulmo_forge::discs::{RECIPE, discs};

/// The exit code and what was said on stderr.
fn pulmo(folder: &Path, arguments: &str) -> (i32, String) {
    let arguments = arguments.split_whitespace();
    let output =
        Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).current_dir(folder).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A folder with the discs' manifest and a recipe of two epochs that names no classes.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    discs(&folder.path().join("data"), 40);
    let recipe = RECIPE.replace("classes = [\"empty\", \"disc\"]", "").replace("epochs = 6", "epochs = 2");
    std::fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    folder
}

fn classes(bundle: &Path) -> Vec<String> {
    Bundle::open(bundle).unwrap().manifest().classes.clone()
}

const TRAIN: &str = "train --device cpu --recipe recipe.toml --data data/manifest.csv";

#[test]
fn the_positive_class_is_the_one_that_was_named() {
    let folder = prepared();
    let at = |name: &str| folder.path().join(name);
    let run = |arguments: &str| {
        let (code, said) = pulmo(folder.path(), arguments);
        assert_eq!(code, 0, "{arguments}: {said}");
        said
    };
    let said = run(&format!("{TRAIN} --out alphabet"));
    assert!(said.contains("positive class: empty (the last in alphabetical order"), "{said}");
    assert_eq!(classes(&at("alphabet")), ["disc", "empty"]);

    let said = run(&format!("{TRAIN} --out named --positive disc"));
    assert!(said.contains("positive class: disc (as the recipe or --positive says)"), "{said}");
    assert_eq!(classes(&at("named")), ["empty", "disc"]);
    assert_eq!(Recipe::read(&at("named/recipe.toml")).unwrap().classes, ["empty", "disc"]);
    run(&format!("{TRAIN} --out named --positive disc"));

    run(&format!("{TRAIN} --out folds --positive disc --folds 2"));
    assert_eq!(classes(&at("folds/fold-1")), ["empty", "disc"]);
    run("plan data/manifest.csv --positive disc --out planned.toml");
    assert_eq!(Recipe::read(&at("planned.toml")).unwrap().classes, ["empty", "disc"]);
    run(&format!("{TRAIN} --out warm --positive disc --init named/weights.safetensors"));
    assert_eq!(classes(&at("warm")), ["empty", "disc"]);

    let manifest = std::fs::read_to_string(at("data/manifest.csv")).unwrap();
    let split = |(row, line): (usize, &str)| format!("{line},{}\n", if row == 0 { "split" } else { "val" });
    std::fs::write(at("data/val.csv"), manifest.lines().enumerate().map(split).collect::<String>()).unwrap();
    run("calibrate --device cpu --bundle named --data data/val.csv --method isotonic --out warm");
    assert_eq!(classes(&at("warm")), ["empty", "disc"]);
    run("evaluate --device cpu --bundle warm --data data/val.csv --out measured");
    let metrics = std::fs::read_to_string(at("measured/metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_str(&metrics).unwrap();
    assert_eq!(metrics["classes"], serde_json::json!(["empty", "disc"]));
}

#[test]
fn a_positive_class_that_is_none_is_a_mistake_in_what_was_typed() {
    let folder = prepared();
    for command in [&format!("{TRAIN} --out run"), "plan data/manifest.csv"] {
        let (code, said) = pulmo(folder.path(), &format!("{command} --positive Disc"));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("no positive class `Disc`") && said.contains("disc, empty"), "{said}");
    }
    assert!(!folder.path().join("run").exists());
}

#[test]
fn what_is_wrong_with_a_manifest_is_said_before_any_case_is_read() {
    let folder = prepared();
    let told = |text: &str| {
        std::fs::write(folder.path().join("data/manifest.csv"), text).unwrap();
        let (code, said) = pulmo(folder.path(), &format!("{TRAIN} --out run"));
        assert_eq!(code, 1, "{said}");
        assert!(!said.contains("could be read") && !folder.path().join("run").exists(), "{said}");
        said
    };
    let rows = |count: usize| (0..count).map(|row| format!("{row}.x,a\n")).collect::<String>();
    let said = told(&format!("path,label\n{}u.x,b\n", rows(20)));
    assert!(said.contains("class `b` has 1 patients, too few to divide"), "{said}");
    let said = told("path,label,split\nx,a,train\ny,a,val\nz,b,val\n");
    assert!(said.contains("no training case has the label `b`"), "{said}");
    let said = told("path;label\r\n\r\nx;Nodule\r\ny;nodule\r\n");
    assert!(said.contains("manifest.csv, line 4: ") && said.contains("of line 3"), "{said}");
    assert!(said.contains("cells are read as separated by `;`"), "{said}");
}
