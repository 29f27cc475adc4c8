//! `pulmo nodules`.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

use super::shared::{nothing_to_read, open_bundle, open_device_for, tell_passed_over};
use crate::cli::args::{NodulesArgs, SegmentationArg};
use crate::cli::{Exit, printer, progress};
use crate::engine::{NoduleFinder, NoduleSettings, SeenNodules};
use crate::intake::Search;
use crate::lungs::Lung;
use crate::report::{NoduleTable, nodules_text, observation_line};
use crate::results::{
    self, Algorithm, LungSegments, MeasuredNodule, ScanResults, SegmentationForm, WrittenAt,
};

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
        let mut written = Ok(());
        let observation = finder.observe(&item, |seen| {
            if let Some(folder) = &args.dicom_out {
                let folder = folder.join(format!("{:05}", total + 1));
                written = write_results(&folder, seen, args.dicom_segmentation);
            }
        });
        total += 1;
        failed += usize::from(observation.nodules.is_none() || written.is_err());
        spinner.suspend(|| {
            printer::say(&nodules_text(&observation));
            if let Err(error) = written {
                printer::say(&format!("  no DICOM results: {error:#}"));
            }
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

/// Writes what was found on a scan as DICOM objects into `folder`.
fn write_results(folder: &Path, seen: &SeenNodules<'_>, form: SegmentationArg) -> anyhow::Result<()> {
    let mask = |lung: &Option<Lung>| lung.as_ref().map(|lung| lung.mask.clone());
    let [right, left] = [mask(&seen.lungs.right), mask(&seen.lungs.left)];
    let nodules = seen.nodules.iter().map(|one| MeasuredNodule::of(&one.finding, one.mask.clone()));
    let nodules: Vec<MeasuredNodule> = nodules.collect();
    let results = ScanResults {
        origin: seen.origin,
        volume: seen.volume,
        lungs: Some(LungSegments { left: left.as_ref(), right: right.as_ref() }),
        nodules: &nodules,
        heat_map: None,
        algorithm: &Algorithm::from(seen.provenance),
        written: WrittenAt::now(),
    };
    let form = match form {
        SegmentationArg::Binary => SegmentationForm::Binary,
        SegmentationArg::Labelmap => SegmentationForm::LabelMap,
    };
    results::write_results(folder, &results, form)?;
    Ok(())
}
