//! Whatever way a run ends, what it unpacked or kept for itself is gone: patients' files do not stay behind.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its values are small"
)]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use pulmo_forge::discs::{RECIPE, discs};
use pulmo_forge::forge::{Element, Forge};

const PATIENCE: Duration = Duration::from_secs(120);

/// The program, with its temporary files in `temporary`.
fn pulmo(temporary: &Path, arguments: &[&str]) -> Child {
    std::fs::create_dir_all(temporary).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulmo"));
    command.args(arguments).env("TMPDIR", temporary);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    std::fs::read_dir(folder).map(|entries| entries.map(name).collect()).unwrap_or_default()
}

/// Sends a signal as soon as `has_begun`, and returns how the program ended.
fn signalled(mut child: Child, signal: &str, has_begun: impl Fn() -> bool) -> ExitStatus {
    let start = Instant::now();
    while !has_begun() && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap()
}

/// A hundred archives of a hundred slices.
fn archives(folder: &Path) -> PathBuf {
    let (first, all) = (folder.join("000.zip"), folder.join("zips"));
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&first).unwrap());
    for slice in 0..100 {
        let position = Element::text((0x0020, 0x0032), "DS", &format!("0\\0\\{slice}"));
        zip.start_file(format!("{slice}.dcm"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&Forge::ct().with(position).bytes()).unwrap();
    }
    zip.finish().unwrap();
    std::fs::create_dir(&all).unwrap();
    (0..100).for_each(|number| _ = std::fs::copy(&first, all.join(format!("{number:03}.zip"))).unwrap());
    all
}

#[test]
fn archives_leave_nothing_behind_whether_a_run_ends_or_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (zips, temporary) = (archives(folder.path()), folder.path().join("tmp"));
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let child = pulmo(&temporary, &["inspect", zips.to_str().unwrap()]);
        // an archive is half unpacked, or being read
        let ended = signalled(child, signal, || !names(&temporary).is_empty());
        assert_eq!(ended.signal(), Some(number), "{ended}");
        assert_eq!(names(&temporary), [""; 0], "{signal}");
    }
    let mut whole = pulmo(&temporary, &["inspect", "--headers", zips.to_str().unwrap()]);
    assert!(whole.wait().unwrap().success());
    assert_eq!(names(&temporary), [""; 0]);
    // an error: two series where one is needed
    let out = folder.path().join("out.nii");
    let arguments = ["convert", zips.to_str().unwrap(), "--out", out.to_str().unwrap()];
    assert_eq!(pulmo(&temporary, &arguments).wait().unwrap().code(), Some(1));
    assert_eq!(names(&temporary), [""; 0]);
}

#[test]
fn training_removes_what_memory_did_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    discs(&at("data"), 40);
    let recipe = |epochs: usize| {
        let text = RECIPE.replace("epochs = 6", &format!("epochs = {epochs}\ncache_mib = 0"));
        std::fs::write(at("recipe.toml"), text).unwrap();
    };
    let (out, temporary) = (at("out"), at("tmp"));
    let train = || {
        let [recipe, data, out] = [at("recipe.toml"), at("data/manifest.csv"), out.clone()]
            .map(|path| path.to_str().unwrap().to_owned());
        let arguments = ["train", "--device", "cpu", "--recipe", &recipe, "--data", &data, "--out", &out];
        pulmo(&temporary, &arguments)
    };
    let cached = || names(&out).into_iter().filter(|name| name.starts_with("cache")).count();
    recipe(100_000);
    for signal in ["-INT", "-TERM"] {
        let ended = signalled(train(), signal, || names(&out.join("checkpoints")).len() > 1 && cached() == 2);
        assert!(ended.signal().is_some(), "{ended}");
        assert_eq!(cached(), 0, "{signal}");
    }
    // what a killed run leaves, the next one removes
    let killed = signalled(train(), "-KILL", || cached() == 2);
    assert_eq!(killed.signal(), Some(9));
    assert_eq!(cached(), 2);
    std::fs::remove_dir_all(out.join("checkpoints")).unwrap();
    recipe(1);
    assert!(train().wait().unwrap().success());
    assert_eq!(cached(), 0);
}
