//! The ledger: what it keeps through restarts, damage and full disks, and what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; not every test needs all of the support"
)]

mod support;

use std::path::PathBuf;

use pulmo_triage::{Finding, Ledger, Method, StudyState, TriageError};
use support::Scene;

fn method() -> Method {
    Method {
        bundle: "b".into(),
        weights_sha256: "w".into(),
        chain_sha256: "c".into(),
        decision_sha256: "d".into(),
        pulmo: "0".into(),
        device: "cpu".into(),
    }
}

fn key(n: usize) -> StudyState {
    StudyState { study: format!("{n:064}"), fingerprint: "f".into() }
}

fn finding(n: usize) -> Finding {
    Finding { verdict: "OK".into(), codes: vec![format!("N_{n}")], ..Finding::default() }
}

/// Case 114: a study with which the machine goes down is given two tries, whoever else is at work.
#[test]
fn a_study_that_brings_down_the_machine_is_quarantined_after_two_tries() {
    let scene = Scene::new(5, &[]);
    scene.run(1);
    let ledger = rusqlite::Connection::open(scene.out().join("ledger.sqlite")).unwrap();
    let begun = "INSERT INTO attempt (study, fingerprint, method, boot)
        SELECT study, fingerprint, method, 'an earlier boot' FROM finding ORDER BY study LIMIT ?1";
    for _ in 0..2 {
        ledger.execute(begun, [1]).unwrap();
    }
    ledger.execute("DELETE FROM finding", []).unwrap();
    drop(ledger);
    assert_eq!(scene.run(1), "rows 5 of 5, new 5");
    let results = scene.exported("results.jsonl");
    assert_eq!(results.matches("\"POISON\"").count(), 1);
    assert_eq!(results.matches("INTERRUPTED").count(), 1);
}

/// Case 117: whatever is lost of the file that new rows are added to, a run of rows from the first one on is left.
#[test]
fn a_torn_tail_costs_the_rows_in_it_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let wal = folder.path().join("ledger.sqlite-wal");
    let mut ledger = Ledger::open(&path).unwrap();
    let id = ledger.method(&method()).unwrap();
    let before = std::fs::read(&wal).unwrap().len();
    (0..20).for_each(|n| ledger.record(&key(n), id, &finding(n)).unwrap());
    let (whole, tail) = (std::fs::read(&path).unwrap(), std::fs::read(&wal).unwrap());
    let copy = folder.path().join("copy.sqlite");
    let mut seen = std::collections::BTreeSet::new();
    for length in (before..=tail.len()).step_by(509).chain([tail.len()]) {
        std::fs::write(&copy, &whole).unwrap();
        std::fs::write(folder.path().join("copy.sqlite-wal"), &tail[..length]).unwrap();
        _ = std::fs::remove_file(folder.path().join("copy.sqlite-shm"));
        let torn = Ledger::open(&copy).unwrap();
        torn.check().unwrap();
        drop(torn);
        let torn = rusqlite::Connection::open(&copy).unwrap();
        let rows: Vec<String> = torn
            .prepare("SELECT study FROM finding ORDER BY id")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(rows.iter().enumerate().all(|(n, study)| *study == key(n).study));
        seen.insert(rows.len());
    }
    assert!(seen.len() > 10 && seen.contains(&20), "{seen:?}");
}

/// Case 117: a byte that changed in the middle is noticed, and told by the study's name.
#[test]
fn a_row_that_is_not_as_it_was_written_is_refused_by_name() {
    let scene = Scene::new(4, &[]);
    scene.run(1);
    let path = scene.out().join("ledger.sqlite");
    let ledger = rusqlite::Connection::open(&path).unwrap();
    let study: String =
        ledger.query_row("SELECT study FROM finding ORDER BY study LIMIT 1", [], |row| row.get(0)).unwrap();
    let flip = "UPDATE finding SET content = replace(content, 'nodule', 'nodulf') WHERE study = ?1";
    ledger.execute(flip, [&study]).unwrap();
    drop(ledger);
    let refused = pulmo_triage::export(&scene.out(), pulmo_triage::Paths::LeftOut).unwrap_err();
    assert!(matches!(&refused, TriageError::Damaged(name) if *name == study), "{refused}");
    // the advice helps
    let ledger = rusqlite::Connection::open(&path).unwrap();
    ledger.execute("DELETE FROM finding WHERE study = ?1", [&study]).unwrap();
    drop(ledger);
    assert_eq!(scene.run(1), "rows 4 of 4, new 1");
}

/// Case 117: pages that were overwritten are noticed before any work starts.
#[test]
fn a_ledger_with_damaged_pages_is_refused_before_work_starts() {
    let scene = Scene::new(40, &[]);
    scene.run(2);
    let path = scene.out().join("ledger.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8192].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let said = scene.run(1);
    assert!(said.starts_with("error: the ledger"), "{said}");
}

/// A ledger of the first schema is opened, keeps its rows and gets the new columns.
#[test]
fn an_older_ledger_is_migrated_and_a_later_one_refused() {
    let scene = Scene::new(3, &[]);
    scene.run(1);
    let path = scene.out().join("ledger.sqlite");
    let ledger = rusqlite::Connection::open(&path).unwrap();
    ledger
        .execute_batch(
            "ALTER TABLE finding DROP COLUMN checksum; ALTER TABLE method DROP COLUMN device;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(ledger);
    assert_eq!(scene.run(1), "rows 3 of 3, new 0");
    let ledger = rusqlite::Connection::open(&path).unwrap();
    ledger.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(ledger);
    assert!(matches!(Ledger::open(&path), Err(TriageError::Schema { found: 99, .. })));
}

/// Case 121: where nothing can be written, that is said before work starts.
#[test]
fn an_output_that_cannot_be_written_is_told_before_work_starts() {
    let scene = Scene::new(3, &[]);
    std::fs::write(scene.out(), "a file").unwrap();
    let said = scene.run(1);
    assert!(said.starts_with("error: cannot use"), "{said}");
}

/// Case 145: what is written is its user's alone, whatever the umask; an output that is a link is what it leads to.
#[cfg(unix)]
#[test]
fn an_open_umask_opens_nothing() {
    let scene = Scene::new(3, &[]);
    let run = scene.supervisor(1);
    let words: Vec<String> = std::iter::once(run.get_program())
        .chain(run.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let real = scene.out().with_file_name("real");
    let made = std::process::Command::new("ln").arg("-s").arg(&real).arg(scene.out()).status().unwrap();
    assert!(made.success());
    let script = format!("umask 000; mkdir '{}'; exec {}", real.display(), words.join(" "));
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "rows 3 of 3, new 3");
    let open = std::process::Command::new("find").arg(&real).args(["-type", "f", "-perm", "/077"]).output();
    let open = String::from_utf8(open.unwrap().stdout).unwrap();
    let open: Vec<PathBuf> = open.lines().map(PathBuf::from).collect();
    assert_eq!(open, Vec::<PathBuf>::new());
}
