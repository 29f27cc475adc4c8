//! `pulmo ensemble`.

use crate::bundle::Bundle;
use crate::cli::args::EnsembleArgs;
use crate::cli::{Exit, printer};

pub(super) fn run(args: &EnsembleArgs) -> anyhow::Result<Exit> {
    let bundles = args.bundles.iter().map(|folder| Bundle::open(folder)).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = bundles.split_first() else { return Ok(Exit::Usage) };
    let name = args.out.file_name().map_or("ensemble".into(), |name| name.to_string_lossy());
    let ensemble = Bundle::ensemble(&name, first, others)?;
    ensemble.write(&args.out)?;
    printer::say(&format!("bundle: {} ({} networks)", args.out.display(), ensemble.networks().count()));
    Ok(Exit::Done)
}
