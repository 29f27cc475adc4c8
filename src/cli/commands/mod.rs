//! One file a command.

mod assess;
mod audit;
mod bench;
mod calibrate;
mod compare;
mod completions;
mod convert;
mod demo;
mod devices;
mod domain;
mod ensemble;
mod evaluate;
mod heat;
mod inspect;
mod man;
mod nodules;
mod onnx;
mod phantom;
mod plan;
mod predict;
mod preprocess;
mod pretrain;
mod shared;
mod train;
mod triage;
mod tune;
mod volume_format;
mod worker;

use super::args::{Args, Command};
use super::exit::Exit;

/// Runs what was typed.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Demo(args) => demo::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Nodules(args) => nodules::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Domain(args) => domain::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Train(args) => train::run(args),
        Command::Pretrain(args) => pretrain::run(args),
        Command::Tune(args) => tune::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Ensemble(args) => ensemble::run(args),
        Command::Triage(args) => triage::run(args),
        Command::Onnx(args) => onnx::run(args),
        Command::Export(args) => triage::export(args),
        Command::Merge(args) => triage::merge(args),
        Command::Worker(args) => worker::run(args),
        Command::Preprocess(args) => preprocess::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Phantom(args) => phantom::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
