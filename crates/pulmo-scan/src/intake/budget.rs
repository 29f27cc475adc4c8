//! A bound of bytes that several threads keep together.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that all items at work and all results that wait may take together.
///
/// Room is given in the order of turns, so that what is used next never waits for what comes later; an
/// item larger than the whole budget gets all of it, alone.
#[derive(Debug)]
pub struct Budget {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    peak: usize,
    /// The turn that gets room next.
    next: usize,
    /// Later turns that need no room.
    passed: BTreeSet<usize>,
    is_over: bool,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limit }
    }

    /// The claim of a turn; turns count from 0 on, and each is asked for once.
    pub fn claim(&self, turn: usize) -> Claim<'_> {
        Claim { budget: self, turn, bytes: 0, is_admitted: false }
    }

    /// Most bytes that were claimed at a time.
    pub fn peak(&self) -> usize {
        self.state().peak
    }

    /// Lets go of all who wait: nobody wants their work any more.
    pub fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is `turn`'s turn and there is room, then takes it; `false` where it is over.
    fn admit(&self, turn: usize, bytes: usize) -> bool {
        let must_wait = |state: &mut State| {
            let has_room = state.used == 0 || state.used.saturating_add(bytes) <= self.limit;
            !state.is_over && (state.next != turn || !has_room)
        };
        let waited = self.changed.wait_while(self.state(), must_wait);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return false;
        }
        state.take(bytes);
        state.pass(turn);
        drop(state);
        self.changed.notify_all();
        true
    }
}

impl State {
    fn take(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
        self.peak = self.peak.max(self.used);
    }

    fn pass(&mut self, turn: usize) {
        self.passed.insert(turn);
        while self.passed.remove(&self.next) {
            self.next += 1;
        }
    }
}

/// What one item takes of a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub struct Claim<'a> {
    budget: &'a Budget,
    turn: usize,
    bytes: usize,
    is_admitted: bool,
}

impl Claim<'_> {
    /// Waits until there is room for so many bytes, and takes it; `false` where nobody wants the work any
    /// more. To be asked once, before the bytes are there.
    pub fn reserve(&mut self, bytes: usize) -> bool {
        if self.is_admitted {
            self.settle(bytes);
            return true;
        }
        self.is_admitted = self.budget.admit(self.turn, bytes);
        self.bytes = if self.is_admitted { bytes } else { 0 };
        self.is_admitted
    }

    /// Ends the work: the turn passes also where nothing was reserved. `false` where nobody wants it any more.
    pub(super) fn done(&mut self) -> bool {
        let mut state = self.budget.state();
        let is_wanted = !state.is_over;
        if !self.is_admitted {
            self.is_admitted = true;
            state.pass(self.turn);
        }
        drop(state);
        self.budget.changed.notify_all();
        is_wanted
    }

    /// Says how many bytes are there in the end, without waiting.
    pub fn settle(&mut self, bytes: usize) {
        let mut state = self.budget.state();
        state.used = state.used.saturating_sub(self.bytes);
        state.take(bytes);
        drop(state);
        self.bytes = bytes;
        self.budget.changed.notify_all();
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.used = state.used.saturating_sub(self.bytes);
        if !self.is_admitted {
            state.pass(self.turn);
        }
        drop(state);
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_threads_keep_the_bound_together() {
        let budget = Budget::new(1000);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let budget = &budget;
                scope.spawn(move || {
                    for turn in (thread..80).step_by(8) {
                        let mut claim = budget.claim(turn);
                        assert!(claim.reserve(100 + 37 * turn % 250));
                        std::thread::yield_now();
                        claim.settle(50);
                    }
                });
            }
        });
        assert!((350..=1000).contains(&budget.peak()), "{}", budget.peak());
        assert_eq!(budget.state().used, 0);
    }

    #[test]
    fn what_is_larger_than_the_budget_runs_alone() {
        let budget = Budget::new(100);
        let alone = Mutex::new(0);
        std::thread::scope(|scope| {
            for turn in 0..6 {
                let (budget, alone) = (&budget, &alone);
                scope.spawn(move || {
                    let mut claim = budget.claim(turn);
                    assert!(claim.reserve(500));
                    *alone.lock().unwrap() += 1;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                    *alone.lock().unwrap() -= 1;
                    assert_eq!(*alone.lock().unwrap(), 0);
                });
            }
        });
        assert_eq!(budget.peak(), 500);
    }

    #[test]
    fn a_turn_that_needs_no_room_holds_up_nobody() {
        let budget = Budget::new(100);
        let second = budget.claim(1);
        drop(second);
        drop(budget.claim(0));
        assert!(budget.claim(2).reserve(100));
        budget.end();
        assert!(!budget.claim(3).reserve(1));
    }
}
