//! What can be typed for runs over archives.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{DeviceArg, OutsideArg};
use crate::gpu::Choice;

/// Shown below the options of `triage`.
const TRIAGE_HELP: &str = "\
DIR gets worklist.csv (most urgent first), results.jsonl, issues.csv (what has no score, why, what to do),
run.json and the ledger. Studies are named by keyed hashes; `pulmo export DIR --phi` adds their paths. Run the
same command again to go on, or to score what is new; what is done is not done again.";

#[derive(Debug, ClapArgs)]
#[command(after_help = TRIAGE_HELP)]
pub(in crate::cli) struct TriageArgs {
    /// Folders of the archive.
    #[arg(value_name = "ARCHIVE", required_unless_present = "status")]
    pub archives: Vec<PathBuf>,
    /// Folder for the results; a run found there goes on.
    #[arg(long, value_name = "DIR", required_unless_present = "status")]
    pub out: Option<PathBuf>,
    /// Say how far the run in DIR is, also while it goes on, and do nothing else.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["archives", "out"])]
    pub status: Option<PathBuf>,
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Processes that score at a time; as many as cores and memory allow if left out, one for a GPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Memory that one of them may use on a CPU, in MiB; its share of what is free if left out.
    #[arg(long, value_name = "MIB")]
    pub worker_memory: Option<u64>,
    /// Seconds that a study may take before its process is ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub study_seconds: u64,
    /// Runs that share the archive, each with an --out of its own; needs --key-file.
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub num_parts: u64,
    /// Which of them this is, from 0 on.
    #[arg(long, value_name = "I", default_value_t = 0)]
    pub part_id: u64,
    /// Score so many studies at most, then end.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Wait for folders of which a file changed less than so many seconds ago.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub settle: u64,
    /// Secret that studies are named with, 32 or more random bytes; DIR/site.key, made if it is missing, if left out.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Also keep figures for monitoring in this file, in Prometheus' text form.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Also write where each study lies into the results: paths may name patients.
    #[arg(long)]
    pub phi: bool,
    /// Also follow symbolic links to folders; those to files are always followed.
    #[arg(long)]
    pub follow_links: bool,
    #[command(flatten)]
    pub outside: OutsideArg,
    /// auto (every real GPU, a process each, else the CPU), cpu, gpu, gpu:0,gpu:1,... or software (for tests).
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', default_value = "auto")]
    pub device: Vec<Choice>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ExportArgs {
    /// Folder of the run: the --out of `triage` or `merge`.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Also write where each study lies: paths may name patients.
    #[arg(long)]
    pub phi: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct MergeArgs {
    /// Folder for the merged ledger and its results; one that is there is added to.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Folders of runs, or their ledger.sqlite.
    #[arg(value_name = "LEDGER", required = true)]
    pub ledgers: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct WorkerArgs {
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Secret that studies are named with.
    #[arg(long, value_name = "FILE")]
    pub key_file: PathBuf,
    /// Memory that it may use on a CPU, in MiB.
    #[arg(long, value_name = "MIB")]
    pub memory_mib: Option<u64>,
    #[command(flatten)]
    pub outside: OutsideArg,
    #[command(flatten)]
    pub device: DeviceArg,
}
