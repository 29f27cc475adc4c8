//! What the parts of a run share, and how work is leased.

use std::sync::atomic::Ordering;
use std::time::Instant;

use pulmo_key::SecretKey;

use crate::TriageError;
use crate::finding::Poison;
use crate::folder_map::FolderMap;
use crate::ledger::Ledger;
use crate::pool::WorkerRoom;
use crate::protocol::{Answer, Request};
use crate::settings::{RunEvent, Settings};

/// What workers are asked for: leases one task after the other.
pub(crate) trait Tasks {
    /// A task.
    type Task;
    /// The next task, for a worker with this room.
    fn next(&mut self, room: WorkerRoom, context: &mut Context<'_>) -> Result<Next<Self::Task>, TriageError>;
    /// Whether a worker that has the task is given nothing else.
    fn is_alone(&self, task: &Self::Task) -> bool;
    /// What a worker is asked for it.
    fn request(&self, task: &Self::Task, context: &Context<'_>) -> Result<Request, TriageError>;
    /// Takes an answer; `Some` hands the task back, as more is to come.
    fn answer(
        &mut self,
        task: Self::Task,
        answer: Answer,
        context: &mut Context<'_>,
    ) -> Result<Option<Self::Task>, TriageError>;
    /// The worker ended.
    fn died(
        &mut self,
        task: Self::Task,
        poison: Poison,
        context: &mut Context<'_>,
    ) -> Result<(), TriageError>;
    /// The worker ended by another's fault.
    fn returned(&mut self, task: Self::Task, context: &mut Context<'_>) -> Result<(), TriageError>;
    /// The run ends while a worker is at a task.
    fn abandoned(&mut self, task: Self::Task, context: &mut Context<'_>) -> Result<(), TriageError>;
}

/// What comes next.
pub(crate) enum Next<T> {
    /// A task.
    Task(T),
    /// Something may come, to a worker with this room.
    Wait,
    /// Nothing, unless a task that is leased comes back.
    Done,
}

/// What the parts of a run share.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) ledger: Ledger,
    pub(crate) map: FolderMap,
    pub(crate) key: SecretKey,
    pub(crate) tell: &'a mut dyn FnMut(RunEvent),
    pub(crate) started: Instant,
    /// Studies that got their row in this run.
    pub(crate) recorded: usize,
    /// Workers at a time.
    pub(crate) workers: usize,
    /// The most memory that a worker used.
    pub(crate) worker_peak: u64,
    pub(crate) measured: Option<Instant>,
}

impl Context<'_> {
    /// Whether the run is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.settings.stop.load(Ordering::Relaxed)
    }

    /// Writes something, as often as it takes while the disk is full.
    pub(crate) fn kept<T>(
        &mut self,
        mut write: impl FnMut(&mut Ledger, &mut FolderMap) -> Result<T, TriageError>,
    ) -> Result<T, TriageError> {
        let mut is_paused = false;
        loop {
            match write(&mut self.ledger, &mut self.map) {
                Err(error) if error.is_disk_full() && !self.is_stopped() => {
                    if !is_paused {
                        (self.tell)(RunEvent::Paused);
                    }
                    is_paused = true;
                    std::thread::sleep(self.settings.pause);
                }
                written => {
                    if is_paused {
                        (self.tell)(RunEvent::Resumed);
                    }
                    return written;
                }
            }
        }
    }
}
