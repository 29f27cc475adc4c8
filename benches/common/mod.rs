//! What the benches have in common: work timed in turn, and a table that compares.
//!
//! Plain programs and no criterion: criterion turns on features of crates that burn shares, and so
//! would build all of burn a second time for the tests.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table and fails by panicking"
)]
#![allow(dead_code, reason = "no bench uses all of it")]

use std::time::Instant;

use pulmo::phantom::{PhantomSettings, Study};
use rayon::ThreadPool;

/// Something to time.
pub(crate) struct Work<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
}

/// `run` under a name.
pub(crate) fn work<'a>(name: impl Into<String>, run: impl FnMut() + 'a) -> Work<'a> {
    Work { name: name.into(), run: Box::new(run) }
}

/// Runs all works in turn, once to warm up and then until a second is gone and five rounds are done,
/// and prints the median of each, what it means for `amount` of `unit`, and how often it fits into
/// the median of the first.
pub(crate) fn compare(title: &str, (amount, unit): (f64, &str), mut works: Vec<Work<'_>>) {
    works.iter_mut().for_each(|work| (work.run)());
    let mut seconds = vec![Vec::new(); works.len()];
    let start = Instant::now();
    while seconds[0].len() < 5 || (start.elapsed().as_secs_f64() < 1.0 && seconds[0].len() < 1000) {
        for (work, seconds) in works.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            (work.run)();
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    println!("\n{title}\n  {:44} {:>10} {:>12} {:>8}", "", "ms", format!("{unit}/s"), "x first");
    let medians: Vec<f64> = seconds.iter_mut().map(|seconds| median(seconds)).collect();
    for (work, median) in works.iter().zip(&medians) {
        let ratio = medians[0] / median;
        println!("  {:44} {:10.3} {:12.2} {ratio:8.2}", work.name, median * 1e3, amount / median);
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A pool of so many threads.
pub(crate) fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// A small chest phantom of 256 x 256.
pub(crate) fn phantom(index: usize) -> Study {
    let settings =
        PhantomSettings { matrix: Some(256), slice_spacing_mm: Some(2.5), ..PhantomSettings::default() };
    Study::generate(&settings, 99, index).unwrap()
}
