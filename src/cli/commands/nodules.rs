//! `pulmo nodules`.

use std::fs::File;

use anyhow::Context;

use super::shared::{nothing_to_read, open_bundle, open_device_for, tell_passed_over};
use crate::cli::args::NodulesArgs;
use crate::cli::{Exit, printer, progress};
use crate::engine::{NoduleFinder, NoduleSettings};
use crate::intake::Search;
use crate::report::{NoduleTable, nodules_text, observation_line};

pub(super) fn run(args: &NodulesArgs) -> anyhow::Result<Exit> {
    let finder = finder(args)?;
    let table = args
        .csv
        .as_deref()
        .map(|path| File::create(path).with_context(|| format!("cannot write {}", path.display())));
    let mut table = table.transpose()?.map(NoduleTable::new).transpose()?;
    let spinner = progress::spinner("looked at");
    let mut search = Search::new(&args.paths, args.read.links());
    let (mut total, mut failed) = (0, 0);
    for item in search.by_ref() {
        let observation = finder.observe(&item);
        total += 1;
        failed += usize::from(observation.nodules.is_none());
        spinner.suspend(|| {
            printer::say(&nodules_text(&observation));
            printer::data(&observation_line(&observation, None))
        })?;
        if let Some(table) = &mut table {
            table.write(&observation)?;
        }
        spinner.inc(1);
    }
    spinner.finish_and_clear();
    if total == 0 {
        return Err(nothing_to_read(&search));
    }
    tell_passed_over(&search);
    Ok(Exit::of_items(failed, total))
}

fn finder(args: &NodulesArgs) -> anyhow::Result<NoduleFinder> {
    let settings = NoduleSettings {
        minimum_mm: args.minimum_mm,
        at_most: args.at_most,
        least_probability: args.probability,
        ..NoduleSettings::default()
    };
    let finder = NoduleFinder::new(settings).with_partial(args.read.partial());
    let Some(folder) = &args.bundle else {
        printer::say("bundle: none, so that places are ranked by their shape alone and most are vessels");
        return Ok(finder);
    };
    let bundle = open_bundle(Some(folder))?;
    let compute = open_device_for(&bundle, args.device)?;
    Ok(finder.with_bundle(&bundle, &compute))
}
