//! `pulmo plan`.

use crate::cli::args::PlanArgs;
use crate::cli::{Exit, output, printer, progress};
use crate::cohort::read_manifest;
use crate::plan::{design, fingerprint, recipe_text};

/// Memory to plan for where the system does not tell, MiB.
const MEMORY_MIB: usize = 4096;

pub(super) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let cases = read_manifest(&args.data)?;
    args.out.as_deref().map(output::make_folder_of).transpose()?;
    let bar = progress::bar(cases.len(), "reading cases");
    let found = fingerprint(&cases, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    found.failures.iter().for_each(|failure| printer::say(&failure.to_string()));
    let memory_mib = args.memory_mib.or_else(free_mib).unwrap_or(MEMORY_MIB);
    printer::say(&format!("planning for {memory_mib} MiB of memory"));
    let plan = design(&found, memory_mib);
    let folder = args.data.canonicalize().ok().and_then(|path| Some(path.parent()?.file_name()?.to_owned()));
    let name = folder.map_or("planned".to_owned(), |folder| folder.to_string_lossy().into_owned());
    let text = recipe_text(&name, &found, &plan);
    match &args.out {
        None => printer::data(text.trim_end())?,
        Some(path) => {
            output::write_file(path, text)?;
            printer::say(&format!("recipe: {}; read it, then `pulmo train --recipe`", path.display()));
        }
    }
    Ok(Exit::of_items(found.failures.len(), found.cases + found.failures.len()))
}

/// Free memory as Linux tells it.
fn free_mib() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<usize>().ok()? / 1024)
}
