//! What a worker says on stdout and stderr.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::finding::DeathCause;
use crate::protocol::Answer;

/// Longest line that a worker may say: the names of a folder with some hundred thousand files.
const LONGEST_LINE: u64 = 64 << 20;

/// What a worker's stderr told: 0 nothing, else one more than the cause's place in [`TRACES`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<AtomicU8>);

/// What Rust programs say as they end, and what it means. Nothing else of stderr is kept.
const TRACES: [(&[u8], DeathCause); 3] = [
    (b"memory allocation of", DeathCause::Memory),
    (b"has overflowed its stack", DeathCause::Stack),
    (b"panicked at", DeathCause::Panic),
];

impl Trace {
    /// How the worker ended, by what it said.
    pub(crate) fn cause(&self) -> Option<DeathCause> {
        let trace = usize::from(self.0.load(Ordering::Acquire)).checked_sub(1);
        trace.and_then(|trace| TRACES.get(trace)).map(|(_, cause)| *cause)
    }
}

/// What a worker said.
pub(crate) enum Said {
    /// A line of the protocol.
    Answer(Box<Answer>),
    /// Something else.
    Garbage,
    /// Nothing more: it ended.
    End,
}

/// Hands on what a worker says, line by line, until it ends or nobody listens.
pub(crate) fn read_lines(output: impl Read, mut tell: impl FnMut(Said) -> bool) {
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
pub(crate) fn watch_errors(errors: impl Read, trace: &Trace) {
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
            trace.0.store(found, Ordering::Release);
        }
    }
}
