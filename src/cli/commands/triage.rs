//! `pulmo triage`, `pulmo export` and `pulmo merge`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use pulmo_triage::{Deadlines, Paths, RunEvent, Settings, Share, Spawn, Workers, key_file};

use crate::cli::args::{ExportArgs, MergeArgs, TriageArgs};
use crate::cli::exit::UsageError;
use crate::cli::{Exit, interrupt, printer, progress};
use crate::gpu::{Choice, gpus};
use crate::intake::free_memory;

/// Memory that a worker on a CPU is planned with: whole CTs of a thousand slices fit.
const WORKER_BYTES: usize = 3 << 30;
/// Time between two lines where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(super) fn run(args: &TriageArgs) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.status {
        return status(folder);
    }
    let settings = settings(args)?;
    let key = args.key_file.clone().unwrap_or_else(|| key_file(&settings.out));
    let mut view = View::new();
    let ended = pulmo_triage::run(&settings, &key, &mut |event| view.tell(event))?;
    view.finish();
    // a part of several may be empty
    let is_empty = ended.studies == 0 && ended.arriving == 0 && args.num_parts == 1;
    anyhow::ensure!(!is_empty, "the archive holds nothing to score");
    printer::say(&format!(
        "{} studies: {} scored, {} without a score (issues.csv says why), {} to do",
        ended.studies, ended.scored, ended.unscored, ended.remaining
    ));
    if ended.arriving > 0 {
        printer::say(&format!("{} folders or studies were still changing: run again later", ended.arriving));
    }
    // that each study has its row is what was asked for, also where none has a score
    Ok(if ended.stopped || ended.unscored > 0 { Exit::Partly } else { Exit::Done })
}

fn settings(args: &TriageArgs) -> anyhow::Result<Settings> {
    if args.part_id >= args.num_parts {
        return Err(UsageError(format!("--part-id is 0 to {}", args.num_parts - 1)).into());
    }
    if args.num_parts > 1 && args.key_file.is_none() {
        let what = "--num-parts needs --key-file: all parts must name studies alike";
        return Err(UsageError(what.to_owned()).into());
    }
    for archive in &args.archives {
        anyhow::ensure!(archive.is_dir(), "{} is no folder that can be read", archive.display());
    }
    let absolute = |path: &Path| {
        std::path::absolute(path).with_context(|| format!("cannot use the path {}", path.display()))
    };
    let out = absolute(args.out.as_deref().unwrap_or(Path::new(".")))?;
    let plan = Plan::of(args)?;
    printer::say(&plan.text);
    let study = Duration::from_secs(args.study_seconds);
    Ok(Settings {
        archives: args.archives.iter().map(|path| absolute(path)).collect::<anyhow::Result<_>>()?,
        follow_links: args.follow_links,
        worker: spawn(args, &plan, &out)?,
        out,
        workers: plan.workers,
        deadlines: Deadlines {
            study,
            series: Deadlines::default().series.min(study),
            ..Deadlines::default()
        },
        part: Share { parts: args.num_parts, id: args.part_id },
        limit: args.limit,
        settle: Duration::from_secs(args.settle),
        pause: Duration::from_secs(5),
        silence: Duration::from_secs(10),
        stop: interrupt::ask_first(),
        paths: if args.phi { Paths::Told } else { Paths::LeftOut },
        metrics: args.metrics.clone(),
    })
}

fn spawn(args: &TriageArgs, plan: &Plan, out: &Path) -> anyhow::Result<Spawn> {
    let program = std::env::current_exe().context("cannot find pulmo's own program")?;
    let key: PathBuf = args.key_file.clone().unwrap_or_else(|| key_file(out));
    let mut arguments = vec!["worker".into(), "--key-file".into(), key.into()];
    if let Some(bundle) = &args.bundle {
        arguments.extend(["--bundle".into(), bundle.into()]);
    }
    arguments.extend(args.outside.argument().map(Into::into));
    arguments
        .extend(plan.memory_mib.into_iter().flat_map(|mib| ["--memory-mib".into(), mib.to_string().into()]));
    let in_turn = plan.devices.iter().map(|device| vec!["--device".into(), device.to_string().into()]);
    let threads = plan.threads.map(|threads| ("RAYON_NUM_THREADS".into(), threads.to_string().into()));
    Ok(Spawn { program, arguments, in_turn: in_turn.collect(), environment: threads.into_iter().collect() })
}

/// How the machine is shared.
struct Plan {
    /// What the workers compute on, in turn.
    devices: Vec<Choice>,
    workers: Workers,
    threads: Option<usize>,
    memory_mib: Option<u64>,
    text: String,
}

impl Plan {
    fn of(args: &TriageArgs) -> anyhow::Result<Self> {
        let devices = devices(&args.device)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = free_memory();
        let fit = free.map_or(1, |free| (free / WORKER_BYTES).max(1));
        let on_cpu = args.workers.map_or(cores.min(fit), usize::from);
        let on_gpu = args.workers.map_or(devices.len(), usize::from);
        let is_cpu = devices == [Choice::Cpu];
        let threads = is_cpu.then(|| (cores / on_cpu).max(1));
        let share =
            free.map(|free| (free / on_cpu).max(WORKER_BYTES) >> 20).and_then(|mib| u64::try_from(mib).ok());
        let memory_mib = args.worker_memory.or(share);
        let memory =
            memory_mib.map_or("without a limit of memory".to_owned(), |mib| format!("up to {mib} MiB each"));
        let gib =
            free.map_or("unknown".to_owned(), |free| format!("{:.1} GiB", free as f64 / f64::from(1 << 30)));
        let text = if is_cpu {
            format!("workers: {on_cpu} on the CPU ({cores} cores, {gib} free; {memory})")
        } else {
            let names: Vec<String> = devices.iter().map(ToString::to_string).collect();
            format!("workers: {on_gpu} on {} ({cores} cores, {gib} free)", names.join(", "))
        };
        Ok(Self { devices, workers: Workers { on_cpu, on_gpu }, threads, memory_mib, text })
    }
}

/// What workers compute on, in turn: where a GPU is to be found, each that there is.
fn devices(given: &[Choice]) -> anyhow::Result<Vec<Choice>> {
    if let [one @ (Choice::Auto | Choice::Gpu)] = given {
        let found = gpus().len();
        return Ok(match (found, one) {
            (0, Choice::Auto) => vec![Choice::Cpu],
            (0 | 1, one) => vec![*one],
            (found, _) => (0..found).map(Choice::Nth).collect(),
        });
    }
    let is_gpu = |device: &Choice| matches!(device, Choice::Nth(_));
    if given.len() > 1 && !given.iter().all(is_gpu) {
        return Err(UsageError("several devices are GPUs by number: --device gpu:0,gpu:1".to_owned()).into());
    }
    Ok(given.to_vec())
}

fn status(folder: &Path) -> anyhow::Result<Exit> {
    let status = pulmo_triage::status(folder)?;
    let state = if status.is_running { "running" } else { "not running" };
    printer::data(&format!("{state}: {} of {} studies done", status.done(), status.studies))?;
    let figures = &status.figures;
    if let (Some(part), Some(parts @ 2..)) = (figures.part, figures.parts) {
        printer::data(&format!("part {part} of {parts}"))?;
    }
    if let Some(limit) = figures.limit {
        printer::data(&format!("at most {limit} studies in this run"))?;
    }
    if let Some(rate) = figures.studies_per_minute {
        let left =
            status.minutes_left().map_or("unknown".to_owned(), |minutes| format!("{minutes:.0} minutes"));
        printer::data(&format!("{rate:.1} studies a minute, {left} left"))?;
    }
    for (verdict, count) in &status.verdicts {
        printer::data(&format!("{verdict} {count}"))?;
    }
    Ok(Exit::Done)
}

pub(super) fn export(args: &ExportArgs) -> anyhow::Result<Exit> {
    let exported = pulmo_triage::export(&args.folder, if args.phi { Paths::Told } else { Paths::LeftOut })?;
    printer::say(&format!(
        "{} studies in the worklist, {} in issues.csv",
        exported.scored, exported.unscored
    ));
    Ok(Exit::Done)
}

pub(super) fn merge(args: &MergeArgs) -> anyhow::Result<Exit> {
    let merged = pulmo_triage::merge(&args.out, &args.ledgers)?;
    printer::say(&format!(
        "{} rows added, {} there before; {} studies in the worklist, {} in issues.csv",
        merged.added, merged.equal, merged.exported.scored, merged.exported.unscored
    ));
    for study in &merged.conflicts {
        printer::say(&format!("ledgers differ on study {study}; the first one's row is kept"));
    }
    Ok(if merged.conflicts.is_empty() { Exit::Done } else { Exit::Partly })
}

/// A bar on a terminal, else a line a minute.
struct View {
    bar: ProgressBar,
    is_terminal: bool,
    told: Instant,
    began: Instant,
    studies: usize,
    before: usize,
    done: usize,
    refused: usize,
}

impl View {
    fn new() -> Self {
        let now = Instant::now();
        let is_terminal = std::io::stderr().is_terminal();
        let bar = progress::spinner("folders listed");
        Self { bar, is_terminal, told: now, began: now, studies: 0, before: 0, done: 0, refused: 0 }
    }

    fn tell(&mut self, event: RunEvent) {
        match event {
            RunEvent::Listed { folders } => self.bar.set_position(folders as u64),
            RunEvent::Found { studies, done } => {
                (self.studies, self.before, self.done, self.refused) = (studies, done, 0, 0);
                self.began = Instant::now();
                self.bar.finish_and_clear();
                self.bar = progress::bar(studies, "studies");
                self.bar.set_position(done as u64);
                self.bar.reset_eta();
                self.say(&format!("{studies} studies, {done} of them done before"));
            }
            RunEvent::Done { verdict } => {
                self.done += 1;
                self.refused += usize::from(verdict != "OK" && verdict != "OK_WARN");
                self.bar.inc(1);
                self.bar.set_message(format!("studies ({} without a score)", self.refused));
            }
            RunEvent::Retried => self.say("a worker ended; what it was at is tried once more"),
            RunEvent::Unlisted => self.say("some folders cannot be listed; what was known of them stays"),
            RunEvent::Paused => self.say("the disk is full: waiting for room"),
            RunEvent::Resumed => self.say("there is room again"),
            RunEvent::Silent => self.say("the archive does not answer: waiting, and no deadline counts"),
            RunEvent::Answers => self.say("the archive answers again"),
            RunEvent::Ready { .. } | RunEvent::Quiet => {}
            _ => {}
        }
        if !self.is_terminal && self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            self.say(&self.line());
        }
    }

    fn line(&self) -> String {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let rate = self.done as f64 / minutes.max(1e-9);
        let left = self.studies.saturating_sub(self.before + self.done) as f64 / rate.max(1e-9);
        let left = if self.done == 0 { "unknown".to_owned() } else { format!("{left:.0} minutes") };
        format!(
            "{} of {} studies done, {} without a score in this run; {rate:.1} a minute, {left} left",
            self.before + self.done,
            self.studies,
            self.refused
        )
    }

    fn say(&self, what: &str) {
        self.bar.suspend(|| printer::say(what));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
