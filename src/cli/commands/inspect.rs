//! `pulmo inspect`.

use super::shared::{nothing_to_read, tell_passed_over};
use crate::cli::args::InspectArgs;
use crate::cli::{Exit, printer, progress};
use crate::findings::{Code, Verdict};
use crate::intake::{self, Depth, InspectSettings, Inspection, Readers, Search};
use crate::report::{Phi, code_table, inspection_line, inspection_text};

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    if args.codes {
        printer::data(&code_table())?;
        return Ok(Exit::Done);
    }
    let depth = match (args.headers, args.hash) {
        (true, _) => Depth::Headers,
        (false, true) => Depth::Digest,
        (false, false) => Depth::Values,
    };
    let readers = if args.cross_check { Readers::Both } else { Readers::Ours };
    let settings = InspectSettings { depth, readers, partial: args.read.partial() };
    let phi = if args.phi { Phi::Shown } else { Phi::Hidden };
    let spinner = progress::spinner("inspected");
    let mut search = Search::new(&args.paths, args.read.links());
    let (mut total, mut failed) = (0, 0);
    for (item, inspections) in intake::inspect_all(&mut search, settings) {
        for inspection in &inspections {
            let line = match args.json {
                true => inspection_line(inspection, phi),
                false => inspection_text(inspection, phi),
            };
            spinner.suspend(|| printer::data(&line))?;
        }
        total += 1;
        // what is wrong with a file is the answer, not a failure, unless it cannot be read at all, or is read wrongly
        let is_unreadable = item.refusal() == Some(&Verdict::RejectFile(Code::Unreadable.into()));
        failed += usize::from(is_unreadable || inspections.iter().any(reads_differ));
        spinner.inc(1);
    }
    spinner.finish_and_clear();
    if total == 0 {
        return Err(nothing_to_read(&search));
    }
    tell_passed_over(&search);
    Ok(Exit::of_items(failed, total))
}

/// Whether two readers give other pixels.
fn reads_differ(inspection: &Inspection) -> bool {
    inspection.cross_check.as_ref().is_some_and(|check| check.differing > 0)
}
