//! A worker's side: requests in, answers out.

use std::io::{BufRead, Write};
use std::sync::mpsc::channel;

use crate::TriageError;
use crate::finding::WorkStage;
use crate::ledger::Method;
use crate::protocol::{Answer, FoundStudy, Place, Request, ScoredStudy, StudyRequest};

/// What a worker can do.
pub trait StudyScorer {
    /// By what it scores.
    fn method(&self) -> Method;
    /// The studies that files in a folder belong to.
    fn list(&mut self, place: &Place) -> Vec<FoundStudy>;
    /// What is to be said about a study; tells what it does meanwhile.
    fn score(&mut self, study: &StudyRequest, stage: &mut dyn FnMut(WorkStage)) -> ScoredStudy;
}

/// Answers the requests on `input`, one after the other, until it ends. Then the process ends at once, whatever the
/// worker is at: whoever asked is gone, and nobody else would end a worker that hangs.
///
/// # Errors
/// [`TriageError::Protocol`] where a request is no line of the protocol.
pub fn serve(
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
    work: &mut impl StudyScorer,
) -> Result<(), TriageError> {
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        std::process::exit(0);
    });
    say(&mut output, &Answer::Ready(work.method()));
    for line in requests {
        match serde_json::from_str(&line).map_err(|_| TriageError::Protocol)? {
            Request::List(place) => {
                work.list(&place).into_iter().for_each(|found| say(&mut output, &Answer::Found(found)));
                say(&mut output, &Answer::Listed);
            }
            Request::Score(study) => {
                let scored = work.score(&study, &mut |stage| say(&mut output, &Answer::Stage(stage)));
                say(&mut output, &Answer::Scored(Box::new(scored)));
            }
        }
    }
    Ok(())
}

/// Whoever does not read any more has ended, which the end of `input` tells.
fn say(output: &mut impl Write, answer: &Answer) {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    _ = output.write_all(&line).and_then(|()| output.flush());
}
