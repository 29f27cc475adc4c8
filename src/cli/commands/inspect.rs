//! `pulmo inspect`.

use anyhow::bail;

use crate::cli::args::InspectArgs;
use crate::cli::{Exit, printer, progress};
use crate::findings::{Code, Verdict};
use crate::intake::{self, Depth, Item};
use crate::report::{Identity, code_table, inspection_line, inspection_text};

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
    let identity = if args.phi { Identity::Shown } else { Identity::Hidden };
    let spinner = progress::spinner("reading headers");
    let items = intake::find(&args.paths);
    spinner.finish_and_clear();
    if items.is_empty() {
        bail!("there is nothing to read at the given paths");
    }
    let bar = progress::bar(items.len(), "inspecting");
    for inspections in intake::inspect_all(&items, depth) {
        for inspection in &inspections {
            let line = match args.json {
                true => inspection_line(inspection, identity),
                false => inspection_text(inspection, identity),
            };
            bar.suspend(|| printer::data(&line))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    // what is wrong with a file is the answer, not a failure, unless it cannot be read at all
    let is_unreadable = |item: &&Item| item.refusal() == Some(&Verdict::RejectFile(Code::Unreadable.into()));
    Ok(Exit::of_items(items.iter().filter(is_unreadable).count(), items.len()))
}
