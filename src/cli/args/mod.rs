//! What can be typed.

mod measured;
mod nodules;
mod onnx;
mod reading;
mod series;
mod shell;
mod triage;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::bench::BenchNetwork;
use crate::gpu::Choice;
use crate::metrics::OperatingRule;

pub(super) use measured::{CalibrateArgs, DomainArgs};
pub(super) use nodules::{NodulesArgs, SegmentationArg};
pub(super) use onnx::OnnxArgs;
pub(super) use reading::{OutsideArg, PartialArg, ReadArgs};
pub(super) use series::{ConvertArgs, InspectArgs, PhantomArgs, PreprocessArgs};
pub(super) use shell::{CompletionsArgs, ManArgs};
pub(super) use triage::{ExportArgs, MergeArgs, TriageArgs, WorkerArgs};

/// Trains and runs CNNs for lung CT classification on any GPU and on plain CPUs.
///
/// For research only: not a medical device.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(super) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to compute on.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(super) struct DeviceArg {
    /// auto (a real GPU if there is one, else the CPU), cpu, gpu, gpu:N, or software (a software adapter, for tests).
    #[arg(long, value_name = "DEVICE", default_value_t = Choice::Auto)]
    pub device: Choice,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make chest CT phantoms, classify them with the shipped bundle and measure the result.
    Demo(DemoArgs),
    /// Classify images and CT series: one JSON line each on stdout.
    Predict(PredictArgs),
    /// Find and measure lung nodules: one JSON line for each CT series on stdout.
    Nodules(NodulesArgs),
    /// Score an archive study by study: it survives broken files and being cut off, and goes on where it was.
    Triage(TriageArgs),
    /// Write a bundle's network as an ONNX model, for other programs to run.
    Onnx(OnnxArgs),
    /// Write the worklist and results of a triage again.
    Export(ExportArgs),
    /// Make one ledger of those of several runs over one archive.
    Merge(MergeArgs),
    /// Answer requests on stdin, one JSON value a line, for `triage` and other programs.
    Worker(WorkerArgs),
    /// Measure a bundle on labelled cases: metrics with intervals, curves, baselines, operating points.
    Evaluate(EvaluateArgs),
    /// Calibrate a bundle's probabilities on validation cases.
    Calibrate(CalibrateArgs),
    /// Measure what a bundle was trained on, so that it refuses scans that are unlike.
    Domain(DomainArgs),
    /// Compare two classifiers on the same cases: ROC AUC, DeLong's paired test, resampled patients.
    Compare(CompareArgs),
    /// Train a network by a recipe; a run that was stopped goes on where it was.
    Train(TrainArgs),
    /// Pre-train a network on CT without labels; `train --init` starts from what it learned.
    Pretrain(PretrainArgs),
    /// Search ranges in a recipe: random trials, most of them ended early; a search that was stopped goes on.
    Tune(TuneArgs),
    /// Look for what makes a data set's results worthless: images or patients in two splits, properties that tell the class.
    Audit(AuditArgs),
    /// Write a recipe that fits a data set and this machine, with the reason of every choice.
    Plan(PlanArgs),
    /// Make one bundle of several of one kind: the mean of their probabilities.
    Ensemble(EnsembleArgs),
    /// Run a preprocessing chain on one image or series and write the result as .npy.
    Preprocess(PreprocessArgs),
    /// Say what lies under the given paths: series, geometry, Hounsfield units, and whether pulmo trusts them.
    Inspect(InspectArgs),
    /// Write a CT series or volume in Hounsfield units as NIfTI or MetaImage.
    Convert(ConvertArgs),
    /// Write synthetic chest CT studies as DICOM, with known nodules.
    Phantom(PhantomArgs),
    /// List the adapters that pulmo can compute on.
    Devices(DevicesArgs),
    /// Measure how fast this machine preprocesses, classifies and trains.
    Bench(BenchArgs),
    /// Write what a shell needs to complete pulmo's commands and options.
    Completions(CompletionsArgs),
    /// Write the pages that `man pulmo` and `man pulmo-COMMAND` show.
    Man(ManArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// Folder for the studies, predictions.csv, metrics.json and index.html.
    #[arg(long, value_name = "DIR", default_value = "pulmo-out/demo")]
    pub out: PathBuf,
    /// Studies to make.
    #[arg(long, default_value_t = 40)]
    pub studies: usize,
    /// Seed of the studies; the shipped bundle was trained on others.
    #[arg(long, default_value_t = 20_260)]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PredictArgs {
    /// Image files, DICOM files, .npy volumes, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Also give the weight of each slice in the decision and where it lies (study-level bundles of kind `mil`).
    #[arg(long)]
    pub attention: bool,
    /// Also write where each scan speaks for the positive class, as DIR/NAME-heat.nii.gz on the grid of `pulmo convert`
    /// (pictures: a coloured .png).
    #[arg(long, value_name = "DIR")]
    pub heat_maps: Option<PathBuf>,
    /// Average over mirror images, along the axes that training mirrored (test-time augmentation).
    #[arg(long)]
    pub tta: bool,
    /// Also name patient, study and series of DICOM scans by hashes keyed with this file of 32 or more random bytes: equal
    /// names are one patient, and without the file nobody can tell whose. Make it with `head -c 32 /dev/urandom`.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    #[command(flatten)]
    pub outside: OutsideArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

/// What counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    /// Each case of the manifest.
    Image,
    /// All cases of a patient together.
    Patient,
}

#[derive(Debug, ClapArgs)]
pub(super) struct EvaluateArgs {
    /// Manifest: CSV with the header path,label[,patient_id][,split]; paths are relative to it.
    #[arg(long, value_name = "CSV")]
    pub data: PathBuf,
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Only the cases of this split: train, val or test.
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
    /// Average over mirror images, along the axes that training mirrored (test-time augmentation).
    #[arg(long)]
    pub tta: bool,
    /// Also measure patients, each with the mean probability of the patient's cases; operating points and
    /// the decision curve are then those of patients.
    #[arg(long, value_enum, default_value_t = Level::Image)]
    pub level: Level,
    /// Choose operating points on this split and tell what they are worth on --split.
    #[arg(long, value_name = "NAME")]
    pub choose_on: Option<String>,
    /// How to choose them: youden, sensitivity=F (the largest specificity with at least this sensitivity) or specificity=F.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        default_value = "youden,sensitivity=0.9,specificity=0.9"
    )]
    pub at: Vec<OperatingRule>,
    /// Also measure the cases of each value of this column of the manifest; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub by: Vec<String>,
    /// Folder for metrics.json, predictions.csv, provenance.json and the pictures.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub outside: OutsideArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompareArgs {
    /// predictions.csv of the first classifier, as `pulmo evaluate` writes it.
    #[arg(value_name = "A.csv")]
    pub a: PathBuf,
    /// predictions.csv of the second one, on the same cases.
    #[arg(value_name = "B.csv")]
    pub b: PathBuf,
    /// Class to compare against all others; the second of two if left out.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TrainArgs {
    /// How to train: a recipe, such as models/lung-nodule-phantom/recipe.toml.
    #[arg(long, value_name = "TOML")]
    pub recipe: PathBuf,
    /// Manifest: CSV with the header path,label[,patient_id][,split]; paths are relative to it.
    #[arg(long, value_name = "CSV")]
    pub data: PathBuf,
    /// Folder for the bundle, its history and checkpoints; a run found there goes on.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Weights to start from: weights.safetensors of a bundle, or torchvision weights (.safetensors, .pth).
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    /// Of two classes the positive one, by its label: the one that the threshold, the probabilities told and the metrics
    /// are for. The recipe's last class if left out, and the last in alphabetical order where the recipe names none.
    #[arg(long, value_name = "NAME")]
    pub positive: Option<String>,
    /// Seed for weights, split, order and augmentation; the recipe's if left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Train one network for each of so many groups of patients, which it is validated on; 0 for one training.
    /// The recipe's if left out.
    #[arg(long, value_name = "K")]
    pub folds: Option<usize>,
    /// Train even if patients or identical images are in more than one split; the figures say little then.
    #[arg(long)]
    pub allow_leaks: bool,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Shown below the options of `tune`.
const TUNE_HELP: &str = "\
The recipe says in [tune] what may change and how far, by the names that it has for everything else:

  [tune]
  trials = 27        # trial 0 is the recipe as it is, the others are drawn by its seed
  eta = 3            # one trial in three goes on, to three times as many epochs
  first_epochs = 5   # epochs of the first rung at least; may be left out

  [tune.ranges]
  optimizer.learning_rate = { from = 1e-4, to = 1e-2, scale = \"log\" }
  network.dropout = { from = 0.0, to = 0.5 }
  course.batch_size = { choices = [8, 16, 32] }
  chain.step.1.shape = { choices = [[0, 128, 128], [0, 160, 160]] }   # the first step

The last rung has the recipe's own epochs; each trial begins anew on each rung, its warm-up and
patience shortened with its epochs. `pulmo train` does not look at [tune].";

#[derive(Debug, ClapArgs)]
#[command(after_help = TUNE_HELP)]
pub(super) struct TuneArgs {
    /// Manifest: CSV with the header path,label[,patient_id][,split]; trials are scored on its validation cases.
    #[arg(value_name = "MANIFEST")]
    pub data: PathBuf,
    /// Recipe with a [tune] table.
    #[arg(long, value_name = "TOML")]
    pub recipe: PathBuf,
    /// Folder for trials.csv, what_mattered.csv, best.toml (a recipe) and the trials; a search found there goes on.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Of two classes the positive one, by its label; the recipe's if left out. best.toml keeps it.
    #[arg(long, value_name = "NAME")]
    pub positive: Option<String>,
    /// Weights that every trial starts from, as for `pulmo train`.
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    /// Go on even if patients or identical images are in more than one split; the figures say little then.
    #[arg(long)]
    pub allow_leaks: bool,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PretrainArgs {
    /// How to train: the recipe that `train` will take, or one with the same [network], [[chain.step]] and
    /// stronger [augment].
    #[arg(long, value_name = "TOML")]
    pub recipe: PathBuf,
    /// Manifest: CSV with the header path[,patient_id][,split]; labels do not count, and rows of split val or
    /// test are left out. A network for slices takes every slice of a series. May be given several times.
    #[arg(long, value_name = "CSV", required = true)]
    pub data: Vec<PathBuf>,
    /// Folder for weights.safetensors, the history and checkpoints; a run found there goes on.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Seed for weights, order and augmentation; the recipe's if left out.
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub series: PartialArg,
    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    /// Manifest: CSV with the header path,label[,patient_id][,split]; paths are relative to it.
    #[arg(value_name = "MANIFEST")]
    pub data: PathBuf,
    /// Where to write the recipe; stdout if left out.
    #[arg(long, value_name = "TOML")]
    pub out: Option<PathBuf>,
    /// Of two classes the positive one, by its label; the last in alphabetical order if left out.
    #[arg(long, value_name = "NAME")]
    pub positive: Option<String>,
    /// Memory to plan for, in MiB: that of the GPU to train on; what is free on this machine if left out.
    #[arg(long, value_name = "MIB")]
    pub memory_mib: Option<usize>,
    #[command(flatten)]
    pub series: PartialArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct EnsembleArgs {
    /// Folders of bundles with the same classes, preprocessing and network, such as the folds of one training.
    #[arg(required = true, num_args = 2.., value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// Folder for the ensemble; its name is the bundle's.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct AuditArgs {
    /// Manifest: CSV with the header path,label[,patient_id][,split]; paths are relative to it.
    #[arg(value_name = "MANIFEST")]
    pub data: PathBuf,
    /// Folder for audit.json and index.html, with pictures of the pairs found.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub series: PartialArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DevicesArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct BenchArgs {
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// File for the figures, to be published; written anew as they come.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Networks to time, of bundle, resnet18 and resnet50; all if left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub networks: Vec<BenchNetwork>,
    /// Folder for the timed networks as bundles, each with a few images and their logits, to be compared with other tools.
    #[arg(long, value_name = "DIR")]
    pub keep_networks: Option<PathBuf>,
    /// Everything once and small: says whether it works, not how fast.
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub device: DeviceArg,
}
