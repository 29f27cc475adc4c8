//! Time.

use std::time::{Duration, Instant};

/// Time after which no further run of a figure is started, once there are enough.
const ENOUGH: Duration = Duration::from_secs(2);

/// Returns the median seconds of at least `runs` runs of `work`, after one that is not counted.
///
/// # Errors
/// The first error of `work`.
pub(super) fn median_seconds<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < runs.max(1) && (seconds.len() < 3 || start.elapsed() < ENOUGH) {
        let begin = Instant::now();
        work()?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}
