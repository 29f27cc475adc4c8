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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pulmo_key::SecretKey;
use pulmo_system::{WorkerLimits, confine, peak_bytes};
use pulmo_triage::{
    Deadlines, Finding, FoundStudy, Method, Paths, Place, Probability, ReadStep, RunEvent, ScoredStudy,
    Settings, Share, Spawn, StudyRequest, StudyScorer, WirePath, WorkStage, Workers, of_place, of_places,
    run, serve,
};

const MIB: u64 = 1 << 20;

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if arguments[0] == Path::new("supervise") {
        return supervise(&arguments[1..]);
    }
    confine(WorkerLimits { memory_bytes: Some(256 * MIB) });
    log(&format!("worker {}", arguments.get(1).map_or(String::new(), |turn| turn.display().to_string())));
    let fake = Fake {
        key: SecretKey::read(&arguments[0]).unwrap(),
        weights: number("FAKE_WEIGHTS", 1),
        is_judging: AtomicBool::new(false),
    };
    serve(BufReader::new(std::io::stdin()), std::io::stdout(), &fake).unwrap();
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
            in_turn: std::env::var("FAKE_TURNS")
                .map(|turns| turns.split(',').map(|turn| vec![turn.into()]).collect())
                .unwrap_or_default(),
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
        silence: seconds("FAKE_SILENCE", 60),
        paths: Paths::LeftOut,
        stop: Arc::new(AtomicBool::new(false)),
        metrics: Some(out.join("metrics.prom")),
    };
    let mut scored = 0;
    let ended = run(&settings, &key, &mut |event| match event {
        RunEvent::Done { .. } => scored += 1,
        RunEvent::Retried => println!("retried"),
        RunEvent::Paused => println!("paused"),
        RunEvent::Resumed => println!("resumed"),
        RunEvent::Silent => println!("silent"),
        RunEvent::Answers => println!("answers"),
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
    key: SecretKey,
    weights: u64,
    is_judging: AtomicBool,
}

/// Adds a line to the file that `FAKE_LOG` names.
fn log(line: &str) {
    use std::io::Write;
    if let Some(path) = std::env::var_os("FAKE_LOG") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
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

/// A study's files: it has one series.
struct FakeSeries {
    study: String,
    whats: Vec<String>,
    place: Place,
}

/// What a fake network says.
struct FakeSeen {
    urgency: f32,
    files: usize,
    acquired: Option<String>,
}

impl StudyScorer for Fake {
    type Series = FakeSeries;
    type Seen = FakeSeen;

    fn method(&self) -> Method {
        Method {
            bundle: "fake".into(),
            weights_sha256: format!("weights {}", self.weights),
            chain_sha256: "chain".into(),
            decision_sha256: "decision".into(),
            pulmo: "0".into(),
            device: std::env::var("FAKE_DEVICE").unwrap_or_else(|_| "cpu".into()),
        }
    }

    fn list(&self, place: &Place) -> Vec<FoundStudy> {
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

    fn read(&self, study: &StudyRequest, tell: &mut dyn FnMut(ReadStep<FakeSeries>)) -> String {
        tell(ReadStep::Stage(WorkStage::Read));
        std::thread::sleep(Duration::from_millis(number("FAKE_MS", 0)));
        if self.is_judging.load(Ordering::SeqCst) {
            log("read while another is judged");
        }
        let fingerprint = of_places(study.places.iter().map(|place| of_place(place, &self.key)).collect());
        let whats: Vec<String> = study.places.iter().flat_map(lines).map(|[_, _, what]| what).collect();
        let place = study.places[0].clone();
        whats.iter().filter_map(|what| what.strip_prefix("read-")).for_each(|what| end(what, &place));
        tell(ReadStep::Series(FakeSeries { study: study.study.clone(), whats, place }));
        fingerprint
    }

    fn judge(&self, series: FakeSeries) -> FakeSeen {
        self.is_judging.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(number("FAKE_JUDGE_MS", 0)));
        let here = |what: &&String| !what.starts_with("read-");
        series.whats.iter().filter(here).for_each(|what| end(what, &series.place));
        // few values, so that there are ties
        let urgency = f32::from(u16::from_str_radix(&series.study[..3], 16).unwrap()) / 4096.0;
        let urgency = std::env::var("FAKE_URGENCY").map_or(urgency, |text| text.parse().unwrap());
        let acquired = series.whats.iter().find_map(|what| what.strip_prefix("at-")).map(str::to_owned);
        self.is_judging.store(false, Ordering::SeqCst);
        FakeSeen { urgency, files: series.whats.len(), acquired }
    }

    fn sum_up(&self, fingerprint: String, seen: Vec<FakeSeen>) -> ScoredStudy {
        let [FakeSeen { urgency, files, acquired }] = &seen[..] else { panic!("one series") };
        let (urgency, acquired) = (*urgency, acquired.clone());
        let probability = |name: &str, value: f32| (name.to_owned(), Probability(value));
        let finding = Finding {
            verdict: "OK".into(),
            class: Some("nodule".into()),
            probabilities: [probability("normal", 1.0 - urgency), probability("nodule", urgency)].into(),
            urgency: Some(Probability(urgency)),
            codes: vec![format!("FILES_{files}")],
            ..Finding::default()
        };
        ScoredStudy { fingerprint, finding, acquired, peak_bytes: peak_bytes() }
    }
}

/// Ends the worker in the way named.
fn end(what: &str, place: &Place) {
    match what {
        "ok" | "" => {}
        what if what.starts_with("at-") => {}
        "abort" => std::process::abort(),
        "panic" => panic!("CANARY^NAME in a panic"),
        "hang" => std::thread::sleep(Duration::from_secs(100_000)),
        "slow" => std::thread::sleep(Duration::from_secs(8)),
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
