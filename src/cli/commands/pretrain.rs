//! `pulmo pretrain`.

use super::shared::{open_device, tell_of};
use super::train::Watch;
use crate::cli::args::PretrainArgs;
use crate::cli::{Exit, printer};
use crate::cohort::{Labels, read_cases};
use crate::train::{PretrainJob, Recipe, pretrain};

pub(super) fn run(args: &PretrainArgs) -> anyhow::Result<Exit> {
    let mut recipe = Recipe::read(&args.recipe)?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let mut cases = Vec::new();
    for manifest in &args.data {
        cases.extend(read_cases(manifest, Labels::Ignored, &mut |what| tell_of(manifest, what))?);
    }
    let (compute, partial) = (open_device(args.device)?, args.series.partial());
    let job = PretrainJob { recipe, cases, out: args.out.clone(), compute, partial };
    let watch = Watch::new();
    let pretrained = pretrain(&job, &|event| watch.see(event))?;
    watch.finish();
    printer::say(&format!("weights to start from: {} (pulmo train --init)", pretrained.weights.display()));
    Ok(Exit::Done)
}
