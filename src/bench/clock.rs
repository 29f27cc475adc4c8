//! Time.

use std::time::{Duration, Instant};

/// Time after which no further run of a figure is started, once there are enough.
const ENOUGH: Duration = Duration::from_secs(2);

/// Time below which short work is run more often than was asked for.
const SHORT: Duration = Duration::from_millis(200);

/// Runs before the clock counts, where they are short: a device compiles, tries kernels out and wakes up.
const WARM_UP: usize = 3;

/// Returns the median seconds of `runs` runs of `work`: fewer of long work, but three at least, and more of
/// short work. Up to three before are not counted.
///
/// # Errors
/// The first error of `work`.
pub(super) fn median_seconds<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    median_counted(runs, || {
        let begin = Instant::now();
        work()?;
        Ok(begin.elapsed())
    })
}

/// Returns the same for work that tells the time that counts, where some of it is made ready first.
///
/// # Errors
/// The first error of `work`.
pub(super) fn median_counted<E>(
    runs: usize,
    mut work: impl FnMut() -> Result<Duration, E>,
) -> Result<f64, E> {
    let start = Instant::now();
    for _ in 0..WARM_UP.min(runs.max(1)) {
        work()?;
        if start.elapsed() > ENOUGH {
            break;
        }
    }
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while goes_on(seconds.len(), runs.max(1), start.elapsed()) {
        seconds.push(work()?.as_secs_f64());
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Whether another run follows those `done`.
fn goes_on(done: usize, wanted: usize, elapsed: Duration) -> bool {
    let limit = if elapsed < SHORT { 10 * wanted } else { wanted };
    done < limit && (done < 3 || elapsed < ENOUGH)
}
