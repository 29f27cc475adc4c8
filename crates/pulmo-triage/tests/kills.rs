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
