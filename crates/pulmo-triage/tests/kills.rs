//! A run that is killed at any moment, again and again, ends with the table of one that was not.
//!
//! `PULMO_KILLS` gives the number of kills; 40 if it is not set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; not every test needs all of the support"
)]

mod support;

use std::process::Command;
use std::time::Duration;

use support::{Scene, kill};

/// Numbers that look random, the same in every run of the test.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Process ids of the workers of a supervisor.
fn workers_of(supervisor: u32) -> Vec<String> {
    let children = format!("/proc/{supervisor}/task/{supervisor}/children");
    std::fs::read_to_string(children).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn kills_of_supervisors_and_workers_lose_and_double_nothing() {
    let kills: u64 = std::env::var("PULMO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let scene = Scene::new(120, &[]);
    scene.run_with(2, &[]);
    let undisturbed = scene.table();
    let kept = scene.out().with_file_name("undisturbed");
    std::fs::rename(scene.out(), kept).unwrap();

    let mut numbers = Numbers(kills);
    let mut made = 0;
    while made < kills {
        let mut run = scene.supervisor(2).env("FAKE_MS", "30").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(numbers.below(250)));
        for worker in workers_of(run.id()) {
            // of workers alone at times, of the supervisor alone at times, of both at times
            if numbers.below(8) == 0 {
                made += 1;
                _ = Command::new("kill").args(["-9", &worker]).status();
            }
        }
        std::thread::sleep(Duration::from_millis(numbers.below(100)));
        kill(&mut run);
        made += 1;
    }
    let said = scene.run(2);
    assert!(said.starts_with("rows 120 of 120"), "{said}");
    for (after, before) in scene.table().iter().zip(&undisturbed) {
        let differ = after.lines().zip(before.lines()).find(|(after, before)| after != before);
        assert!(differ.is_none(), "{differ:?}");
        assert_eq!(after.lines().count(), before.lines().count());
    }
    let ledger = rusqlite::Connection::open(scene.out().join("ledger.sqlite")).unwrap();
    let count =
        |what: &str| -> i64 { ledger.query_row(&format!("SELECT {what}"), [], |row| row.get(0)).unwrap() };
    assert_eq!(count("count(*) FROM finding"), 120);
    assert_eq!(count("count(*) FROM attempt"), 0);
}

/// Calls by which the supervisor changes files, and its output.
const CHANGES: &str = "pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink,mkdir";

/// Runs the supervisor under strace with an injection; `None` where there is no strace.
fn traced(scene: &Scene, injection: &str, more: &[(&str, &str)]) -> Option<std::process::Output> {
    let supervisor = scene.supervisor(1);
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={CHANGES}"), "-e"]);
    command.arg(format!("inject={CHANGES}:{injection}"));
    command.arg(supervisor.get_program()).args(supervisor.get_args()).envs(more.iter().copied());
    match command.output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("skipped: there is no strace on this machine");
            None
        }
    }
}

/// Each run is killed at the k-th of its calls, for k = 1, 2 ... until one ends by itself.
#[cfg(target_os = "linux")]
#[test]
fn a_kill_at_every_write_sync_and_rename_changes_nothing() {
    let scene = Scene::new(4, &["at-20240101"]);
    scene.run(1);
    let undisturbed = scene.table();
    std::fs::rename(scene.out(), scene.out().with_file_name("undisturbed")).unwrap();
    let step: usize = std::env::var("PULMO_KILL_STEP").map_or(7, |text| text.parse().unwrap());
    let (mut at, mut kills) = (1, 0);
    loop {
        let Some(output) = traced(&scene, &format!("signal=KILL:when={at}"), &[]) else { return };
        if output.status.success() {
            break;
        }
        kills += 1;
        assert!(kills < 2000, "it never ends");
        scene.run(1);
        for (after, before) in scene.table().iter().zip(&undisturbed) {
            assert_eq!(after, before, "killed at call {at}");
        }
        std::fs::remove_dir_all(scene.out()).unwrap();
        at += step;
    }
    eprintln!("killed {kills} times, at every {step}th call");
    assert!(kills * step > 50, "{kills} kills");
}

/// Cases 115, 116: the disk is full for some calls, a call is interrupted or fails: told, or gone on, nothing lost.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_for_a_while_is_waited_for_and_other_faults_leave_a_sound_ledger() {
    let scene = Scene::new(6, &[]);
    scene.run(1);
    let undisturbed = scene.table();
    let (mut paused, mut refused) = (0, 0);
    for fault in ["ENOSPC", "EIO", "EINTR"] {
        for first in (5..200).step_by(13) {
            std::fs::remove_dir_all(scene.out()).unwrap();
            let injection = format!("error={fault}:when={first}..{}", first + 3);
            let Some(output) = traced(&scene, &injection, &[]) else { return };
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            paused += usize::from(said.contains("paused") && said.contains("resumed"));
            refused += usize::from(said.contains("error"));
            scene.run(1);
            for (after, before) in scene.table().iter().zip(&undisturbed) {
                assert_eq!(after, before, "{fault} from call {first} on: {said}");
            }
        }
    }
    eprintln!("paused and resumed {paused} times, refused {refused} times");
    assert!(paused > 3, "{paused}");
}

/// The archive leaves questions unanswered for longer than a study may take: no study is blamed for that.
#[cfg(target_os = "linux")]
#[test]
fn an_archive_that_does_not_answer_for_a_while_is_waited_for() {
    // one takes eight seconds of the four that it may, and is waited for while nobody answers
    let scene = Scene::new(12, &["read-slow"]);
    let supervisor = scene.supervisor(2);
    let mut command = Command::new("strace");
    // every look of a process or thread at the archive's folder, from its second on, takes six seconds
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat", "-P"]).arg(scene.archive());
    command.args(["-e", "inject=openat:delay_enter=6000000:when=2"]);
    command.arg(supervisor.get_program()).args(supervisor.get_args());
    command.envs([("FAKE_SILENCE", "1"), ("FAKE_SECONDS", "4")]);
    let Ok(output) = command.output() else {
        return eprintln!("skipped: there is no strace on this machine");
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("silent\nanswers\n"), "{said}");
    assert!(said.contains("rows 12 of 12, new 12"), "{said}");
    assert!(!said.contains("retried") && !scene.exported("results.jsonl").contains("POISON"), "{said}");
}
