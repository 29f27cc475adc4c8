//! `pulmo compare`.

use std::path::Path;

use anyhow::Context;

use crate::cli::args::CompareArgs;
use crate::cli::{Exit, printer};
use crate::metrics::EvaluationSettings;
use crate::report::{Predictions, compare, comparison_json, comparison_text};

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let (first, second) = (read(&args.a)?, read(&args.b)?);
    let comparison = compare([&first, &second], args.class.as_deref(), &EvaluationSettings::default())?;
    let names = [args.a.display().to_string(), args.b.display().to_string()];
    let names = names.each_ref().map(String::as_str);
    printer::data(&match args.json {
        true => comparison_json(&comparison, names)?,
        false => comparison_text(&comparison, names),
    })?;
    Ok(if comparison.roc_auc.is_some() { Exit::Done } else { Exit::Nothing })
}

fn read(path: &Path) -> anyhow::Result<Predictions> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Predictions::read(file).with_context(|| format!("cannot read {}", path.display()))
}
