//! The workers: started, asked, watched, killed and started again.

use std::collections::VecDeque;
use std::io::Write;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use pulmo_system::{ChildEnd, end, end_all};

use crate::TriageError;
use crate::finding::{DeathCause, Poison, WorkStage};
use crate::ledger::Method;
use crate::pipes::{Said, Trace, read_lines, watch_errors};
use crate::protocol::{Answer, Request, Working};
use crate::settings::{Deadlines, Spawn};

/// Workers that may end one after the other before they are ready.
const FAILED_STARTS: usize = 3;
/// Lines of workers that wait to be read; then the workers wait.
const LINES_AHEAD: usize = 1024;

/// Signals that a program gets from others alone: SIGHUP, SIGINT, SIGKILL, SIGTERM.
const OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// Studies that a worker is given at a time where it computes on a GPU: one is read while the other is judged.
const READ_AHEAD: usize = 2;

/// What the workers did.
pub(crate) enum Happened {
    /// A worker said something to the first of its requests.
    Said { worker: usize, answer: Answer },
    /// A worker ended; for each of its requests, in order, how that counts against it, if it does.
    Died { worker: usize, deaths: Vec<Option<Poison>> },
    /// A worker became ready for requests.
    Ready,
    /// Nothing, for some time.
    Nothing,
}

/// For what a worker has room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WorkerRoom {
    /// For the one request that it is given at a time.
    Single,
    /// For the first of several.
    First,
    /// For one behind another.
    Behind,
}

/// All workers.
pub(crate) struct Pool {
    spawn: Spawn,
    deadlines: Deadlines,
    workers: Vec<Worker>,
    sender: SyncSender<Line>,
    lines: Receiver<Line>,
    failed_starts: usize,
    /// Since when no deadline counts.
    held: Option<Instant>,
    /// What the first worker scores by.
    pub(crate) method: Option<Method>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    /// Until when it is to be ready; `None` once it is.
    starting: Option<Instant>,
    /// Requests that it is given at a time.
    depth: usize,
    slots: VecDeque<Slot>,
    /// Tells the lines of this process from those of the one before.
    generation: usize,
    trace: Trace,
}

/// A request that a worker has not answered.
struct Slot {
    /// The study that it is about; `None` of a folder.
    study: Option<String>,
    stage: Option<WorkStage>,
    /// Until when it is to be answered; `None` while it is behind another.
    until: Option<Instant>,
    /// Until when the worker is to say what it does next.
    stage_until: Option<Instant>,
}

impl Worker {
    fn until(&self) -> Option<Instant> {
        let slots = self.slots.iter().filter_map(Slot::ends);
        slots.chain(self.starting).min()
    }

    /// Makes the request that is now the first one's time begin.
    fn begin_first(&mut self, deadlines: Deadlines) {
        if let Some(first) = self.slots.front_mut() {
            let now = Instant::now();
            let longest = if first.study.is_some() { deadlines.study } else { deadlines.folder };
            first.until = Some(now + longest);
            let is_begun = first.study.is_some() && first.stage.is_some();
            first.stage_until = is_begun.then(|| now + deadlines.series);
        }
    }
}

impl Slot {
    fn ends(&self) -> Option<Instant> {
        self.until.into_iter().chain(self.stage_until).min()
    }
}

/// A worker that has room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FreeWorker {
    /// Which.
    pub(crate) worker: usize,
    /// For what.
    pub(crate) room: WorkerRoom,
}

struct Line {
    worker: usize,
    generation: usize,
    said: Said,
}

impl Pool {
    /// Starts the first worker.
    pub(crate) fn start(spawn: Spawn, deadlines: Deadlines) -> Result<Self, TriageError> {
        let (sender, lines) = sync_channel(LINES_AHEAD);
        let mut pool = Self {
            spawn,
            deadlines,
            workers: Vec::new(),
            sender,
            lines,
            failed_starts: 0,
            held: None,
            method: None,
        };
        pool.grow(1)?;
        Ok(pool)
    }

    /// Starts workers until there are so many.
    pub(crate) fn grow(&mut self, workers: usize) -> Result<(), TriageError> {
        for worker in self.workers.len()..workers {
            let started = self.worker(worker, 0)?;
            self.workers.push(started);
        }
        Ok(())
    }

    fn worker(&self, worker: usize, generation: usize) -> Result<Worker, TriageError> {
        let cannot = || TriageError::file(&self.spawn.program);
        let mut child = self.spawn.command(worker).spawn().map_err(cannot())?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(cannot()(std::io::ErrorKind::BrokenPipe.into()));
        };
        let sender = self.sender.clone();
        let trace = Trace::default();
        let seen = trace.clone();
        let errors = std::thread::spawn(move || watch_errors(errors, &seen));
        std::thread::spawn(move || {
            read_lines(output, |said| sender.send(Line { worker, generation, said }).is_ok());
            // what it said as it ended counts
            _ = errors.join();
            _ = sender.send(Line { worker, generation, said: Said::End });
        });
        let starting = Some(Instant::now() + self.deadlines.start);
        Ok(Worker { child, input, starting, depth: 1, slots: VecDeque::new(), generation, trace })
    }

    /// How many workers there are.
    pub(crate) fn size(&self) -> usize {
        self.workers.len()
    }

    /// The workers that have room for a request, those with none before it first.
    pub(crate) fn free(&self) -> Vec<FreeWorker> {
        let room = |worker: &Worker| match (worker.slots.len(), worker.depth) {
            _ if worker.starting.is_some() => None,
            (0, 1) => Some(WorkerRoom::Single),
            (0, _) => Some(WorkerRoom::First),
            (waiting, depth) => (waiting < depth).then_some(WorkerRoom::Behind),
        };
        let workers = self.workers.iter().enumerate();
        let mut free: Vec<FreeWorker> =
            workers.filter_map(|(worker, known)| Some(FreeWorker { worker, room: room(known)? })).collect();
        free.sort_by_key(|free| free.room == WorkerRoom::Behind);
        free
    }

    /// Asks a worker. One that is gone is noticed by its end.
    pub(crate) fn ask(&mut self, worker: usize, request: &Request) {
        let deadlines = self.deadlines;
        let Some(asked) = self.workers.get_mut(worker) else { return };
        let (stage, study) = match request {
            Request::List(_) => (Some(WorkStage::List), None),
            Request::Score(study) => (None, Some(study.study.clone())),
        };
        asked.slots.push_back(Slot { study, stage, until: None, stage_until: None });
        if asked.slots.len() == 1 {
            asked.begin_first(deadlines);
        }
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        _ = asked.input.write_all(&line).and_then(|()| asked.input.flush());
    }

    /// The worker has answered the first of its requests.
    pub(crate) fn answered(&mut self, worker: usize) {
        let deadlines = self.deadlines;
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.slots.pop_front();
            worker.begin_first(deadlines);
        }
    }

    /// From now on no deadline counts: what workers wait for does not answer.
    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_with(Instant::now);
    }

    /// Whether no deadline counts.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Deadlines count again, later by as long as they did not and by `unnoticed`, for which that was not known.
    pub(crate) fn go_on(&mut self, unnoticed: Duration) {
        let Some(since) = self.held.take() else { return };
        let deadlines_late_by = since.elapsed() + unnoticed;
        let later = |until: &mut Option<Instant>| *until = until.map(|until| until + deadlines_late_by);
        for worker in &mut self.workers {
            later(&mut worker.starting);
            for slot in &mut worker.slots {
                later(&mut slot.until);
                later(&mut slot.stage_until);
            }
        }
    }

    /// Waits until something happens, at most for `longest`. What was said counts before a deadline does.
    pub(crate) fn next(&mut self, longest: Duration) -> Result<Happened, TriageError> {
        if let Ok(line) = self.lines.try_recv() {
            return self.take(line);
        }
        let now = Instant::now();
        let next = self.workers.iter().filter_map(Worker::until).min().filter(|_| self.held.is_none());
        if next.is_some_and(|until| until <= now) {
            let late = |worker: &Worker| worker.until().is_some_and(|until| until <= now);
            let late = self.workers.iter().position(late).unwrap_or(0);
            return self.replace(late, Some(DeathCause::Deadline));
        }
        let wait = next.map_or(longest, |until| longest.min(until - now));
        match self.lines.recv_timeout(wait) {
            Ok(line) => self.take(line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(Happened::Nothing),
        }
    }

    fn take(&mut self, Line { worker, generation, said }: Line) -> Result<Happened, TriageError> {
        let series = self.deadlines.series;
        let Some(speaker) = self.workers.get_mut(worker).filter(|known| known.generation == generation)
        else {
            return Ok(Happened::Nothing);
        };
        match said {
            Said::End => self.replace(worker, None),
            Said::Answer(answer) => match *answer {
                Answer::Ready(method) if speaker.starting.is_some() => {
                    speaker.starting = None;
                    speaker.depth = if method.is_on_cpu() { 1 } else { READ_AHEAD };
                    self.failed_starts = 0;
                    self.agree(method)?;
                    Ok(Happened::Ready)
                }
                Answer::Stage(working) if speaker.says(&working, series) => Ok(Happened::Nothing),
                Answer::Found(_) | Answer::Listed | Answer::Scored(_) if !speaker.slots.is_empty() => {
                    Ok(Happened::Said { worker, answer: *answer })
                }
                _ => self.replace(worker, Some(DeathCause::Garbage)),
            },
            Said::Garbage => self.replace(worker, Some(DeathCause::Garbage)),
        }
    }

    fn agree(&mut self, method: Method) -> Result<(), TriageError> {
        let known = self.method.get_or_insert_with(|| method.clone());
        let is_same =
            Method { device: String::new(), ..known.clone() } == Method { device: String::new(), ..method };
        if is_same { Ok(()) } else { Err(TriageError::OtherMethod) }
    }

    /// Ends a worker for `cause`, or because it ended, and starts another in its place.
    fn replace(&mut self, worker: usize, cause: Option<DeathCause>) -> Result<Happened, TriageError> {
        let Some(ended) = self.workers.get_mut(worker) else { return Ok(Happened::Nothing) };
        let now = Instant::now();
        let end = end(&mut ended.child);
        let cause =
            cause.or_else(|| ended.trace.cause()).or_else(|| told_by(end)).unwrap_or(DeathCause::Ended);
        // a request that is late is known; else it may have been any
        let is_late = |slot: &Slot| slot.ends().is_some_and(|until| until <= now);
        let one_is_late = cause == DeathCause::Deadline && ended.slots.iter().any(is_late);
        let counts = |slot: &Slot| !one_is_late || is_late(slot);
        let poison = |slot: &Slot| Poison { stage: slot.stage, cause, signal: end.signal };
        let deaths: Vec<Option<Poison>> =
            ended.slots.iter().map(|slot| counts(slot).then(|| poison(slot))).collect();
        if ended.starting.is_some() {
            self.failed_starts += 1;
            if self.failed_starts >= FAILED_STARTS {
                return Err(TriageError::NoWorker(self.failed_starts));
            }
        }
        let generation = ended.generation + 1;
        let new = self.worker(worker, generation)?;
        if let Some(place) = self.workers.get_mut(worker) {
            *place = new;
        }
        Ok(if deaths.is_empty() { Happened::Nothing } else { Happened::Died { worker, deaths } })
    }
}

impl Worker {
    /// Notes what the worker does with a study; `false` where it was not asked for that.
    fn says(&mut self, working: &Working, longest: Duration) -> bool {
        let is_first = self.slots.front().is_some_and(|first| first.study.as_ref() == Some(&working.study));
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.study.as_ref() == Some(&working.study))
        else {
            return false;
        };
        let is_waiting = working.stage == WorkStage::Wait;
        if !is_waiting || slot.stage.is_none() {
            slot.stage = Some(working.stage);
        }
        // what waits behind another waits for that
        slot.stage_until = (is_first || !is_waiting).then(|| Instant::now() + longest);
        true
    }
}

/// How a worker ended, by what the system says.
fn told_by(end: ChildEnd) -> Option<DeathCause> {
    let by_others = end.signal.filter(|signal| OUTSIDE.contains(signal)).map(|_| DeathCause::Killed);
    end.is_out_of_memory.then_some(DeathCause::Memory).or(by_others)
}

/// Ends all workers.
impl Drop for Pool {
    fn drop(&mut self) {
        end_all(self.workers.iter_mut().map(|worker| &mut worker.child));
    }
}
