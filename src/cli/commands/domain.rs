//! `pulmo domain`.

use anyhow::Context;

use super::shared::{loading_bar, manifest_cases, open_device_for, watch_loading};
use crate::bundle::Bundle;
use crate::cli::args::DomainArgs;
use crate::cli::{Exit, output, printer};
use crate::domain::{Boundary, DomainConfig, FactRange};
use crate::facts::Fact;
use crate::train::{DomainJob, fit_domain};

pub(super) fn run(args: &DomainArgs) -> anyhow::Result<Exit> {
    let cases = manifest_cases(&args.data)?;
    let bundle = Bundle::open(&args.bundle)?;
    let compute = open_device_for(&bundle, args.device)?;
    let out = args.out.as_deref().unwrap_or(&args.bundle);
    output::make_folder(out)?;
    let job = DomainJob {
        config: DomainConfig::default(),
        cache: out.join("cache-domain"),
        compute,
        partial: args.series.partial(),
    };
    let bar = loading_bar();
    let fitted = fit_domain(&bundle, &cases, &job, &watch_loading(&bar))?;
    bar.finish_and_clear();
    fitted.write(out)?;
    printer::data(&told(fitted.domain().context("no domain was fitted")?.boundary()))?;
    printer::say(&format!("bundle with its domain: {}", out.display()));
    Ok(Exit::Done)
}

/// What of a domain people can read, a line each.
fn told(boundary: &Boundary) -> String {
    let mut lines = vec![format!(
        "fitted on {} training and {} validation cases",
        boundary.train_cases, boundary.validation_cases
    )];
    let range = |(fact, range): (&Fact, &FactRange)| {
        format!("{}: {:.2} to {:.2}{}", fact.words(), range.least, range.most, fact.unit())
    };
    lines.extend(boundary.ranges.iter().map(range));
    let limit = |limit: &f64| format!("distance of the network's features: at most {limit:.2}");
    lines.extend(boundary.limits.iter().map(limit));
    lines.join("\n")
}
