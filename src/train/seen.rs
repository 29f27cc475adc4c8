//! Labelled cases as an engine sees them.

use std::ops::ControlFlow;

use super::TrainError;
use super::event::Event;
use super::sketch::{Glance, Sketch};
use crate::audit::{Properties, properties};
use crate::cohort::{Case, Failure, item_of};
use crate::engine::{Engine, Ready, SeenItem};
use crate::findings::{Code, Verdict};
use crate::intake::{Bounds, Claim, each_ahead};

/// Cases classified together at most: the same ones each time, whichever were read first, so that a GPU
/// repeats itself.
const TOGETHER: usize = 16;
/// Bytes of cases that wait for one another, beyond which they wait no longer.
const WAITING_BYTES: usize = 1 << 30;

/// A case that was read and preprocessed.
pub(super) struct SeenCase<'a> {
    pub(super) case: &'a Case,
    /// What simple classifiers see of it.
    pub(super) glance: Glance,
    pub(super) seen: SeenItem,
}

/// A case whose turn on the device has come.
struct ReadyCase<'a> {
    case: &'a Case,
    properties: Properties,
    ready: Ready,
}

/// Hands `cases`, as `engine` sees them, to `each`, a few at a time; returns those that failed, with those
/// of `each`.
///
/// # Errors
/// [`TrainError::NoCases`] where all failed.
pub(super) fn each_seen<'a>(
    engine: &Engine,
    cases: &'a [Case],
    observe: &(dyn Fn(Event) + Sync),
    mut each: impl FnMut(Vec<SeenCase<'a>>) -> Vec<Failure>,
) -> Result<Vec<Failure>, TrainError> {
    let (mut failures, mut few, mut bytes, mut done) = (Vec::new(), Vec::new(), 0, 0);
    let mut fail = |failure: Failure| {
        observe(Event::Failed(&failure));
        failures.push(failure);
    };
    let read = |case: &'a Case, claim: &mut Claim| {
        let read = read(engine, case, claim);
        claim.settle(read.as_ref().map_or(0, |read| read.ready.bytes()));
        read
    };
    each_ahead(cases.iter(), Bounds::default(), read, |some| {
        for read in some {
            done += 1;
            observe(Event::Loaded { done, total: cases.len() });
            bytes += read.as_ref().map_or(0, |read| read.ready.bytes());
            match read.and_then(|read| seen(engine, read)) {
                Ok(seen) => few.push(seen),
                Err(failure) => fail(failure),
            }
            if few.len() == TOGETHER || bytes >= WAITING_BYTES || done == cases.len() {
                bytes = 0;
                each(std::mem::take(&mut few)).into_iter().for_each(&mut fail);
            }
        }
        ControlFlow::Continue(())
    });
    match failures.first() {
        Some(first) if failures.len() == cases.len() => {
            Err(TrainError::NoCases { cases: cases.len(), first: first.clone() })
        }
        _ => Ok(failures),
    }
}

/// A case that cannot be used, by its verdict.
pub(super) fn refusal(case: &Case, verdict: &Verdict) -> Failure {
    Failure::of(case, verdict.reasons().first().cloned().unwrap_or(Code::Fault.into()))
}

fn read<'a>(engine: &Engine, case: &'a Case, claim: &mut Claim) -> Result<ReadyCase<'a>, Failure> {
    let item = item_of(case)?;
    claim.reserve(item.promised_bytes());
    let loaded = engine.load(&item).map_err(|verdict| refusal(case, &verdict))?;
    let properties = properties(&item, &loaded);
    Ok(ReadyCase { case, properties, ready: engine.ready(item.path, Ok(loaded)) })
}

fn seen<'a>(engine: &Engine, read: ReadyCase<'a>) -> Result<SeenCase<'a>, Failure> {
    let ReadyCase { case, properties, ready } = read;
    let seen = engine.see(ready);
    let voxels = engine.voxels(&seen).map_err(|verdict| refusal(case, &verdict))?;
    let glance = Glance { sketch: Sketch::of(voxels.voxels()), properties };
    Ok(SeenCase { case, glance, seen })
}
