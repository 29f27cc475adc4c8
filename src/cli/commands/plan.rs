//! `pulmo plan`.

use anyhow::Context;

use crate::cli::args::PlanArgs;
use crate::cli::{Exit, printer, progress};
use crate::cohort::read_manifest;
use crate::intake::free_memory;
use crate::plan::{design, fingerprint, recipe_text};

/// Memory to plan for where the system does not tell, MiB.
const MEMORY_MIB: usize = 4096;

pub(super) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let cases = read_manifest(&args.data)?;
    let bar = progress::bar(cases.len(), "reading cases");
    let found = fingerprint(&cases, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    found.failures.iter().for_each(|failure| printer::say(&failure.to_string()));
    let memory_mib = args.memory_mib.or_else(|| Some(free_memory()? >> 20)).unwrap_or(MEMORY_MIB);
    printer::say(&format!("planning for {memory_mib} MiB of memory"));
    let plan = design(&found, memory_mib);
    let folder = args.data.canonicalize().ok().and_then(|path| Some(path.parent()?.file_name()?.to_owned()));
    let name = folder.map_or("planned".to_owned(), |folder| folder.to_string_lossy().into_owned());
    let text = recipe_text(&name, &found, &plan);
    match &args.out {
        None => printer::data(text.trim_end())?,
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            printer::say(&format!("recipe: {}; read it, then `pulmo train --recipe`", path.display()));
        }
    }
    Ok(Exit::of_items(found.failures.len(), found.cases + found.failures.len()))
}
