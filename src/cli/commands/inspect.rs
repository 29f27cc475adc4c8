//! `pulmo inspect`.

use super::shared::{nothing_to_read, tell_passed_over};
use crate::cli::args::InspectArgs;
use crate::cli::{Exit, printer, progress};
use crate::findings::{Code, Verdict};
use crate::intake::{self, Depth, InspectSettings, Search};
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
    let settings = InspectSettings { depth, partial: args.read.partial() };
    let phi = if args.phi { Phi::Shown } else { Phi::Hidden };
    let spinner = progress::spinner("inspected");
    let mut search = Search::new(&args.paths, args.read.links());
    let (mut total, mut unreadable) = (0, 0);
    for (item, inspections) in intake::inspect_all(&mut search, settings) {
        for inspection in &inspections {
            let line = match args.json {
                true => inspection_line(inspection, phi),
                false => inspection_text(inspection, phi),
            };
            spinner.suspend(|| printer::data(&line))?;
        }
        total += 1;
        // what is wrong with a file is the answer, not a failure, unless it cannot be read at all
        unreadable += usize::from(item.refusal() == Some(&Verdict::RejectFile(Code::Unreadable.into())));
        spinner.inc(1);
    }
    spinner.finish_and_clear();
    if total == 0 {
        return Err(nothing_to_read(&search));
    }
    tell_passed_over(&search);
    Ok(Exit::of_items(unreadable, total))
}
