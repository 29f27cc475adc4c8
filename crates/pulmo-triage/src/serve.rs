//! A worker's side: requests in, answers out.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::TriageError;
use crate::finding::WorkStage;
use crate::ledger::Method;
use crate::protocol::{Answer, FoundStudy, Place, Request, ScoredStudy, StudyRequest, Working};

/// What the process ends with where a thread of it panics.
const PANICKED: i32 = 101;

/// What a worker can do. It reads a series while it judges the one before.
pub trait StudyScorer: Sync {
    /// A series, read.
    type Series: Send;
    /// What was seen on it.
    type Seen;
    /// By what it scores.
    fn method(&self) -> Method;
    /// The studies that files in a folder belong to.
    fn list(&self, place: &Place) -> Vec<FoundStudy>;
    /// Reads a study, tells what it does and each series; returns the fingerprint of the files, taken before.
    fn read(&self, study: &StudyRequest, tell: &mut dyn FnMut(ReadStep<Self::Series>)) -> String;
    /// What is to be said about a series.
    fn judge(&self, series: Self::Series) -> Self::Seen;
    /// What is to be said about a study, of its fingerprint and what was seen on its series, in order.
    fn sum_up(&self, fingerprint: String, seen: Vec<Self::Seen>) -> ScoredStudy;
}

/// What is told while a study is read.
pub enum ReadStep<S> {
    /// What is done now.
    Stage(WorkStage),
    /// A series was read.
    Series(S),
}

/// Something that was read, on its way to be judged.
struct Piece<S> {
    study: String,
    content: Content<S>,
}

enum Content<S> {
    Series(S),
    /// All series of the study were handed on.
    End {
        fingerprint: String,
    },
}

/// Answers the requests on `input`, in order, until it ends. Then the process ends at once, whatever the worker is
/// at: whoever asked is gone, and nobody else would end a worker that hangs.
///
/// # Errors
/// [`TriageError::Protocol`] where a request is no line of the protocol.
pub fn serve<S: StudyScorer>(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    work: &S,
) -> Result<(), TriageError> {
    let requests = requests_of(input);
    let output = Mutex::new(output);
    say(&output, &Answer::Ready(work.method()));
    let (sender, pieces) = channel();
    // a series is handed on when the one before was judged: so at most one is judged and one is read or waits
    let (done, judged) = channel();
    _ = done.send(());
    std::thread::scope(|scope| {
        let _ends = EndsByPanic;
        let reader = Reader { work, output: &output, sender, judged, done: done.clone() };
        let reader = scope.spawn(move || {
            let _ends = EndsByPanic;
            reader.read_all(requests)
        });
        judge_all(work, &output, &pieces, &done);
        reader.join().unwrap_or(Err(TriageError::Protocol))
    })
}

/// Ends the process where its thread panics: the others would wait for it.
struct EndsByPanic;

impl Drop for EndsByPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::exit(PANICKED);
        }
    }
}

fn requests_of(input: impl BufRead + Send + 'static) -> Receiver<String> {
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        std::process::exit(0);
    });
    requests
}

struct Reader<'a, S: StudyScorer, W> {
    work: &'a S,
    output: &'a Mutex<W>,
    sender: Sender<Piece<S::Series>>,
    judged: Receiver<()>,
    done: Sender<()>,
}

impl<S: StudyScorer, W: Write> Reader<'_, S, W> {
    fn read_all(&self, requests: Receiver<String>) -> Result<(), TriageError> {
        for line in requests {
            match serde_json::from_str(&line).map_err(|_| TriageError::Protocol)? {
                Request::List(place) => {
                    self.work
                        .list(&place)
                        .into_iter()
                        .for_each(|found| say(self.output, &Answer::Found(found)));
                    say(self.output, &Answer::Listed);
                }
                Request::Score(study) => self.read(&study),
            }
        }
        Ok(())
    }

    fn read(&self, request: &StudyRequest) {
        let fingerprint = self.work.read(request, &mut |reading| match reading {
            ReadStep::Stage(stage) => tell_stage(self.output, &request.study, stage),
            ReadStep::Series(series) => self.hand_on(request, series),
        });
        let piece = Piece { study: request.study.clone(), content: Content::End { fingerprint } };
        _ = self.sender.send(piece);
    }

    /// Hands on a series, as soon as the one before was judged.
    fn hand_on(&self, request: &StudyRequest, series: S::Series) {
        let study = request.study.clone();
        if !request.alone {
            tell_stage(self.output, &study, WorkStage::Wait);
        }
        // where nobody judges any more, the process ends
        _ = self.judged.recv();
        _ = self.sender.send(Piece { study, content: Content::Series(series) });
        if request.alone {
            _ = self.judged.recv();
            _ = self.done.send(());
        }
    }
}

fn judge_all<S: StudyScorer>(
    work: &S,
    output: &Mutex<impl Write>,
    pieces: &Receiver<Piece<S::Series>>,
    done: &Sender<()>,
) {
    let mut seen = Vec::new();
    for Piece { study, content } in pieces {
        match content {
            Content::Series(series) => {
                tell_stage(output, &study, WorkStage::Predict);
                seen.push(work.judge(series));
                _ = done.send(());
            }
            Content::End { fingerprint } => {
                let scored = work.sum_up(fingerprint, std::mem::take(&mut seen));
                say(output, &Answer::Scored(Box::new(scored)));
            }
        }
    }
}

fn tell_stage(output: &Mutex<impl Write>, study: &str, stage: WorkStage) {
    say(output, &Answer::Stage(Working { study: study.to_owned(), stage }));
}

/// Whoever does not read any more has ended, which the end of `input` tells.
fn say(output: &Mutex<impl Write>, answer: &Answer) {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    _ = output.write_all(&line).and_then(|()| output.flush());
}
