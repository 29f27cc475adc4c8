//! The second half of a pass: each study that has no row gets one.

use std::collections::VecDeque;

use crate::TriageError;
use crate::context::{Context, Next, Tasks};
use crate::finding::{DeathCause, Finding, Poison};
use crate::ledger::{ArchiveStudy, StudyState, Tried};
use crate::pool::WorkerRoom;
use crate::protocol::{Answer, Request, ScoredStudy, StudyRequest};
use crate::settings::RunEvent;

/// Studies read from the ledger at once.
const AHEAD: usize = 256;
/// Workers that a study may end.
const MOST_DEATHS: usize = 2;
/// Times that somebody else may kill its worker.
const MOST_KILLS: usize = 5;
/// Times that the machine may go down while a study is worked on.
const MOST_REBOOTS: usize = 2;
/// Times that the run may end otherwise: often enough that it was the study.
const MOST_INTERRUPTIONS: usize = 10;

pub(crate) struct Scoring {
    ahead: VecDeque<ArchiveStudy>,
    last: String,
    again: Vec<StudyState>,
    leased: usize,
    changed: usize,
}

/// A study at which a worker is.
pub(crate) struct StudyTask {
    key: StudyState,
    is_alone: bool,
    attempt: i64,
    method: i64,
}

impl Scoring {
    pub(crate) fn new() -> Self {
        Self { ahead: VecDeque::new(), last: String::new(), again: Vec::new(), leased: 0, changed: 0 }
    }

    /// Studies whose files changed between listing and reading.
    pub(crate) fn changed(&self) -> usize {
        self.changed
    }

    /// The next study of this run that was not tried too often, and may have this room.
    fn due(
        &mut self,
        method: i64,
        room: WorkerRoom,
        context: &mut Context<'_>,
    ) -> Result<Option<Due>, TriageError> {
        if room != WorkerRoom::Behind
            && let Some(key) = self.again.pop()
        {
            let is_alone =
                room == WorkerRoom::Single || context.ledger.tried(&key, method)? != Tried::default();
            return Ok(Some(Due { key, is_alone }));
        }
        while !context.is_stopped() {
            if self.ahead.is_empty() {
                self.ahead = context.ledger.to_do(method, &self.last, AHEAD)?.into();
            }
            let Some(ArchiveStudy { key, poison, .. }) = self.ahead.pop_front() else { break };
            self.last.clone_from(&key.study);
            if !context.settings.part.has(&key.study) {
                continue;
            }
            if context.settings.limit.is_some_and(|limit| self.leased >= limit) {
                break;
            }
            self.leased += 1;
            let tried = context.ledger.tried(&key, method)?;
            let too_often = too_often(tried);
            let died = context.ledger.last_death(&key, method)?;
            match poison
                .or(too_often.map(|cause| died.unwrap_or(Poison { stage: None, cause, signal: None })))
            {
                Some(poison) => record(context, &key, method, &Finding::poisoned(poison))?,
                None if room == WorkerRoom::Behind && tried != Tried::default() => self.again.push(key),
                None => {
                    let is_alone = room == WorkerRoom::Single || tried != Tried::default();
                    return Ok(Some(Due { key, is_alone }));
                }
            }
        }
        Ok(None)
    }
}

/// A study that is to be scored.
struct Due {
    key: StudyState,
    is_alone: bool,
}

fn too_often(tried: Tried) -> Option<DeathCause> {
    if tried.died >= MOST_DEATHS {
        return Some(DeathCause::Ended);
    }
    let is_interrupted = tried.rebooted >= MOST_REBOOTS || tried.interrupted >= MOST_INTERRUPTIONS;
    (tried.killed >= MOST_KILLS)
        .then_some(DeathCause::Killed)
        .or(is_interrupted.then_some(DeathCause::Interrupted))
}

fn record(
    context: &mut Context<'_>,
    key: &StudyState,
    method: i64,
    finding: &Finding,
) -> Result<(), TriageError> {
    context.kept(|ledger, _| ledger.record(key, method, finding))?;
    context.recorded += 1;
    (context.tell)(RunEvent::Done { verdict: finding.verdict.clone() });
    Ok(())
}

impl Tasks for Scoring {
    type Task = StudyTask;

    fn next(&mut self, room: WorkerRoom, context: &mut Context<'_>) -> Result<Next<StudyTask>, TriageError> {
        let Some(method) = context.ledger.last_method()? else { return Ok(Next::Done) };
        if self.last.is_empty() && self.ahead.is_empty() && self.leased == 0 {
            tell_found(method, context)?;
        }
        let Some(Due { key, is_alone }) = self.due(method, room, context)? else { return Ok(Next::Done) };
        let attempt = context.kept(|ledger, _| ledger.begin(&key, method))?;
        Ok(Next::Task(StudyTask { key, is_alone, attempt, method }))
    }

    fn is_alone(&self, task: &StudyTask) -> bool {
        task.is_alone
    }

    fn request(&self, task: &StudyTask, context: &Context<'_>) -> Result<Request, TriageError> {
        let study = task.key.study.clone();
        let places = context.map.places(&study)?;
        Ok(Request::Score(StudyRequest { study, places, alone: task.is_alone }))
    }

    fn answer(
        &mut self,
        task: StudyTask,
        answer: Answer,
        context: &mut Context<'_>,
    ) -> Result<Option<StudyTask>, TriageError> {
        let Answer::Scored(scored) = answer else { return Ok(Some(task)) };
        let ScoredStudy { fingerprint, finding, acquired, peak_bytes } = *scored;
        context.worker_peak = context.worker_peak.max(peak_bytes.unwrap_or(0));
        if fingerprint == task.key.fingerprint {
            let study = &task.key.study;
            context.kept(|_, map| map.note_acquired(study, acquired.as_deref()))?;
            record(context, &task.key, task.method, &finding)?;
        } else {
            self.changed += 1;
            context.kept(|ledger, map| {
                map.forget(&task.key.study)?;
                ledger.abandon(task.attempt)
            })?;
        }
        Ok(None)
    }

    fn died(
        &mut self,
        task: StudyTask,
        poison: Poison,
        context: &mut Context<'_>,
    ) -> Result<(), TriageError> {
        context.kept(|ledger, _| ledger.died(task.attempt, poison))?;
        if too_often(context.ledger.tried(&task.key, task.method)?).is_none() {
            (context.tell)(RunEvent::Retried);
            self.again.push(task.key);
            return Ok(());
        }
        record(context, &task.key, task.method, &Finding::poisoned(poison))
    }

    fn returned(&mut self, task: StudyTask, context: &mut Context<'_>) -> Result<(), TriageError> {
        context.kept(|ledger, _| ledger.abandon(task.attempt))?;
        self.again.push(task.key);
        Ok(())
    }

    fn abandoned(&mut self, task: StudyTask, context: &mut Context<'_>) -> Result<(), TriageError> {
        context.ledger.abandon(task.attempt)
    }
}

fn tell_found(method: i64, context: &mut Context<'_>) -> Result<(), TriageError> {
    let part = context.settings.part;
    let (mut studies, mut done) = (0, 0);
    context.ledger.each_study(|study| studies += usize::from(part.has(study)))?;
    context.ledger.each_row(method, |row| {
        done += usize::from(part.has(&row.key.study));
        Ok(())
    })?;
    (context.tell)(RunEvent::Found { studies, done });
    Ok(())
}
