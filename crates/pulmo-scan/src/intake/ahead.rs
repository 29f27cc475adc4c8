//! Work done ahead of its use: by several threads, in order, within a bound of bytes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Budget, Claim};

/// Least bytes that may be at work, and what is taken where the machine does not tell its memory.
const LEAST_BYTES: usize = 1 << 30;
/// Most bytes that may be at work: more does not make a run faster.
const MOST_BYTES: usize = 16 << 30;

/// How far ahead work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Threads.
    pub workers: usize,
    /// Bytes that items at work and results that wait may take together; one item is always allowed.
    pub bytes: usize,
    /// Most results handed over together.
    pub together: usize,
}

impl Default for Bounds {
    /// A thread for each core, a quarter of the free memory (1 to 16 GiB), 16 results.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let bytes = free_memory().map_or(LEAST_BYTES, |free| (free / 4).clamp(LEAST_BYTES, MOST_BYTES));
        Self { workers: cores, bytes, together: 16 }
    }
}

/// Bytes of memory that are free, as Linux tells it; `None` elsewhere.
pub fn free_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// Ends the run when dropped, so that workers stop also where `using` panics.
struct Ends<'a>(&'a Budget);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Does `work` on each item on several threads and hands the results to `using` on this one, in order
/// and as many together as are there, until it breaks off.
///
/// Work that takes much memory reserves it before, by the [`Claim`] that it is given, and settles what its
/// result takes; the claim ends when the result was used.
///
/// Threads of their own, not those of a pool: a thread of a pool that waits for room may hold up the
/// very work that would make it.
pub fn each_ahead<S: Send, T: Send>(
    items: impl Iterator<Item = S> + Send,
    bounds: Bounds,
    work: impl Fn(S, &mut Claim) -> T + Sync,
    mut using: impl FnMut(Vec<T>) -> ControlFlow<()>,
) {
    let budget = Budget::new(bounds.bytes);
    let source = Mutex::new(items.enumerate());
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..bounds.workers.max(1) {
            let (sender, budget, source, work) = (sender.clone(), &budget, &source, &work);
            scope.spawn(move || {
                let next = || source.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some((index, item)) = next() {
                    let mut claim = budget.claim(index);
                    let result = work(item, &mut claim);
                    if !claim.done() || sender.send((index, (result, claim))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let _ends = Ends(&budget);
        hand_over(&receiver, bounds.together, &mut using);
    });
}

/// Hands over results in the order of their indices.
fn hand_over<T, C>(
    receiver: &mpsc::Receiver<(usize, (T, C))>,
    together: usize,
    using: &mut impl FnMut(Vec<T>) -> ControlFlow<()>,
) {
    let (mut early, mut next) = (BTreeMap::new(), 0);
    while let Ok((index, result)) = receiver.recv() {
        early.insert(index, result);
        early.extend(receiver.try_iter());
        loop {
            let (mut results, mut claims) = (Vec::new(), Vec::new());
            while results.len() < together.max(1) {
                let Some((result, claim)) = early.remove(&next) else { break };
                results.push(result);
                claims.push(claim);
                next += 1;
            }
            if results.is_empty() {
                break;
            }
            if using(results).is_break() {
                return;
            }
            drop(claims);
            early.extend(receiver.try_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn used(bounds: Bounds, count: usize) -> Vec<usize> {
        let mut seen = Vec::new();
        each_ahead(
            0..count,
            bounds,
            |index, claim| {
                claim.reserve(100);
                std::thread::sleep(std::time::Duration::from_micros((index as u64 * 7919) % 400));
                index
            },
            |results| {
                assert!((1..=bounds.together).contains(&results.len()));
                seen.extend(results);
                ControlFlow::Continue(())
            },
        );
        seen
    }

    #[test]
    fn results_come_in_order_whatever_the_bounds() {
        for (workers, bytes, together) in [(1, 0, 1), (4, 0, 3), (4, 250, 16), (8, 1 << 20, 5)] {
            let seen = used(Bounds { workers, bytes, together }, 57);
            assert_eq!(seen, (0..57).collect::<Vec<_>>(), "{workers} {bytes} {together}");
        }
        assert!(used(Bounds::default(), 0).is_empty());
    }

    #[test]
    fn items_at_work_and_results_that_wait_stay_within_the_bound() {
        let there = AtomicUsize::new(0);
        let bounds = Bounds { workers: 8, bytes: 500, together: 2 };
        each_ahead(
            0..60,
            bounds,
            |index: usize, claim| {
                // every fifth is smaller in the end than it promised
                claim.reserve(100);
                assert!(there.fetch_add(100, Ordering::SeqCst) <= 400);
                std::thread::yield_now();
                if index.is_multiple_of(5) {
                    there.fetch_sub(90, Ordering::SeqCst);
                    claim.settle(10);
                }
                if index.is_multiple_of(5) { 10 } else { 100 }
            },
            |results| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                there.fetch_sub(results.iter().sum(), Ordering::SeqCst);
                ControlFlow::Continue(())
            },
        );
    }

    #[test]
    fn breaking_off_ends_the_work() {
        let done = AtomicUsize::new(0);
        let bounds = Bounds { workers: 3, bytes: 300, together: 1 };
        let mut seen = 0;
        each_ahead(
            0..10_000,
            bounds,
            |_, claim| {
                if claim.reserve(100) {
                    done.fetch_add(1, Ordering::SeqCst);
                }
            },
            |_| {
                seen += 1;
                if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(seen, 5);
        assert!(done.load(Ordering::SeqCst) < 30);
    }
}
