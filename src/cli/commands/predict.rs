//! `pulmo predict`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::heat::HeatFolder;
use super::shared::{mirrored, nothing_to_read, open_bundle, open_device_for, read_key, tell_passed_over};
use crate::cli::args::PredictArgs;
use crate::cli::{Exit, printer, progress};
use crate::engine::Engine;
use crate::intake::Search;
use crate::report::observation_line;

pub(super) fn run(args: &PredictArgs) -> anyhow::Result<Exit> {
    let key = args.key_file.as_deref().map(read_key).transpose()?;
    let bundle = open_bundle(args.bundle.as_deref())?;
    let compute = open_device_for(&bundle, args.device)?;
    let engine =
        Engine::new(&bundle, &compute).with_partial(args.read.partial()).with_outside(args.outside.outside());
    let engine = if args.tta { mirrored(engine) } else { engine };
    let engine = match key {
        Some(key) => engine.with_key(key),
        None => engine,
    };
    let mut heat = args.heat_maps.as_deref().map(HeatFolder::make).transpose()?;
    let engine = if heat.is_some() { engine.with_heat_maps()? } else { engine };
    let spinner = progress::spinner("classified");
    let (mut failed, mut written, mut told) = (0, Ok(()), BTreeSet::new());
    let mut search = Search::new(&args.paths, args.read.links());
    let total = engine.run_on(&mut search, |mut observation| {
        failed += usize::from(observation.prediction.is_none());
        for setback in observation.setbacks.iter().map(ToString::to_string) {
            spinner.suspend(|| tell_once(&mut told, setback));
        }
        if let (false, Some(prediction)) = (args.attention, observation.prediction.as_mut()) {
            prediction.attention = None;
        }
        let file = heat.as_mut().map(|folder| folder.write(&observation)).transpose();
        written = file.and_then(|file| {
            let line = observation_line(&observation, file.flatten().as_deref());
            spinner.suspend(|| printer::data(&line))
        });
        spinner.inc(1);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    spinner.finish_and_clear();
    written?;
    if total == 0 {
        return Err(nothing_to_read(&search));
    }
    tell_passed_over(&search);
    if failed > 0 {
        printer::say(&format!("{failed} of {total} could not be classified; `codes` says why"));
    }
    Ok(Exit::of_items(failed, total))
}

/// Says what was not said before.
fn tell_once(told: &mut BTreeSet<String>, what: String) {
    if !told.contains(&what) {
        printer::say(&format!("warning: {what}"));
        told.insert(what);
    }
}
