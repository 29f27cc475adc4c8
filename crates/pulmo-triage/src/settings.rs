//! How a run goes, and what it tells while it does.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pulmo_system::own_group;

use crate::ledger::Method;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folders to score.
    pub archives: Vec<PathBuf>,
    /// Whether links to folders are followed.
    pub follow_links: bool,
    /// The folder for the ledger and the exports.
    pub out: PathBuf,
    /// How a worker is started.
    pub worker: Spawn,
    /// Workers at a time.
    pub workers: Workers,
    /// How long a worker may take.
    pub deadlines: Deadlines,
    /// Which studies are this run's.
    pub part: Share,
    /// Most studies to score in this run; `None` for all.
    pub limit: Option<usize>,
    /// A folder of which a file changed so short a time ago is still arriving.
    pub settle: Duration,
    /// How long to wait before a full disk is tried again.
    pub pause: Duration,
    /// Set by whoever wants the run to end: it does so at once, and cleanly.
    pub stop: Arc<AtomicBool>,
    /// How long the archive may leave a question unanswered before deadlines count no more.
    pub silence: Duration,
    /// Whether the exports at the end say where the studies lie.
    pub paths: Paths,
    /// File for figures in Prometheus' text form.
    pub metrics: Option<PathBuf>,
}

/// Whether exports say where the studies lie, and when they were scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paths {
    /// No.
    #[default]
    LeftOut,
    /// Yes: they may name patients.
    Told,
}

/// How many workers there are at a time. The first one tells what it computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Where that is `cpu`.
    pub on_cpu: usize,
    /// Where that is a GPU.
    pub on_gpu: usize,
}

impl Workers {
    /// So many in any case.
    pub fn always(workers: usize) -> Self {
        Self { on_cpu: workers, on_gpu: workers }
    }

    /// How many there are where they compute by `method`.
    pub(crate) fn by(self, method: &Method) -> usize {
        if method.is_on_cpu() { self.on_cpu } else { self.on_gpu }
    }
}

/// How a worker is started.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// More arguments, which the workers get in turn: the first ones' is the first worker's. None for all alike.
    pub in_turn: Vec<Vec<OsString>>,
    /// Environment variables that it gets beside the supervisor's.
    pub environment: Vec<(OsString, OsString)>,
}

impl Spawn {
    /// The command of a worker, with pipes, in a process group of its own.
    pub(crate) fn command(&self, worker: usize) -> Command {
        let mut command = Command::new(&self.program);
        let in_turn = self.in_turn.get(worker % self.in_turn.len().max(1));
        command.args(&self.arguments).args(in_turn.into_iter().flatten());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        own_group(&mut command);
        command
    }
}

/// How long a worker may take, by a clock that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To be ready.
    pub start: Duration,
    /// To list a folder.
    pub folder: Duration,
    /// For one stage of one series: from one thing that the worker says of it to the next.
    pub series: Duration,
    /// For a study.
    pub study: Duration,
}

/// Ten minutes to start, to list a folder and for a study, five for one stage of a series.
impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self { start: minutes(10), folder: minutes(10), series: minutes(5), study: minutes(10) }
    }
}

/// One of several runs that share an archive: it scores the studies whose name falls to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Runs that share the archive.
    pub parts: u64,
    /// Which of them this is, from 0 on.
    pub id: u64,
}

/// The only run.
impl Default for Share {
    fn default() -> Self {
        Self { parts: 1, id: 0 }
    }
}

impl Share {
    /// Whether a study falls to this run.
    pub fn has(self, study: &str) -> bool {
        let number = study.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        number % self.parts.max(1) == self.id
    }
}

/// What a run tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunEvent {
    /// A worker is ready.
    Ready {
        /// Number of the method in the ledger.
        method: i64,
        /// What it computes on.
        device: String,
    },
    /// So many folders were looked at.
    Listed {
        /// Folders with files.
        folders: usize,
    },
    /// The studies are known.
    Found {
        /// Studies of this run.
        studies: usize,
        /// Those that have a row already.
        done: usize,
    },
    /// A study has its row.
    Done {
        /// Its verdict.
        verdict: String,
    },
    /// A worker ended with a study, which is tried again.
    Retried,
    /// Some folders could not be listed; what was known of them stays.
    Unlisted,
    /// The disk is full; the run waits.
    Paused,
    /// It goes on.
    Resumed,
    /// The archive does not answer; no deadline counts meanwhile.
    Silent,
    /// It answers again.
    Answers,
    /// Nothing new happened.
    Quiet,
}
