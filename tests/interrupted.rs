//! A training that is killed at any moment, or finds its newest checkpoint damaged, ends with the weights
//! of one that nothing happened to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use pulmo::bundle::sha256_hex;
use pulmo::cohort::read_manifest;
use pulmo::dicom::Partial;
use pulmo::network::Compute;
use pulmo::random::Random;
use pulmo::train::{Event, Job, LeakPolicy, Recipe, train};
use pulmo_forge::discs::{RECIPE, discs};

/// Kills of the test; a third each aimed at loading, at an epoch, at the writing of a checkpoint.
const KILLS: usize = 50;
const EPOCHS: usize = 120;
const CASES: usize = 60;

/// A run of the program in a folder of its own.
struct Run {
    folder: PathBuf,
    out: PathBuf,
}

impl Run {
    fn new(folder: &Path, out: &str) -> Self {
        Self { folder: folder.to_owned(), out: folder.join(out) }
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulmo"));
        command.arg("train").arg("--recipe").arg(self.folder.join("recipe.toml"));
        command.arg("--data").arg(self.folder.join("data/manifest.csv"));
        command.args(["--device", "cpu", "--out"]).arg(&self.out);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The epoch of the newest whole checkpoint, and the newest part of one that was begun at `since` or later.
    fn checkpoints(&self, since: SystemTime) -> (usize, Option<PathBuf>) {
        let entries = std::fs::read_dir(self.out.join("checkpoints")).into_iter().flatten().flatten();
        let (mut newest, mut partial) = (0, None);
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if let Ok(epoch) = name.trim_start_matches("epoch-").parse::<usize>() {
                newest = newest.max(epoch);
            } else if path.metadata().and_then(|found| found.modified()).is_ok_and(|time| time >= since) {
                partial = Some(path);
            }
        }
        (newest, partial)
    }

    /// A file that is written anew once the cases are read.
    fn begun(&self) -> PathBuf {
        self.out.join("run.toml")
    }

    fn weights(&self) -> String {
        sha256_hex(&std::fs::read(self.out.join("weights.safetensors")).unwrap())
    }
}

/// Where a kill landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Epoch,
    Checkpoint,
}

/// Seconds from the start of a run to its first epoch, to its first checkpoint, and from one to the next.
struct Pace {
    loading: f64,
    first: f64,
    epoch: f64,
}

/// Runs to the end, measured.
fn uninterrupted(run: &Run) -> Pace {
    let started = Instant::now();
    let mut child = run.spawn();
    let mut after = |happened: &dyn Fn() -> bool| {
        while !happened() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        started.elapsed().as_secs_f64()
    };
    let loading = after(&|| run.begun().exists());
    let first = after(&|| run.checkpoints(SystemTime::UNIX_EPOCH).0 > 0);
    assert!(child.wait().unwrap().success());
    Pace { loading, first, epoch: (started.elapsed().as_secs_f64() - first) / (EPOCHS - 1) as f64 }
}

/// Starts the run and kills it; the epoch it started after and where the kill landed, or `None` where the
/// run had ended.
fn killed(run: &Run, kill: usize, pace: &Pace) -> Option<(usize, Phase)> {
    let mut random = Random::keyed(50, &[kill as u64]);
    let before = run.checkpoints(SystemTime::now()).0;
    _ = std::fs::remove_file(run.begun());
    let since = SystemTime::now();
    let mut child = run.spawn();
    match kill % 3 {
        0 => std::thread::sleep(Duration::from_secs_f64(random.uniform(0.0, pace.loading))),
        1 => {
            let delay = random.uniform(pace.loading, pace.first + 3.0 * pace.epoch);
            std::thread::sleep(Duration::from_secs_f64(delay));
        }
        _ => {
            let wanted = before + 1 + random.below(2);
            let is_writing = || {
                let (newest, partial) = run.checkpoints(since);
                newest + 1 >= wanted && partial.is_some()
            };
            while !is_writing() && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_micros(100));
            }
            std::thread::sleep(Duration::from_secs_f64(random.uniform(0.0, 0.002)));
        }
    }
    let ran = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    let phase = match run.checkpoints(since).1 {
        Some(_) => Phase::Checkpoint,
        None if run.begun().exists() => Phase::Epoch,
        None => Phase::Loading,
    };
    ran.then_some((before, phase))
}

/// `kill -9` at 50 random moments.
#[test]
fn fifty_kills_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    discs(&folder.path().join("data"), CASES);
    let text = RECIPE.replace("epochs = 6", &format!("epochs = {EPOCHS}"));
    std::fs::write(folder.path().join("recipe.toml"), text).unwrap();
    let (whole, run) = (Run::new(folder.path(), "whole"), Run::new(folder.path(), "killed"));
    let pace = uninterrupted(&whole);
    let started = Instant::now();
    let kills: Vec<(usize, Phase)> = (0..KILLS).map_while(|kill| killed(&run, kill, &pace)).collect();
    let landed = |phase: Phase| kills.iter().filter(|(_, found)| *found == phase).count();
    let [loading, epoch, checkpoint] = [Phase::Loading, Phase::Epoch, Phase::Checkpoint].map(landed);
    let mut epochs: Vec<usize> = kills.iter().map(|(epoch, _)| *epoch).collect();
    assert!(run.spawn().wait().unwrap().success());
    epochs.dedup();
    eprintln!(
        "{} kills: {loading} while loading, {epoch} in an epoch, {checkpoint} while writing a checkpoint; \
         {:.1} s, an epoch takes {:.0} ms\nwent on after epochs {epochs:?}\n{}\n{}",
        kills.len(),
        started.elapsed().as_secs_f64(),
        1e3 * pace.epoch,
        whole.weights(),
        run.weights()
    );
    assert_eq!(kills.len(), KILLS, "the run ended before it was killed so often");
    assert!(loading > 0 && epoch > 0 && checkpoint > 0);
    assert!(epochs.len() > 10, "the run went on after few epochs");
    assert_eq!(run.weights(), whole.weights());
    assert_eq!(history(&run), history(&whole));
}

fn history(run: &Run) -> String {
    std::fs::read_to_string(run.out.join("history.csv")).unwrap()
}

type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, RECIPE).unwrap();
    let job = Job {
        recipe: Recipe::read(&path).unwrap(),
        cases: read_manifest(&discs(&folder.path().join("data"), CASES)).unwrap(),
        init: None,
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    let whole = train(&job, &|_| {}).unwrap();
    let flip_last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let halve = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    // a loss that is another number, but still one
    let change_digit = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let digit = text.find("validation_loss = 0.").unwrap() + "validation_loss = 0.".len();
        bytes[digit] = if bytes[digit] == b'1' { b'2' } else { b'1' };
    };
    let damages: [(&str, Damage); 6] = [
        ("weights.safetensors", &flip_last),
        ("weights.safetensors", &halve),
        ("optimizer.safetensors", &halve),
        ("best.safetensors", &flip_last),
        ("state.toml", &halve),
        ("state.toml", &change_digit),
    ];
    for (name, damage) in damages {
        let file = job.out.join("checkpoints/epoch-000006").join(name);
        let mut bytes = std::fs::read(&file).unwrap();
        damage(&mut bytes);
        std::fs::write(&file, bytes).unwrap();
        let resumed = Mutex::new(0);
        let again = train(&job, &|event| {
            if let Event::Resumed { epochs } = event {
                *resumed.lock().unwrap() = epochs;
            }
        });
        assert_eq!(*resumed.lock().unwrap(), 5, "{name}");
        let hashes = [&whole, &again.unwrap()].map(|done| done.bundle.manifest().weights_sha256.clone());
        assert_eq!(hashes[0], hashes[1], "{name}");
    }
}
