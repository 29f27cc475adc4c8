//! A worker without a network, and a supervisor over such workers, for the tests of this crate.
//!
//! Each line of a text file in a folder of the archive is `STUDY WHAT`: the study that the file belongs to, and what
//! the worker does with it: `ok`, or how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pulmo_triage::{
    Deadlines, Finding, FoundStudy, Method, Place, Probability, ScoredStudy, Settings, Share, SiteKey, Spawn,
    StudyRequest, StudyScorer, WirePath, WorkStage, WorkerLimits, Workers, confine, of_place, of_places,
    peak_bytes, run, serve,
};

const MIB: u64 = 1 << 20;

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if arguments[0] == Path::new("supervise") {
        return supervise(&arguments[1..]);
    }
    confine(WorkerLimits { memory_bytes: Some(256 * MIB) });
    let mut fake = Fake { key: SiteKey::read(&arguments[0]).unwrap(), weights: number("FAKE_WEIGHTS", 1) };
    serve(BufReader::new(std::io::stdin()), std::io::stdout(), &mut fake).unwrap();
}

fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

/// `supervise ARCHIVE OUT WORKERS`: prints how it ended.
fn supervise(arguments: &[PathBuf]) {
    let [archive, out, workers] = arguments else { panic!("supervise ARCHIVE OUT WORKERS") };
    let key = out.with_extension("key");
    let seconds = |name: &str, or: u64| Duration::from_secs(number(name, or));
    let settings = Settings {
        archives: vec![archive.clone()],
        follow_links: false,
        out: out.clone(),
        worker: Spawn {
            program: std::env::current_exe().unwrap(),
            arguments: vec![key.clone().into()],
            environment: Vec::new(),
        },
        workers: Workers::always(workers.to_string_lossy().parse().unwrap()),
        deadlines: Deadlines {
            series: seconds("FAKE_SECONDS", 60),
            study: seconds("FAKE_SECONDS", 60),
            ..Deadlines::default()
        },
        part: Share { parts: number("FAKE_PARTS", 1), id: number("FAKE_PART", 0) },
        limit: std::env::var("FAKE_LIMIT").ok().map(|text| text.parse().unwrap()),
        settle: seconds("FAKE_SETTLE", 0),
        pause: Duration::from_millis(50),
        stop: Arc::new(AtomicBool::new(false)),
        metrics: Some(out.join("metrics.prom")),
    };
    let mut scored = 0;
    let ended = run(&settings, &key, &mut |event| match event {
        pulmo_triage::RunEvent::Done { .. } => scored += 1,
        pulmo_triage::RunEvent::Paused => println!("paused"),
        pulmo_triage::RunEvent::Resumed => println!("resumed"),
        _ => {}
    });
    match ended {
        Ok(ended) => println!("rows {} of {}, new {scored}", ended.scored + ended.unscored, ended.studies),
        Err(error) => {
            println!("error: {error}");
            std::process::exit(1);
        }
    }
}

struct Fake {
    key: SiteKey,
    weights: u64,
}

/// `STUDY WHAT` of each file.
fn lines(place: &Place) -> Vec<[String; 3]> {
    let mut lines = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(place.path()).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = WirePath::of(Path::new(&entry.file_name()));
        let is_named = place.names.as_ref().is_none_or(|names| names.contains(&name));
        if !is_named || name.as_str().starts_with('.') || !entry.path().is_file() {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let (study, what) = text.trim().split_once(' ').unwrap_or((text.trim(), "ok"));
        lines.push([name.as_str().to_owned(), study.to_owned(), what.to_owned()]);
    }
    lines
}

impl StudyScorer for Fake {
    fn method(&self) -> Method {
        Method {
            bundle: "fake".into(),
            weights_sha256: format!("weights {}", self.weights),
            chain_sha256: "chain".into(),
            calibration: "none".into(),
            pulmo: "0".into(),
            device: "cpu".into(),
        }
    }

    fn list(&mut self, place: &Place) -> Vec<FoundStudy> {
        let mut studies: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for [file, study, what] in lines(place) {
            if what == "list-abort" {
                std::process::abort();
            }
            studies.entry(study).or_default().push(file);
        }
        let is_alone = studies.len() == 1;
        let found = |(study, files): (String, Vec<String>)| {
            let names = files.iter().map(|file| WirePath::of(Path::new(file))).collect();
            let part = Place { names: (!is_alone).then_some(names), ..place.clone() };
            let fingerprint = of_place(&part, &self.key);
            FoundStudy { study: self.key.name("study", &[study.as_bytes()]), fingerprint, names: part.names }
        };
        studies.into_iter().map(found).collect()
    }

    fn score(&mut self, study: &StudyRequest, stage: &mut dyn FnMut(WorkStage)) -> ScoredStudy {
        stage(WorkStage::Read);
        std::thread::sleep(Duration::from_millis(number("FAKE_MS", 0)));
        let files: Vec<[String; 3]> = study.places.iter().flat_map(lines).collect();
        stage(WorkStage::Predict);
        files.iter().for_each(|[_, _, what]| end(what, &study.places[0]));
        let urgency = f32::from(u16::from_str_radix(&study.study[..4], 16).unwrap()) / 65_536.0;
        let finding = Finding {
            verdict: "OK".into(),
            class: Some("nodule".into()),
            probabilities: [
                ("normal".into(), Probability(1.0 - urgency)),
                ("nodule".into(), Probability(urgency)),
            ]
            .into(),
            urgency: Some(Probability(urgency)),
            codes: vec![format!("FILES_{}", files.len())],
            ..Finding::default()
        };
        let fingerprint = of_places(study.places.iter().map(|place| of_place(place, &self.key)).collect());
        ScoredStudy { fingerprint, finding, peak_bytes: peak_bytes() }
    }
}

/// Ends the worker in the way named.
fn end(what: &str, place: &Place) {
    match what {
        "ok" | "" => {}
        "abort" => std::process::abort(),
        "panic" => panic!("CANARY^NAME in a panic"),
        "hang" => std::thread::sleep(Duration::from_secs(100_000)),
        "exit" => std::process::exit(0),
        "garbage" => println!("CANARY^NAME is no answer"),
        "balloon" => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            (0..1024).for_each(|_| held.push(vec![1; 8 * MIB as usize]));
        }
        "stack" => {
            std::hint::black_box(deep(u64::MAX));
        }
        "abort-once" => {
            let mark = place.path().join(".tried");
            if !mark.exists() {
                std::fs::write(mark, "").unwrap();
                std::process::abort();
            }
        }
        _ => panic!("what is `{what}`?"),
    }
}

#[expect(unconditional_recursion, reason = "its stack is to overflow")]
fn deep(n: u64) -> u64 {
    let kept = std::hint::black_box([n; 512]);
    deep(n - 1) + kept[n as usize % 512]
}
