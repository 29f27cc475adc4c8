//! Work done ahead of its use: by several threads, in order, within a bound of bytes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

/// How far ahead work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Threads.
    pub workers: usize,
    /// Bytes of results that may wait; one result is always allowed.
    pub bytes: usize,
    /// Most results handed over together.
    pub together: usize,
}

impl Default for Bounds {
    /// A thread for each core, 1 GiB, 16 results.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { workers: cores, bytes: 1 << 30, together: 16 }
    }
}

/// What waits to be used.
#[derive(Default)]
struct Waiting {
    bytes: usize,
    /// The index that is used next: its work is never held back.
    next: usize,
}

struct Gate {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    limit: usize,
    is_over: AtomicBool,
}

impl Gate {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Waits until work on `index` may start; `false` where nobody wants it any more.
    fn admits(&self, index: usize) -> bool {
        let held_back = |waiting: &mut Waiting| {
            waiting.bytes >= self.limit && waiting.next != index && !self.is_over.load(Ordering::Relaxed)
        };
        let guard = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(guard, held_back).unwrap_or_else(PoisonError::into_inner));
        !self.is_over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.change(|_| ());
    }
}

/// Ends the run when dropped, so that workers stop also where `using` panics.
struct Ends<'a>(&'a Gate);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Does `work` on each of `count` indices on several threads and hands the results to `using` on this
/// one, in order and as many together as are there, until it breaks off. `bytes` tells a result's size.
pub(super) fn each_ahead<T: Send>(
    count: usize,
    bounds: Bounds,
    work: impl Fn(usize) -> (usize, T) + Sync,
    mut using: impl FnMut(Vec<T>) -> ControlFlow<()>,
) {
    let gate = Gate {
        waiting: Mutex::default(),
        changed: Condvar::new(),
        limit: bounds.bytes,
        is_over: AtomicBool::new(false),
    };
    let started = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..bounds.workers.clamp(1, count.max(1)) {
            let (sender, gate, started, work) = (sender.clone(), &gate, &started, &work);
            scope.spawn(move || {
                loop {
                    let index = started.fetch_add(1, Ordering::Relaxed);
                    if index >= count || !gate.admits(index) {
                        return;
                    }
                    let (bytes, result) = work(index);
                    gate.change(|waiting| waiting.bytes += bytes);
                    if sender.send((index, bytes, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let _ends = Ends(&gate);
        let mut early = BTreeMap::new();
        let mut next = 0;
        while let Ok((index, bytes, result)) = receiver.recv() {
            early.insert(index, (bytes, result));
            early.extend(receiver.try_iter().map(|(index, bytes, result)| (index, (bytes, result))));
            loop {
                let (mut results, mut used) = (Vec::new(), 0);
                while results.len() < bounds.together {
                    let Some((bytes, result)) = early.remove(&next) else { break };
                    results.push(result);
                    used += bytes;
                    next += 1;
                }
                if results.is_empty() {
                    break;
                }
                if using(results).is_break() {
                    return;
                }
                gate.change(|waiting| (waiting.bytes, waiting.next) = (waiting.bytes - used, next));
                early.extend(receiver.try_iter().map(|(index, bytes, result)| (index, (bytes, result))));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bounds: Bounds, count: usize) -> Vec<usize> {
        let mut seen = Vec::new();
        each_ahead(
            count,
            bounds,
            |index| {
                std::thread::sleep(std::time::Duration::from_micros((index as u64 * 7919) % 400));
                (100, index)
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
    fn waiting_results_stay_within_the_bound() {
        let waiting = AtomicUsize::new(0);
        let bounds = Bounds { workers: 4, bytes: 500, together: 2 };
        each_ahead(
            60,
            bounds,
            |_| {
                // Four threads may each have passed the gate just before the bound was reached.
                assert!(waiting.fetch_add(100, Ordering::SeqCst) <= 500 + 4 * 100);
                (100, ())
            },
            |results| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                waiting.fetch_sub(100 * results.len(), Ordering::SeqCst);
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
            10_000,
            bounds,
            |_| {
                done.fetch_add(1, Ordering::SeqCst);
                (100, ())
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
