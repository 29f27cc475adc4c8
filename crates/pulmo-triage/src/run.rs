//! A run: list the archive, score what has no row, export.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::TriageError;
use crate::context::{Context, Next, Tasks};
use crate::export::export_run;
use crate::folder_map::FolderMap;
use crate::key::SiteKey;
use crate::ledger::Ledger;
use crate::listing::FolderListing;
use crate::pool::{Happened, Pool};
use crate::scoring::Scoring;
use crate::settings::{RunEvent, Settings, Spawn};
use crate::site::{Site, ledger_file, map_file};
use crate::status::write_metrics;
use crate::system::peak_bytes;

/// Longest time between two looks at whether the run is to end.
const LOOK: Duration = Duration::from_millis(100);
/// The same while folders come in.
const LOOK_SOON: Duration = Duration::from_millis(2);
/// Time between two writings of the metrics.
const METRICS_EVERY: Duration = Duration::from_secs(10);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Studies of this run in the archive.
    pub studies: usize,
    /// Those with a score.
    pub scored: usize,
    /// Those with a row and no score.
    pub unscored: usize,
    /// Those without a row: the run was ended, or limited, or they were still arriving.
    pub remaining: usize,
    /// Whether the run was told to end.
    pub stopped: bool,
    /// Folders that were still arriving.
    pub arriving: usize,
}

/// Scores what the archives hold and has no row yet. The exports are written also where the run is told to end.
///
/// # Errors
/// [`TriageError`] where another run works on the folder, no worker starts, or the ledger cannot be used. A full
/// disk is waited for.
pub fn run(
    settings: &Settings,
    key_file: &std::path::Path,
    tell: &mut dyn FnMut(RunEvent),
) -> Result<Ended, TriageError> {
    let site = Site::open(&settings.out)?;
    let temporary = site.clean_temporary()?;
    SiteKey::make(key_file)?;
    let mut context = Context {
        settings,
        ledger: Ledger::open(&ledger_file(site.folder()))?,
        map: FolderMap::open(&map_file(site.folder()))?,
        key: SiteKey::read(key_file)?,
        tell,
        started: Instant::now(),
        recorded: 0,
        worker_peak: 0,
        measured: None,
    };
    let mut pool = Pool::start(with_temporary(&settings.worker, temporary), settings.deadlines)?;
    let arriving = passes(&mut pool, &mut context)?;
    let workers = pool.size();
    drop(pool);
    let ended = summary(&context, arriving)?;
    let (peak, seconds) = (peak_bytes().unwrap_or(0), context.started.elapsed().as_secs());
    let (worker_peak, recorded) = (context.worker_peak, context.recorded as u64);
    context.kept(|ledger, _| {
        let figures = [
            ("supervisor_peak_bytes", peak),
            ("worker_peak_bytes", worker_peak),
            ("seconds", seconds),
            ("recorded", recorded),
            ("workers", workers as u64),
        ];
        figures.into_iter().try_for_each(|(name, value)| ledger.set_figure(name, value))?;
        export_run(ledger, &settings.out)
    })?;
    _ = write_metrics(&context);
    _ = site.clean_temporary();
    Ok(ended)
}

/// Lists and scores; once more where files were still arriving. Returns how many folders still are.
fn passes(pool: &mut Pool, context: &mut Context<'_>) -> Result<usize, TriageError> {
    let first = pass(pool, context)?;
    if first == 0 || context.is_stopped() {
        return Ok(first);
    }
    let settled = Instant::now() + context.settings.settle;
    while Instant::now() < settled && !context.is_stopped() {
        std::thread::sleep(LOOK.min(settled.saturating_duration_since(Instant::now())));
        (context.tell)(RunEvent::Quiet);
    }
    pass(pool, context)
}

fn pass(pool: &mut Pool, context: &mut Context<'_>) -> Result<usize, TriageError> {
    context.map.begin_pass();
    let mut listing = FolderListing::start(context.settings);
    drive(pool, &mut listing, context)?;
    if context.is_stopped() {
        return Ok(listing.arriving());
    }
    let is_whole = listing.is_whole();
    if !is_whole {
        (context.tell)(RunEvent::Unlisted);
    }
    context.kept(|ledger, map| {
        if is_whole {
            map.drop_unseen()?;
        }
        ledger.replace_units(|tell| map.each_unit(tell))
    })?;
    let mut scoring = Scoring::new();
    drive(pool, &mut scoring, context)?;
    Ok(listing.arriving() + scoring.changed())
}

/// Leases tasks to workers until there are none, or the run is to end.
fn drive<J: Tasks>(pool: &mut Pool, job: &mut J, context: &mut Context<'_>) -> Result<(), TriageError> {
    let most = context.settings.workers.on_cpu.max(context.settings.workers.on_gpu).max(1);
    let mut held: Vec<Option<J::Task>> = (0..most).map(|_| None).collect();
    while !context.is_stopped() {
        let (mut wait, mut is_done) = (LOOK, false);
        for worker in pool.idle() {
            match job.next(context)? {
                Next::Task(task) => {
                    let request = job.request(&task, context)?;
                    held[worker] = Some(task);
                    pool.ask(worker, &request);
                }
                Next::Wait => wait = LOOK_SOON,
                Next::Done => is_done = true,
            }
        }
        if is_done && held.iter().all(Option::is_none) {
            return Ok(());
        }
        match pool.next(wait)? {
            Happened::Said { worker, answer } => {
                if let Some(task) = held[worker].take() {
                    held[worker] = job.answer(task, answer, context)?;
                }
                if held[worker].is_none() {
                    pool.answered(worker);
                }
            }
            Happened::Died { worker, poison } => {
                if let Some(task) = held[worker].take() {
                    job.died(task, poison, context)?;
                }
            }
            Happened::Ready => {
                if let Some(method) = pool.method.clone() {
                    pool.grow(context.settings.workers.on(&method.device))?;
                    let id = context.kept(|ledger, _| {
                        let id = ledger.method(&method)?;
                        ledger.set_figure("method", id.unsigned_abs())?;
                        Ok(id)
                    })?;
                    (context.tell)(RunEvent::Ready { method: id, device: method.device.clone() });
                }
            }
            Happened::Nothing => (context.tell)(RunEvent::Quiet),
        }
        measure(context);
    }
    held.into_iter().flatten().try_for_each(|task| job.abandoned(task, context))
}

fn with_temporary(spawn: &Spawn, temporary: PathBuf) -> Spawn {
    let mut spawn = spawn.clone();
    spawn.environment.push(("TMPDIR".into(), temporary.into()));
    spawn
}

fn summary(context: &Context<'_>, arriving: usize) -> Result<Ended, TriageError> {
    let mut ended = Ended { arriving, stopped: context.is_stopped(), ..Ended::default() };
    let part = context.settings.part;
    context.ledger.each_study(|study| ended.studies += usize::from(part.has(study)))?;
    if let Some(method) = context.ledger.last_method()? {
        context.ledger.each_row(method, |row| {
            let place = if row.finding.is_scored() { &mut ended.scored } else { &mut ended.unscored };
            *place += usize::from(part.has(&row.key.study));
            Ok(())
        })?;
    }
    ended.remaining = ended.studies - ended.scored - ended.unscored;
    Ok(ended)
}

/// Writes the metrics, where it is time.
fn measure(context: &mut Context<'_>) {
    if context.measured.is_some_and(|last| last.elapsed() < METRICS_EVERY) {
        return;
    }
    context.measured = Some(Instant::now());
    // figures are missed once where they cannot be written; the run goes on
    _ = write_metrics(context);
}
