//! Whatever a study does to its worker, the others go on, and each study has one row.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; not every test needs all of the support"
)]

mod support;

use support::{Scene, bytes_below, kill};

#[test]
fn every_study_gets_one_row_and_a_second_run_does_nothing() {
    let scene = Scene::new(20, &[]);
    assert_eq!(scene.run(2), "rows 20 of 20, new 20");
    let table = scene.table();
    assert_eq!(scene.run(2), "rows 20 of 20, new 0");
    assert_eq!(scene.table(), table);
    assert_eq!(table[0].lines().count(), 20);
    assert_eq!(table[2].lines().count(), 1);
    let urgencies: Vec<f64> =
        table[1].lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(urgencies.is_sorted_by(|a, b| a >= b), "{urgencies:?}");
}

#[test]
fn one_two_and_four_workers_give_the_same_bytes() {
    let scene = Scene::new(40, &["abort", "ok", "panic"]);
    let tables: Vec<_> = [1, 2, 4]
        .map(|workers| {
            scene.run(workers);
            let table = scene.table();
            std::fs::remove_dir_all(scene.out()).unwrap();
            table
        })
        .into();
    assert!(tables[0] == tables[1] && tables[0] == tables[2]);
}

#[test]
fn what_ends_its_worker_is_poison_with_stage_and_signal_and_the_others_go_on() {
    let bad = ["abort", "hang", "balloon", "panic", "garbage", "exit", "stack", "list-abort"];
    let scene = Scene::new(40, &bad);
    assert_eq!(scene.run_with(2, &[("FAKE_SECONDS", "5")]), "rows 40 of 40, new 40");
    let [results, worklist, issues] = scene.table();
    assert_eq!(worklist.lines().count(), 1 + 40 - bad.len());
    assert_eq!(issues.lines().count(), 1 + bad.len());
    let expected = [
        "deadline predict 9",
        "ended list 6",
        "ended predict 6",
        "ended predict null",
        "garbage predict 9",
        "memory predict 6",
        "panic predict null",
        "stack predict 6",
    ];
    assert_eq!(poison_of(&results), expected);
}

/// Cause, stage and signal of each study that ended its workers.
fn poison_of(results: &str) -> Vec<String> {
    let told = results.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let poison = line.get("poison")?;
        assert_eq!(line["verdict"], "POISON");
        Some(format!("{} {} {}", poison["cause"], poison["stage"], poison["signal"]).replace('"', ""))
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

const GPU: (&str, &str) = ("FAKE_DEVICE", "a gpu");

/// Two studies are in a worker at a time there: what ends it is told from what was only there.
#[test]
fn where_a_study_is_read_ahead_the_guilty_one_alone_is_poison() {
    let bad = ["abort", "read-abort", "ok", "hang", "read-hang", "read-panic", "balloon", "read-garbage"];
    let scene = Scene::new(40, &bad);
    assert_eq!(scene.run_with(2, &[GPU, ("FAKE_SECONDS", "5")]), "rows 40 of 40, new 40");
    let [results, worklist, _] = scene.table();
    let expected = [
        "deadline predict 9",
        "deadline read 9",
        "ended predict 6",
        "ended read 6",
        "garbage read 9",
        "memory predict 6",
        "panic read null",
    ];
    assert_eq!(poison_of(&results), expected);
    assert_eq!(worklist.lines().count(), 1 + 40 - expected.len());
    std::fs::remove_dir_all(scene.out()).unwrap();
    scene.run_with(2, &[("FAKE_SECONDS", "5")]);
    assert_eq!(scene.table()[0], results);
}

#[test]
fn a_gpu_is_read_ahead_for_and_a_cpu_is_not() {
    for (device, is_ahead) in [("a gpu", true), ("cpu", false)] {
        let scene = Scene::new(8, &[]);
        let log = scene.out().with_file_name("log");
        let slow = [("FAKE_MS", "20"), ("FAKE_JUDGE_MS", "60"), ("FAKE_DEVICE", device)];
        let more = [slow.as_slice(), &[("FAKE_LOG", log.to_str().unwrap())]].concat();
        assert_eq!(scene.run_with(1, &more), "rows 8 of 8, new 8");
        let log = std::fs::read_to_string(log).unwrap();
        assert_eq!(log.contains("read while another is judged"), is_ahead, "{log}");
    }
}

#[test]
fn each_gpu_gets_a_worker() {
    let scene = Scene::new(4, &[]);
    let log = scene.out().with_file_name("log");
    scene.run_with(3, &[GPU, ("FAKE_TURNS", "gpu:0,gpu:1"), ("FAKE_LOG", log.to_str().unwrap())]);
    let log = std::fs::read_to_string(log).unwrap();
    let mut workers: Vec<&str> = log.lines().filter(|line| line.starts_with("worker")).collect();
    workers.sort_unstable();
    assert_eq!(workers, ["worker gpu:0", "worker gpu:0", "worker gpu:1"]);
}

/// A study that is as urgent as another but waits longer comes first; what has no date, last, by name.
#[test]
fn of_equally_urgent_studies_the_older_one_comes_first() {
    let scene = Scene::new(5, &["at-20240301", "at-20240229235959", "ok", "at-20240229", "ok"]);
    scene.run_with(2, &[("FAKE_URGENCY", "0.5")]);
    let bytes = std::fs::read(scene.out().with_extension("key")).unwrap();
    let key = pulmo_key::SecretKey::new(&bytes).unwrap();
    let name = |n: usize| key.name("study", &[format!("CANARY.{n}").as_bytes()]);
    let mut undated = [name(2), name(4)];
    undated.sort();
    let expected = [vec![name(3), name(1), name(0)], undated.to_vec()].concat();
    let order = |worklist: String| -> Vec<String> {
        worklist.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(order(scene.exported("worklist.csv")), expected);
    // a ledger of several runs keeps the order
    let merged = scene.out().with_file_name("merged");
    pulmo_triage::merge(&merged, &[scene.out()]).unwrap();
    assert_eq!(order(std::fs::read_to_string(merged.join("worklist.csv")).unwrap()), expected);
    // when it was is told only where paths are
    assert!(!scene.exported("results.jsonl").contains("20240301"));
    pulmo_triage::export(&scene.out(), pulmo_triage::Paths::Told).unwrap();
    assert!(scene.exported("worklist.csv").lines().next().unwrap().ends_with(",path,acquired"));
    assert!(scene.exported("results.jsonl").contains("\"acquired\":\"20240301\""));
}

#[test]
fn a_study_that_fails_once_is_tried_again() {
    let scene = Scene::new(3, &["abort-once"]);
    assert_eq!(scene.run(1), "rows 3 of 3, new 3");
    assert_eq!(scene.table()[2].lines().count(), 1);
}

#[test]
fn a_second_supervisor_is_refused_and_harms_nothing() {
    let scene = Scene::new(3, &["hang"]);
    let mut first = scene.supervisor(1).spawn().unwrap();
    while !scene.out().join("ledger.sqlite").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = scene.supervisor(1).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stdout).starts_with("error: another run works on"));
    kill(&mut first);
    assert_eq!(scene.run_with(1, &[("FAKE_SECONDS", "1")]), "rows 3 of 3, new 3");
}

#[test]
fn a_grown_study_and_new_weights_are_new_rows_and_the_old_ones_stay() {
    let scene = Scene::new(4, &[]);
    scene.run(1);
    scene.write("CANARY^NAME/00001/2.txt", "CANARY.1 ok");
    assert_eq!(scene.run(1), "rows 4 of 4, new 1");
    assert_eq!(scene.exported("results.jsonl").matches("FILES_2").count(), 1);
    assert_eq!(scene.run_with(1, &[("FAKE_WEIGHTS", "2")]), "rows 4 of 4, new 4");
    assert!(scene.exported("run.json").contains("weights 2"));
    assert_eq!(rows(&scene), 4 + 1 + 4);
    // the first weights again: all is there
    assert_eq!(scene.run(1), "rows 4 of 4, new 0");
    assert!(scene.exported("run.json").contains("weights 1"));
}

fn rows(scene: &Scene) -> i64 {
    let ledger = rusqlite::Connection::open(scene.out().join("ledger.sqlite")).unwrap();
    ledger.query_row("SELECT count(*) FROM finding", [], |row| row.get(0)).unwrap()
}

#[test]
fn files_of_a_study_in_several_folders_are_one_study() {
    let scene = Scene::new(2, &[]);
    scene.write("elsewhere/a.txt", "CANARY.0 ok");
    scene.write("elsewhere/b.txt", "CANARY.7 ok");
    assert_eq!(scene.run(1), "rows 3 of 3, new 3");
    let results = scene.exported("results.jsonl");
    let folders = |n: usize| results.matches(&format!("\"folders\":{n}")).count();
    assert_eq!((folders(1), folders(2)), (2, 1));
    // and what is gone is gone from the worklist
    std::fs::remove_dir_all(scene.archive().join("elsewhere")).unwrap();
    assert_eq!(scene.run(1), "rows 2 of 2, new 1");
}

#[test]
fn parts_share_an_archive_and_their_ledgers_become_one() {
    let whole = Scene::new(30, &["abort"]);
    whole.run(2);
    let scene = Scene::new(30, &["abort"]);
    let mut done = 0;
    let parts: Vec<_> = (0..3)
        .map(|part| {
            let part = part.to_string();
            let said = scene.run_with(1, &[("FAKE_PARTS", "3"), ("FAKE_PART", &part)]);
            done += said.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
            let kept = scene.out().with_file_name(format!("part{part}"));
            std::fs::rename(scene.out(), &kept).unwrap();
            kept
        })
        .collect();
    assert_eq!(done, 30);
    let merged = pulmo_triage::merge(&scene.out(), &parts).unwrap();
    assert_eq!((merged.added, merged.equal, merged.conflicts.len()), (30, 0, 0));
    assert_eq!(without_fingerprints(&scene), without_fingerprints(&whole));
    let again = pulmo_triage::merge(&scene.out(), &parts).unwrap();
    assert_eq!((again.added, again.equal), (0, 30));
    // two ledgers that say different things of one study
    let other = rusqlite::Connection::open(parts[0].join("ledger.sqlite")).unwrap();
    let change = "UPDATE finding SET content = replace(content, '\"OK\"', '\"OK_WARN\"'), checksum = NULL";
    other.execute(change, []).unwrap();
    drop(other);
    let told = pulmo_triage::merge(&scene.out(), &parts).unwrap();
    assert!(!told.conflicts.is_empty());
    assert_eq!(without_fingerprints(&scene), without_fingerprints(&whole));
}

/// Files that are written anew have other times.
fn without_fingerprints(scene: &Scene) -> Vec<serde_json::Value> {
    let lines = scene.exported("results.jsonl");
    let without = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("fingerprint");
        line
    };
    lines.lines().map(without).collect()
}

#[test]
fn a_limit_ends_a_run_early_and_the_next_goes_on() {
    let scene = Scene::new(10, &[]);
    assert_eq!(scene.run_with(2, &[("FAKE_LIMIT", "4")]), "rows 4 of 10, new 4");
    assert_eq!(scene.run(2), "rows 10 of 10, new 6");
}

#[test]
fn what_still_arrives_is_waited_for() {
    let scene = Scene::new(3, &[]);
    assert_eq!(scene.run_with(1, &[("FAKE_SETTLE", "2")]), "rows 3 of 3, new 3");
}

#[test]
fn a_full_disk_is_waited_for() {
    let scene = Scene::new(3, &[]);
    scene.run(1);
    let ledger = scene.out().join("ledger.sqlite");
    let mut ledger = pulmo_triage::Ledger::open(&ledger).unwrap();
    ledger.limit_pages(Some(1)).unwrap();
    let key = |n: usize| pulmo_triage::StudyState { study: format!("s{n}"), fingerprint: "f".into() };
    let long = pulmo_triage::Finding { codes: vec!["X".repeat(20_000)], ..pulmo_triage::Finding::default() };
    let error = ledger.record(&key(1), 1, &long).unwrap_err();
    assert!(error.is_disk_full(), "{error}");
    ledger.limit_pages(None).unwrap();
    ledger.record(&key(1), 1, &long).unwrap();
    drop(ledger);
    assert_eq!(rows(&scene), 4);
    assert_eq!(scene.run(1), "rows 3 of 3, new 0");
}

#[test]
fn nothing_that_is_handed_on_names_a_patient() {
    let scene = Scene::new(6, &["panic", "garbage", "abort"]);
    scene.run(2);
    let files = bytes_below(&scene.out());
    assert!(files.len() > 6);
    for (path, bytes) in files {
        let is_local = path.file_name().unwrap().to_string_lossy().starts_with("map.sqlite");
        let has = bytes.windows(6).any(|part| part == b"CANARY");
        assert!(!has || is_local, "{}", path.display());
    }
    pulmo_triage::export(&scene.out(), pulmo_triage::Paths::Told).unwrap();
    assert!(scene.exported("worklist.csv").contains("CANARY^NAME"));
}

#[cfg(unix)]
#[test]
fn the_output_is_for_its_user_alone() {
    let scene = Scene::new(2, &[]);
    scene.run(1);
    let long =
        std::process::Command::new("find").arg(scene.out()).args(["-perm", "/077", "-type", "f"]).output();
    let open = String::from_utf8(long.unwrap().stdout).unwrap();
    let open: Vec<&str> = open.lines().collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_copy_taken_during_a_run_is_whole() {
    let scene = Scene::new(60, &[]);
    let mut run = scene.supervisor(2).env("FAKE_MS", "20").spawn().unwrap();
    let path = scene.out().join("ledger.sqlite");
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut copies = 0;
    while run.try_wait().unwrap().is_none() {
        let from = rusqlite::Connection::open(&path).unwrap();
        let copy = scene.out().with_file_name("copy.sqlite");
        _ = std::fs::remove_file(&copy);
        if from.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).is_ok() {
            let copy = rusqlite::Connection::open(&copy).unwrap();
            let sound: String = copy.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok");
            copies += 1;
        }
    }
    assert!(copies > 0);
    assert_eq!(rows(&scene), 60);
}
