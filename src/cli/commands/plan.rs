//! `pulmo plan`.

use super::shared::{manifest_cases, named_positive};
use crate::cli::args::PlanArgs;
use crate::cli::{Exit, output, printer, progress};
use crate::cohort::{labels, positive_last};
use crate::intake::free_memory;
use crate::plan::{design, fingerprint, recipe_text};

/// Memory to plan for where the system does not tell, MiB.
const MEMORY_MIB: usize = 4096;

pub(super) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let cases = manifest_cases(&args.data)?;
    let mut classes = labels(&cases);
    if let Some(positive) = &args.positive {
        classes = named_positive(positive_last(&classes, positive))?;
    }
    args.out.as_deref().map(output::make_folder_of).transpose()?;
    let bar = progress::bar(cases.len(), "reading cases");
    let found = fingerprint(&cases, args.series.partial(), &|done| bar.set_position(done as u64))?;
    let found = found.with_order(&classes);
    bar.finish_and_clear();
    for class in found.classes.iter().filter(|class| class.patients < 2) {
        printer::say(&format!(
            "class `{}` has {} patients outside the test split, too few to train and to validate on",
            class.label, class.patients
        ));
    }
    found.failures.iter().chain(&found.partial).for_each(|failure| printer::say(&failure.to_string()));
    let memory_mib = args.memory_mib.or_else(|| Some(free_memory()? >> 20)).unwrap_or(MEMORY_MIB);
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
