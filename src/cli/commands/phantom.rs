//! `pulmo phantom`.

use std::path::Path;

use crate::cli::args::PhantomArgs;
use crate::cli::{Exit, printer, progress};
use crate::phantom::{
    Collection, PhantomSettings, RegionSettings, StudyTruth, write_collection, write_regions,
};

pub(super) fn run(args: &PhantomArgs) -> anyhow::Result<Exit> {
    let settings = PhantomSettings {
        nodules_at_most: args.nodules_at_most,
        extras: args.extras.clone(),
        ..PhantomSettings::default()
    };
    let collection = Collection { settings, seed: args.seed, studies: args.studies };
    if args.regions {
        let bar = progress::bar(args.studies, "making regions");
        let regions = RegionSettings {
            side_mm: args.region_mm,
            around_nodule: args.nodule_regions,
            normal: args.normal_regions,
        };
        let regions = write_regions(&args.out, &collection, &regions, || bar.inc(1))?;
        bar.finish_and_clear();
        printer::say(&format!("{regions} regions of {} studies: {}", args.studies, args.out.display()));
        printer::data(&args.out.join("truth.csv").display().to_string())?;
        return Ok(Exit::Done);
    }
    let truths = make_phantoms(&args.out, &collection)?;
    let with = truths.iter().filter(|truth| !truth.nodules.is_empty()).count();
    printer::say(&format!("{} studies, {with} with nodules: {}", truths.len(), args.out.display()));
    printer::data(&args.out.join("truth.csv").display().to_string())?;
    Ok(Exit::Done)
}

/// Writes phantom studies, showing how far it is.
pub(super) fn make_phantoms(out: &Path, collection: &Collection) -> anyhow::Result<Vec<StudyTruth>> {
    let bar = progress::bar(collection.studies, "making phantoms");
    let truths = write_collection(out, collection, |_| bar.inc(1))?;
    bar.finish_and_clear();
    Ok(truths)
}
