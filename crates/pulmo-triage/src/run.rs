//! A run: list the archive, score what has no row, export.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pulmo_key::SecretKey;

use crate::TriageError;
use crate::context::{Context, Next, Tasks};
use crate::export::{ExportTo, export_run};
use crate::folder_map::FolderMap;
use crate::ledger::Ledger;
use crate::listing::FolderListing;
use crate::pool::{FreeWorker, Happened, Pool};
use crate::probe::ArchiveProbe;
use crate::scoring::Scoring;
use crate::settings::{RunEvent, Settings, Spawn};
use crate::site::{Site, ledger_file, map_file};
use crate::status::{keep_figures, write_metrics};

/// Longest time between two looks at whether the run is to end.
const LOOK: Duration = Duration::from_millis(100);
/// The same while folders come in.
const LOOK_SOON: Duration = Duration::from_millis(2);
/// Time between two writings of figures.
const MEASURED_EVERY: Duration = Duration::from_secs(10);

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
    let no_key = |source| TriageError::Key { path: key_file.to_path_buf(), source };
    SecretKey::make(key_file).map_err(no_key)?;
    let mut context = Context {
        settings,
        ledger: Ledger::open(&ledger_file(site.folder()))?,
        map: FolderMap::open(&map_file(site.folder()))?,
        key: SecretKey::read(key_file).map_err(no_key)?,
        tell,
        started: Instant::now(),
        recorded: 0,
        workers: 0,
        worker_peak: 0,
        measured: None,
    };
    context.ledger.check()?;
    let mut pool = Pool::start(with_temporary(&settings.worker, temporary), settings.deadlines)?;
    let arriving = passes(&mut pool, &mut context)?;
    drop(pool);
    let ended = summary(&context, arriving)?;
    keep_figures(&mut context)?;
    let to = ExportTo { folder: &settings.out, paths: settings.paths };
    context.kept(|ledger, map| export_run(ledger, map, to))?;
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
    let mut leases: Leases<J::Task> = (0..most).map(|_| VecDeque::new()).collect();
    let probe = ArchiveProbe::start(&context.settings.archives);
    while !context.is_stopped() {
        let (mut wait, mut is_done) = (LOOK, false);
        for FreeWorker { worker, room } in pool.free() {
            // whoever has a task that is to be alone gets no other
            if leases[worker].iter().any(|task| job.is_alone(task)) {
                continue;
            }
            match job.next(room, context)? {
                Next::Task(task) => {
                    pool.ask(worker, &job.request(&task, context)?);
                    leases[worker].push_back(task);
                }
                Next::Wait => wait = LOOK_SOON,
                Next::Done => is_done = true,
            }
        }
        if is_done && leases.iter().all(VecDeque::is_empty) {
            return Ok(());
        }
        match pool.next(wait)? {
            Happened::Said { worker, answer } => {
                let Some(task) = leases[worker].pop_front() else { continue };
                match job.answer(task, answer, context)? {
                    Some(task) => leases[worker].push_front(task),
                    None => pool.answered(worker),
                }
            }
            Happened::Died { worker, deaths } => {
                for (task, death) in leases[worker].drain(..).zip(deaths) {
                    match death {
                        Some(poison) => job.died(task, poison, context)?,
                        None => job.returned(task, context)?,
                    }
                }
            }
            Happened::Ready => begin_with(pool, context)?,
            Happened::Nothing => (context.tell)(RunEvent::Quiet),
        }
        listen(pool, &probe, context);
        measure(context);
    }
    leases.into_iter().flatten().try_for_each(|task| job.abandoned(task, context))
}

/// What each worker is at, in order.
type Leases<T> = Vec<VecDeque<T>>;

/// A worker is ready: starts the others, and notes by what they score.
fn begin_with(pool: &mut Pool, context: &mut Context<'_>) -> Result<(), TriageError> {
    let Some(method) = pool.method.clone() else { return Ok(()) };
    pool.grow(context.settings.workers.by(&method))?;
    context.workers = pool.size();
    let id = context.kept(|ledger, _| {
        let id = ledger.method(&method)?;
        ledger.set_figure("method", id.unsigned_abs())?;
        Ok(id)
    })?;
    (context.tell)(RunEvent::Ready { method: id, device: method.device });
    Ok(())
}

/// Lets no deadline count while the archive does not answer.
fn listen(pool: &mut Pool, probe: &ArchiveProbe, context: &mut Context<'_>) {
    let is_silent = probe.silence() > context.settings.silence;
    match (is_silent, pool.is_held()) {
        (true, false) => {
            pool.hold();
            (context.tell)(RunEvent::Silent);
        }
        (false, true) => {
            pool.go_on(context.settings.silence);
            (context.tell)(RunEvent::Answers);
        }
        _ => {}
    }
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

/// Writes how far the run is, where it is time.
fn measure(context: &mut Context<'_>) {
    if context.measured.is_some_and(|last| last.elapsed() < MEASURED_EVERY) {
        return;
    }
    context.measured = Some(Instant::now());
    // where they cannot be written the run goes on
    _ = keep_figures(context);
    _ = write_metrics(context);
}
