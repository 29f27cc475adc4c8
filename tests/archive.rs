//! Archives as they are: a tenth of the studies hostile, workers that die, names in every place, a full disk, and more
//! studies than fit in memory.
//!
//! `PULMO_STUDIES` gives the size of the first archive, 30 if it is not set. The long tests run by
//! `cargo test --release --test archive -- --ignored --nocapture`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use pulmo::dicom::{CtSeriesDescription, write_ct_series};
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::volume::Volume;
use pulmo_forge::ct::{self, CtSlice, chest};
use pulmo_forge::load::with;
use pulmo_triage::{Deadlines, Ended, Paths, Settings, Share, Spawn, Workers};
use serde_json::Value;

/// In every path and text of the archives.
const CANARY: &str = "KANARIE";
/// Phantoms that are drawn; the others are copies with other identifiers.
const DRAWN: usize = 8;

/// Folders for an archive and for what is made of it.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(scene.archive()).unwrap();
        std::fs::write(scene.key(), [7; 32]).unwrap();
        scene
    }

    fn archive(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key")
    }

    /// The shipped bundle without its domain: phantoms as small as these are none of it.
    fn bundle(&self) -> PathBuf {
        let folder = self.0.path().join("bundle");
        if !folder.exists() {
            pulmo::bundle::embedded().unwrap().with_domain(None).unwrap().write(&folder).unwrap();
        }
        folder
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.archive().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn triage(&self, more: &[&str]) -> Output {
        let (archive, out, key) = (self.archive(), self.out(), self.key());
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulmo"));
        command.arg("triage").arg(archive).arg("--out").arg(out).arg("--key-file").arg(key);
        command.arg("--bundle").arg(self.bundle()).args(["--device", "cpu"]).args(more).output().unwrap()
    }

    fn exported(&self, name: &str) -> String {
        std::fs::read_to_string(self.out().join(name)).unwrap()
    }

    fn run_file(&self) -> Value {
        serde_json::from_str(&self.exported("run.json")).unwrap()
    }
}

/// A few phantoms, as small as they may be.
struct Drawn(Vec<(Volume, CtSeriesDescription)>);

impl Drawn {
    fn new() -> Self {
        let settings =
            PhantomSettings { matrix: Some(64), slice_spacing_mm: Some(8.0), ..PhantomSettings::default() };
        let study = |index| Study::generate(&settings, 11, index).unwrap();
        let studies = (0..DRAWN).map(study);
        Self(studies.map(|study| (study.volume().clone(), study.description().clone())).collect())
    }

    /// Writes study number `n`.
    fn write(&self, n: usize, folder: &Path) {
        let (volume, description) = &self.0[n % DRAWN];
        let description = CtSeriesDescription {
            patient_id: format!("{CANARY}-{n}"),
            uid_seed: 1_000_000 + n as u64,
            ..description.clone()
        };
        write_ct_series(folder, volume, &description).unwrap();
    }
}

/// Kinds of studies without a score.
const HOSTILE: usize = 11;

/// Writes a study that must get a row and no score.
fn write_hostile(n: usize, folder: &Path) {
    let slices = |change: &dyn Fn(&mut CtSlice)| {
        let sound = chest(60, -30.0, 5.0);
        ct::write_all(
            &with(sound, |slice| {
                slice.text((0x0010, 0x0020), "LO", &format!("{CANARY}-H{n}"));
                slice.text((0x0020, 0x000D), "UI", &format!("1.2.3.{n}"));
                slice.text(ct::SERIES_UID, "UI", &format!("1.2.3.4.{n}"));
                change(slice);
            }),
            folder,
        );
    };
    let file = |bytes: &[u8]| std::fs::write(folder.join(format!("{CANARY}.dcm")), bytes).unwrap();
    match n % HOSTILE {
        0 => file(&[]),
        1 => file(&(0..131).map(|byte| (byte * 37 % 251) as u8).collect::<Vec<_>>()),
        2 => file(&[&[0; 128][..], b"DICM"].concat()),
        3 => file(b"no DICOM"),
        4 => {
            slices(&|_| {});
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let bytes = std::fs::read(entry.path()).unwrap();
                std::fs::write(entry.path(), &bytes[..bytes.len() / 2]).unwrap();
            }
        }
        5 => slices(&|slice| slice.word(ct::ROWS, 0)),
        6 => slices(&|slice| slice.word(ct::BITS_STORED, 40)),
        7 => slices(&|slice| slice.text(ct::SLOPE, "DS", "0")),
        8 => slices(&|slice| slice.text(ct::MODALITY, "CS", "MR")),
        9 => slices(&|slice| slice.text(ct::POSITION, "DS", "0\\0\\0")),
        _ => slices(&|slice| slice.text(ct::PIXEL_SPACING, "DS", "0\\-1")),
    }
}

/// Hands requests on to the real worker, until one names a folder with a fault.
const FAULTY: &str = r#"
while IFS= read -r line; do
  case $line in
    *score*FAULT-ABORT*) kill -ABRT 0 ;;
    *score*FAULT-SEGV*) kill -SEGV 0 ;;
    *score*FAULT-HANG*) sleep 1000000 ;;
    *) printf '%s\n' "$line" ;;
  esac
done | exec "$1" worker --key-file "$2" --device cpu --memory-mib "$3" --bundle "$4"
"#;

/// A run over workers with faults.
fn run_with_faults(scene: &Scene, deadline: Duration) -> Ended {
    let worker = Spawn {
        program: "/bin/sh".into(),
        arguments: vec![
            "-c".into(),
            FAULTY.into(),
            "sh".into(),
            env!("CARGO_BIN_EXE_pulmo").into(),
            scene.key().into(),
            "4096".into(),
            scene.bundle().into(),
        ],
        in_turn: Vec::new(),
        environment: vec![("RAYON_NUM_THREADS".into(), "1".into())],
    };
    let settings = Settings {
        archives: vec![scene.archive()],
        follow_links: false,
        out: scene.out(),
        worker,
        workers: Workers::always(2),
        deadlines: Deadlines { study: deadline, ..Deadlines::default() },
        part: Share::default(),
        limit: None,
        settle: Duration::ZERO,
        pause: Duration::from_secs(1),
        silence: Duration::from_secs(10),
        stop: Arc::new(AtomicBool::new(false)),
        paths: Paths::LeftOut,
        metrics: None,
    };
    pulmo_triage::run(&settings, &scene.key(), &mut |_| {}).unwrap()
}

/// Cases 110, 111, 112: of an archive of which a tenth is hostile, the others are scored.
#[test]
fn of_an_archive_with_a_tenth_hostile_the_others_are_scored_and_each_has_one_row() {
    let studies: usize = std::env::var("PULMO_STUDIES").map_or(30, |text| text.parse().unwrap());
    let scene = Scene::new();
    let drawn = Drawn::new();
    let hostile = studies / 10;
    for n in 0..studies {
        let is_hostile = n % 10 == 9;
        let fault = match n / 10 {
            0 => "FAULT-ABORT",
            1 => "FAULT-HANG",
            2 => "FAULT-SEGV",
            _ => "",
        };
        let fault = if is_hostile { fault } else { "" };
        let folder = scene.folder(&format!("{}/{CANARY}^{n}{fault}", n % 7));
        if is_hostile && fault.is_empty() {
            write_hostile(n / 10, &folder);
        } else {
            drawn.write(n, &folder);
        }
    }
    let begun = Instant::now();
    // of a long run on a machine with much else to do, no sound study may be late
    let deadline = Duration::from_secs(if studies > 100 { 300 } else { 20 });
    let ended = run_with_faults(&scene, deadline);
    let counts = (ended.studies, ended.scored, ended.unscored, ended.remaining);
    eprintln!("{counts:?} in {:.1} s; {}", begun.elapsed().as_secs_f64(), scene.run_file()["last_run"]);
    assert_eq!(counts, (studies, studies - hostile, hostile, 0), "{}", scene.exported("issues.csv"));
    assert_eq!(scene.exported("results.jsonl").lines().count(), studies);
    assert_eq!(scene.exported("worklist.csv").lines().count(), 1 + studies - hostile);
    let issues = scene.exported("issues.csv");
    assert_eq!(issues.lines().count(), 1 + hostile);
    assert!(issues.lines().skip(1).all(|line| line.split(',').nth(2).is_some_and(|codes| !codes.is_empty())));
    assert_eq!(issues.matches("POISON,FAULT").count(), 2, "{issues}");
    assert_eq!(issues.matches("POISON,DEADLINE").count(), 1, "{issues}");
}

/// Texts in every place that a header has for them, some of which end readers.
fn personal(slice: &mut CtSlice) {
    let secret = format!("{CANARY}^SECRET");
    for group_element in
        [(0x0008, 0x0080), (0x0008, 0x1030), (0x0008, 0x103E), (0x0010, 0x0020), (0x0020, 0x0010)]
    {
        slice.text(group_element, "LO", &secret);
    }
    for group_element in [(0x0010, 0x0010), (0x0008, 0x0090), (0x0008, 0x1050), (0x0010, 0x1005)] {
        slice.text(group_element, "PN", &secret);
    }
    for group_element in [(0x0008, 0x0020), (0x0008, 0x0021), (0x0008, 0x0022), (0x0010, 0x0030)] {
        slice.text(group_element, "DA", &format!("19700101{CANARY}"));
    }
    slice.text((0x0008, 0x0050), "SH", CANARY);
    slice.text((0x0010, 0x4000), "LT", &secret);
    slice.text(ct::KERNEL, "SH", CANARY);
    slice.text((0x0009, 0x0010), "LO", CANARY);
    slice.text((0x0009, 0x1001), "LO", &secret);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Cases 143, 144, 146: whatever stands in texts, dates, UIDs and paths stays there.
#[test]
fn no_name_date_uid_or_path_of_an_archive_is_handed_on() {
    let scene = Scene::new();
    let long = format!("1.2.{}", CANARY.repeat(1500));
    let uids = ["..", "/etc/KANARIE", "CON", "1.2.KANARIE", "../../KANARIE", &long];
    for (n, uid) in uids.iter().enumerate() {
        let slices = with(chest(60, -30.0, 5.0), |slice| {
            personal(slice);
            slice.text((0x0020, 0x000D), "UI", uid);
            slice.text(ct::SERIES_UID, "UI", &format!("{uid}.{n}"));
            slice.text((0x0008, 0x0018), "UI", uid);
        });
        ct::write_all(&slices, &scene.folder(&format!("{CANARY}^{n}/\u{1b}[31m\n{CANARY}")));
    }
    // faults that readers tell of
    for n in 0..HOSTILE {
        write_hostile(n, &scene.folder(&format!("{CANARY}-bad/{n}")));
    }
    let metrics = scene.0.path().join("metrics.prom");
    let run = scene.triage(&["--workers", "2", "--metrics", metrics.to_str().unwrap()]);
    let out = scene.out();
    let also = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
        [output.stdout, output.stderr].concat()
    };
    let merged = scene.0.path().join("merged");
    let said = [
        [run.stdout, run.stderr].concat(),
        also(&["triage", "--status", out.to_str().unwrap()]),
        also(&["export", out.to_str().unwrap()]),
        also(&["merge", merged.to_str().unwrap(), out.to_str().unwrap()]),
        std::fs::read(metrics).unwrap(),
    ];
    let has = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
    for bytes in &said {
        assert!(!has(bytes), "{}", String::from_utf8_lossy(bytes));
    }
    let files = [files_below(&out), files_below(&merged)].concat();
    assert!(files.len() > 12);
    for path in files {
        let is_local = path.file_name().unwrap().to_string_lossy().starts_with("map.sqlite");
        assert!(is_local || !has(&std::fs::read(&path).unwrap()), "{}", path.display());
    }
    assert!(scene.exported("results.jsonl").lines().count() > uids.len());
    // nothing was written elsewhere: beside the archive there is what this test made and named
    let mut beside: Vec<String> = std::fs::read_dir(scene.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    beside.sort();
    assert_eq!(beside, ["archive", "bundle", "key", "merged", "metrics.prom", "out"]);
}

/// The blocks of the page that begin with a line that holds `first`, without their indentation.
fn block(page: &str, first: &str) -> String {
    let lines = page.lines().skip_while(|line| !(line.starts_with("    ") && line.contains(first)));
    let block = lines.take_while(|line| line.starts_with("    "));
    block.map(|line| format!("{}\n", &line[4..])).collect()
}

/// The recipes for a Slurm array and a Kubernetes job, as they stand on the page, as plain shell.
#[test]
#[ignore = "long: 32 runs"]
fn the_recipes_of_the_page_score_an_archive_in_parts() {
    let page = std::fs::read_to_string("docs/triage.md").unwrap();
    let scene = Scene::new();
    let drawn = Drawn::new();
    (0..20).for_each(|n| drawn.write(n, &scene.folder(&format!("{n}"))));
    let root = scene.0.path().to_str().unwrap().to_owned();
    let slurm = block(&page, "#!/bin/sh");
    let container = block(&page, "apiVersion");
    let arguments = container.split("args:").nth(1).unwrap().trim_start().trim_start_matches("- ");
    let kubernetes: String = arguments.lines().map(|line| format!("{} ", line.trim())).collect();
    std::fs::copy(scene.key(), scene.0.path().join("site.key")).unwrap();
    for (name, script, index) in
        [("slurm", slurm, "SLURM_ARRAY_TASK_ID"), ("kubernetes", kubernetes, "JOB_COMPLETION_INDEX")]
    {
        assert!(script.contains("pulmo triage"), "{name}: {script}");
        let results = format!("{root}/{name}");
        let script = script
            .replace("pulmo triage", &format!("pulmo triage --bundle {}", scene.bundle().display()))
            .replace("/archive", &format!("{root}/archive"))
            .replace("/results/", &format!("{results}/"))
            .replace("/keys/", &format!("{root}/"));
        let program = Path::new(env!("CARGO_BIN_EXE_pulmo")).parent().unwrap().to_str().unwrap();
        let path = format!("{program}:{}", std::env::var("PATH").unwrap());
        for part in 0..16 {
            let done = Command::new("sh")
                .args(["-c", &script])
                .env("PATH", &path)
                .env(index, part.to_string())
                .envs([("SCRATCH", &results), ("HOME", &root)])
                .output()
                .unwrap();
            assert!(done.status.success(), "{name} {part}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let merge = format!("pulmo merge {results}/all {results}/part*");
        let done = Command::new("sh").args(["-c", &merge]).env("PATH", &path).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let lines = std::fs::read_to_string(format!("{results}/all/results.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), 20, "{name}");
        assert_eq!(lines.matches("\"urgency\":null").count(), 0);
    }
}

/// Case 115: a disk that fills up and gets room again, as a mount of its own.
#[test]
#[ignore = "mounts a file system: needs root"]
fn a_disk_that_fills_up_pauses_the_run_until_there_is_room() {
    let scene = Scene::new();
    let drawn = Drawn::new();
    (0..60).for_each(|n| drawn.write(n, &scene.folder(&format!("{n}"))));
    std::fs::create_dir(scene.out()).unwrap();
    let mount =
        |arguments: &[&str]| Command::new(arguments[0]).args(&arguments[1..]).status().unwrap().success();
    let out = scene.out();
    let at = out.to_str().unwrap();
    // the logs of both tables take some 4 MiB each before they are written back
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", at]) {
        return eprintln!("skipped: nothing can be mounted");
    }
    let ballast = out.join("ballast");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulmo"));
    command.arg("triage").arg(scene.archive()).arg("--out").arg(&out).arg("--key-file").arg(scene.key());
    command.arg("--bundle").arg(scene.bundle());
    let mut run = command.args(["--device", "cpu", "--workers", "1"]).stderr(Stdio::piped()).spawn().unwrap();
    while pulmo_triage::status(&out).map_or(0, |status| status.done()) < 5 {
        std::thread::sleep(Duration::from_millis(50));
    }
    // all room is taken, for twelve seconds
    _ = Command::new("dd").args(["if=/dev/zero", &format!("of={}", ballast.display())]).output();
    std::thread::sleep(Duration::from_secs(12));
    let during = pulmo_triage::status(&out).map(|status| (status.is_running, status.done()));
    assert!(run.try_wait().unwrap().is_none(), "it ended");
    std::fs::remove_file(&ballast).unwrap();
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = std::fs::read_to_string(out.join("results.jsonl")).map_or(0, |text| text.lines().count());
    assert!(mount(&["umount", at]));
    eprintln!("while it was full: {during:?}\n{said}");
    assert!(said.contains("the disk is full") && said.contains("there is room again"), "{said}");
    assert_eq!((output.status.code(), lines), (Some(0), 60));
}

/// A hundred thousand studies, each a hard link to one tiny picture: rates, and the memory of the supervisor.
#[test]
#[ignore = "long: 10^5 studies, or as many as PULMO_TINY says"]
fn a_hundred_thousand_tiny_studies_fit_in_little_memory_and_are_resumed_soon() {
    let studies: usize = std::env::var("PULMO_TINY").map_or(100_000, |text| text.parse().unwrap());
    let scene = Scene::new();
    let picture = scene.0.path().join("picture.png");
    image::GrayImage::from_fn(8, 8, |x, y| image::Luma([(x * y) as u8])).save(&picture).unwrap();
    for n in 0..studies {
        let folder = scene.folder(&format!("{:03}/{n}", n / 1000));
        std::fs::hard_link(&picture, folder.join("a.png")).unwrap_or_else(|_| {
            // a file has no more names than its file system allows
            std::fs::copy(&picture, folder.join("a.png")).unwrap();
        });
    }
    let timed = |what: &str| {
        let begun = Instant::now();
        let run = scene.triage(&["--workers", "2"]);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!("{what}: {seconds:.1} s, {:.0} studies a second\n{said}", studies as f64 / seconds);
    };
    timed("first run");
    assert_eq!(scene.exported("results.jsonl").lines().count(), studies);
    let first = scene.run_file()["last_run"].clone();
    timed("finished run again");
    let again = scene.run_file()["last_run"].clone();
    eprintln!("{first}\n{again}");
    assert_eq!(again["studies_done"], 0);
    for run in [first, again] {
        assert!(run["supervisor_peak_bytes"].as_u64().unwrap() < 256 << 20, "{run}");
    }
}
