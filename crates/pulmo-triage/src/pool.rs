//! The workers: started, asked, watched, killed and started again.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::TriageError;
use crate::finding::{DeathCause, Poison, WorkStage};
use crate::ledger::Method;
use crate::protocol::{Answer, Request};
use crate::settings::{Deadlines, Spawn};
use crate::system::end;

/// Workers that may end one after the other before they are ready.
const FAILED_STARTS: usize = 3;
/// Longest line that a worker may say: the names of a folder with some hundred thousand files.
const LONGEST_LINE: u64 = 64 << 20;
/// Lines of workers that wait to be read; then the workers wait.
const LINES_AHEAD: usize = 1024;

/// Signals that a program gets from others alone: SIGHUP, SIGINT, SIGKILL, SIGTERM.
const OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// What the workers did.
pub(crate) enum Happened {
    /// A worker said something to its request.
    Said { worker: usize, answer: Answer },
    /// A worker ended, with its request.
    Died { worker: usize, poison: Poison },
    /// A worker became ready for requests.
    Ready,
    /// Nothing, for some time.
    Nothing,
}

/// All workers.
pub(crate) struct Pool {
    spawn: Spawn,
    deadlines: Deadlines,
    workers: Vec<Worker>,
    sender: SyncSender<Line>,
    lines: Receiver<Line>,
    failed_starts: usize,
    /// What the first worker scores by.
    pub(crate) method: Option<Method>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    state: State,
    /// Tells the lines of this process from those of the one before.
    generation: usize,
    stage: Option<WorkStage>,
    trace: Trace,
}

/// What a worker's stderr told: 0 nothing, else one more than the cause's place in [`TRACES`].
type Trace = Arc<AtomicU8>;

/// What Rust programs say as they end, and what it means. Nothing else of stderr is kept.
const TRACES: [(&[u8], DeathCause); 3] = [
    (b"memory allocation of", DeathCause::Memory),
    (b"has overflowed its stack", DeathCause::Stack),
    (b"panicked at", DeathCause::Panic),
];

#[derive(Clone, Copy, PartialEq)]
enum State {
    Starting { until: Instant },
    Idle,
    Busy { until: Instant, stage_until: Option<Instant> },
}

impl State {
    fn until(self) -> Option<Instant> {
        match self {
            Self::Starting { until } => Some(until),
            Self::Idle => None,
            Self::Busy { until, stage_until } => Some(stage_until.map_or(until, |stage| stage.min(until))),
        }
    }
}

struct Line {
    worker: usize,
    generation: usize,
    said: Said,
}

enum Said {
    Answer(Box<Answer>),
    Garbage,
    End,
}

impl Pool {
    /// Starts the first worker.
    pub(crate) fn start(spawn: Spawn, deadlines: Deadlines) -> Result<Self, TriageError> {
        let (sender, lines) = sync_channel(LINES_AHEAD);
        let mut pool =
            Self { spawn, deadlines, workers: Vec::new(), sender, lines, failed_starts: 0, method: None };
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
        let mut child = self.spawn.command().spawn().map_err(cannot())?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(cannot()(std::io::ErrorKind::BrokenPipe.into()));
        };
        let sender = self.sender.clone();
        let trace = Trace::default();
        let seen = Arc::clone(&trace);
        let errors = std::thread::spawn(move || watch_errors(errors, &seen));
        std::thread::spawn(move || {
            read_lines(output, |said| sender.send(Line { worker, generation, said }).is_ok());
            // what it said as it ended counts
            _ = errors.join();
            _ = sender.send(Line { worker, generation, said: Said::End });
        });
        let until = Instant::now() + self.deadlines.start;
        Ok(Worker { child, input, state: State::Starting { until }, generation, stage: None, trace })
    }

    /// How many workers there are.
    pub(crate) fn size(&self) -> usize {
        self.workers.len()
    }

    /// The workers that wait for a request.
    pub(crate) fn idle(&self) -> Vec<usize> {
        let is_idle = |worker: &usize| self.workers[*worker].state == State::Idle;
        (0..self.workers.len()).filter(is_idle).collect()
    }

    /// Asks an idle worker. One that is gone is noticed by its end.
    pub(crate) fn ask(&mut self, worker: usize, request: &Request) {
        let (now, deadlines) = (Instant::now(), self.deadlines);
        let Some(asked) = self.workers.get_mut(worker) else { return };
        let (stage, until) = match request {
            Request::List(_) => (Some(WorkStage::List), now + deadlines.folder),
            Request::Score(_) => (None, now + deadlines.study),
        };
        asked.stage = stage;
        asked.state = State::Busy { until, stage_until: None };
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        _ = asked.input.write_all(&line).and_then(|()| asked.input.flush());
    }

    /// The worker has answered and may be asked again.
    pub(crate) fn answered(&mut self, worker: usize) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.state = State::Idle;
        }
    }

    /// Waits until something happens, at most for `longest`. What was said counts before a deadline does.
    pub(crate) fn next(&mut self, longest: Duration) -> Result<Happened, TriageError> {
        if let Ok(line) = self.lines.try_recv() {
            return self.take(line);
        }
        let now = Instant::now();
        let late = |worker: &Worker| worker.state.until().is_some_and(|until| until <= now);
        if let Some(worker) = self.workers.iter().position(late) {
            return self.replace(worker, Some(DeathCause::Deadline));
        }
        let next = self.workers.iter().filter_map(|worker| worker.state.until()).min();
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
        match (said, speaker.state) {
            (Said::End, _) => self.replace(worker, None),
            (Said::Answer(answer), State::Starting { .. }) => match *answer {
                Answer::Ready(method) => {
                    speaker.state = State::Idle;
                    self.failed_starts = 0;
                    self.agree(method)?;
                    Ok(Happened::Ready)
                }
                _ => self.replace(worker, Some(DeathCause::Garbage)),
            },
            (Said::Answer(answer), State::Busy { until, .. }) => {
                if let Answer::Stage(stage) = *answer {
                    speaker.stage = Some(stage);
                    speaker.state = State::Busy { until, stage_until: Some(Instant::now() + series) };
                    return Ok(Happened::Nothing);
                }
                Ok(Happened::Said { worker, answer: *answer })
            }
            _ => self.replace(worker, Some(DeathCause::Garbage)),
        }
    }

    fn agree(&mut self, method: Method) -> Result<(), TriageError> {
        let known = self.method.get_or_insert_with(|| method.clone());
        let is_same =
            Method { device: String::new(), ..known.clone() } == Method { device: String::new(), ..method };
        if is_same { Ok(()) } else { Err(TriageError::OtherMethod) }
    }

    /// Ends a worker for `cause`, or because it ended, and starts another in its place.
    pub(crate) fn replace(
        &mut self,
        worker: usize,
        cause: Option<DeathCause>,
    ) -> Result<Happened, TriageError> {
        let Some(ended) = self.workers.get_mut(worker) else { return Ok(Happened::Nothing) };
        let signal = end(&mut ended.child);
        let seen = ended.trace.load(Ordering::Acquire);
        let trace = usize::from(seen).checked_sub(1).and_then(|trace| TRACES.get(trace));
        let by_others = signal.filter(|signal| OUTSIDE.contains(signal)).map(|_| DeathCause::Killed);
        let cause = cause.or(trace.map(|(_, cause)| *cause)).or(by_others).unwrap_or(DeathCause::Ended);
        let poison = Poison { stage: ended.stage, cause, signal };
        let (state, generation) = (ended.state, ended.generation);
        if matches!(state, State::Starting { .. }) {
            self.failed_starts += 1;
            if self.failed_starts >= FAILED_STARTS {
                return Err(TriageError::NoWorker(self.failed_starts));
            }
        }
        let new = self.worker(worker, generation + 1)?;
        if let Some(place) = self.workers.get_mut(worker) {
            *place = new;
        }
        match state {
            State::Busy { .. } => Ok(Happened::Died { worker, poison }),
            _ => Ok(Happened::Nothing),
        }
    }
}

/// Ends all workers.
impl Drop for Pool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            end(&mut worker.child);
        }
    }
}

/// Hands on what a worker says, line by line, until it ends or nobody listens.
fn read_lines(output: impl Read, mut tell: impl FnMut(Said) -> bool) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if line.last() != Some(&b'\n') || read.is_err() {
            if !line.is_empty() {
                tell(Said::Garbage);
            }
            return;
        }
        let said =
            serde_json::from_slice(&line).map_or(Said::Garbage, |answer| Said::Answer(Box::new(answer)));
        if !tell(said) {
            return;
        }
    }
}

/// Looks in a worker's stderr for how it ended; what it says is dropped, as it may name patients.
fn watch_errors(errors: impl Read, trace: &AtomicU8) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        match errors.by_ref().take(4096).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let has = |sign: &[u8]| line.windows(sign.len()).any(|part| part == sign);
        if let Some(found) = (1..).zip(TRACES).find(|(_, (sign, _))| has(sign)).map(|(place, _)| place) {
            trace.store(found, Ordering::Release);
        }
    }
}
