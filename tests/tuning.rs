//! A search finds what is there to find, goes on where it was killed, and refuses what cannot be tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pulmo::cohort::read_manifest;
use pulmo::dicom::Partial;
use pulmo::network::Compute;
use pulmo::train::{Event, Job, LeakPolicy, Recipe, TrainError};
use pulmo::tune::{Outcome, Row, TuneError, TuneEvent, Tuned, tune};
use pulmo_forge::discs::{RECIPE, discs};

/// The learning rate decides: one too small to learn, the right one, one that leaves the numbers.
const RANGES: &str = r#"
[tune]
trials = 12
eta = 2
first_epochs = 2

[tune.ranges]
optimizer.learning_rate = { choices = [1e-7, 0.01, 0.02, 1e38] }
network.dropout = { from = 0.0, to = 0.3 }
course.batch_size = { from = 6, to = 8 }
"#;

const CASES: usize = 60;

fn recipe(folder: &Path, ranges: &str) -> PathBuf {
    let text =
        RECIPE.replace("learning_rate = 0.01", "learning_rate = 1e-6").replace("epochs = 6", "epochs = 8");
    let text = text.replace("average_decay = 0.9", "").replace("clip_norm = 5.0", "");
    let path = folder.join("recipe.toml");
    std::fs::write(&path, text + ranges).unwrap();
    path
}

fn job(folder: &Path, out: &str) -> Job {
    Job {
        recipe: Recipe::read(&recipe(folder, RANGES)).unwrap(),
        cases: read_manifest(&discs(&folder.join("data"), CASES)).unwrap(),
        init: None,
        out: folder.join(out),
        compute: Compute::cpu(),
        leaks: LeakPolicy::default(),
        partial: Partial::Refuse,
    }
}

/// Everything below `folder`, as paths relative to it.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        for entry in std::fs::read_dir(here).into_iter().flatten().flatten() {
            found.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            open.push(entry.path());
        }
    }
    found
}

/// The rows of `trials.csv` without the minutes, which no two runs share.
fn table(out: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(out.join("trials.csv")).unwrap();
    let minutes = reader.headers().unwrap().iter().position(|title| title == "minutes").unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| {
        row.iter().enumerate().filter(|(at, _)| *at != minutes).map(|(_, cell)| cell.to_owned()).collect()
    })
    .collect()
}

fn check_winner(tuned: &Tuned, out: &Path) {
    let place = tuned.paths.iter().position(|path| path == "optimizer.learning_rate").unwrap();
    let rate = |row: &Row| row.values[place].as_ref().unwrap().as_float().unwrap();
    assert!([0.01, 0.02].contains(&rate(&tuned.best)), "{:?}", tuned.best);
    assert!(tuned.best.validation_roc_auc > Some(0.95) && tuned.best.rung == 3, "{:?}", tuned.best);
    assert_eq!(Recipe::read(&out.join("best.toml")).unwrap(), tuned.recipe);
    assert_eq!((tuned.recipe.course.epochs, &tuned.recipe.tune), (8, &None));
    let of_rung = |rung: usize| tuned.rows.iter().filter(|row| row.rung == rung).collect::<Vec<_>>();
    let [first, second, third] = [1, 2, 3].map(of_rung);
    assert_eq!((first.len(), second.len(), third.len()), (12, 6, 3));
    for row in &first {
        assert_eq!((row.outcome == Outcome::Diverged, row.epochs), (rate(row) == 1e38, 2), "{row:?}");
    }
    assert!(first.iter().any(|row| row.outcome == Outcome::Diverged));
    assert!(third.iter().all(|row| row.epochs == 8 && row.outcome == Outcome::Trained));
    assert_eq!(tuned.standing().len(), 12);
    assert!(tuned.mattered.iter().any(|one| one.path == "optimizer.learning_rate"));
}

#[test]
fn the_value_that_learns_wins_and_a_killed_search_gives_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    let (job, loaded) = (job(folder.path(), "whole"), AtomicUsize::new(0));
    let tuned = tune(&job, &|event| {
        if let TuneEvent::Training(Event::Loaded { .. }) = event {
            loaded.fetch_add(1, Ordering::Relaxed);
        }
    })
    .unwrap();
    check_winner(&tuned, &job.out);
    assert_eq!(loaded.load(Ordering::Relaxed), CASES, "cases are decoded once for all trials");
    let files = tree(&job.out);
    assert!(!files.iter().any(|path| path.contains("checkpoints") || path.contains("cache")), "{files:?}");
    let weights: Vec<_> = files.iter().filter(|path| path.ends_with("weights.safetensors")).collect();
    assert!(weights.len() == 3 && weights.iter().all(|path| path.starts_with("rung-3")), "{weights:?}");

    let out = folder.path().join("killed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulmo"));
    command.arg("tune").arg(folder.path().join("data/manifest.csv")).arg("--recipe");
    command.arg(folder.path().join("recipe.toml")).args(["--device", "cpu", "--out"]).arg(&out);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for results in [1, 5, 13, 17] {
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        let done = || tree(&out).iter().filter(|path| path.ends_with("result.toml")).count();
        while done() < results && child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(3));
        }
        std::thread::sleep(Duration::from_millis(3 * results as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!out.join("best.toml").exists(), "the search ended before it was killed");
    }
    assert!(command.status().unwrap().success());
    assert_eq!(table(&job.out), table(&out));
    let best = |out: &Path| std::fs::read(out.join("best.toml")).unwrap();
    assert_eq!(best(&job.out), best(&out));
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut job = job(folder.path(), "out");
    for (from, to, told) in [
        ("optimizer.learning_rate", "optimizer.lerning_rate", "lerning_rate"),
        ("to = 0.3", "to = 1.3", "network.dropout = 1.3"),
        ("course.batch_size", "course.epochs", "course.epochs"),
        ("trials = 12", "trails = 12", "trails"),
        (RANGES, "", "is missing"),
    ] {
        job.recipe = Recipe::read(&recipe(folder.path(), &RANGES.replace(from, to))).unwrap();
        let error = tune(&job, &|event| panic!("{event:?}")).unwrap_err();
        assert!(matches!(error, TuneError::Ranges(_)) && error.to_string().contains(told), "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn a_folder_with_another_search_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), "out");
    // the search stops for want of pictures after it has claimed the folder
    job.cases.iter_mut().for_each(|case| case.file = folder.path().join("absent.npy"));
    let error = tune(&job, &|_| {}).unwrap_err();
    assert!(matches!(error, TuneError::Train(TrainError::NoCases { .. })), "{error}");
    job.recipe = Recipe::read(&recipe(folder.path(), &RANGES.replace("to = 0.3", "to = 0.4"))).unwrap();
    let error = tune(&job, &|_| {}).unwrap_err();
    assert!(matches!(error, TuneError::OtherSearch { .. }), "{error}");
}
