//! `pulmo phantom`.

use std::path::Path;

use crate::cli::args::PhantomArgs;
use crate::cli::{Exit, printer, progress};
use crate::phantom::{Collection, PhantomSettings, StudyTruth, write_collection};

pub(super) fn run(args: &PhantomArgs) -> anyhow::Result<Exit> {
    let truths = make_phantoms(&args.out, args.studies, args.seed)?;
    let with = truths.iter().filter(|truth| !truth.nodules.is_empty()).count();
    printer::say(&format!("{} studies, {with} with nodules: {}", truths.len(), args.out.display()));
    printer::data(&args.out.join("truth.csv").display().to_string());
    Ok(Exit::Done)
}

/// Writes phantom studies, showing how far it is.
pub(super) fn make_phantoms(out: &Path, studies: usize, seed: u64) -> anyhow::Result<Vec<StudyTruth>> {
    let bar = progress::bar(studies, "making phantoms");
    let collection = Collection { settings: PhantomSettings::default(), seed, studies };
    let truths = write_collection(out, &collection, |_| bar.inc(1))?;
    bar.finish_and_clear();
    Ok(truths)
}
