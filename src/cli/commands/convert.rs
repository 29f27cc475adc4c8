//! `pulmo convert`.

use std::path::Path;

use anyhow::{Context, bail};

use super::shared::{tell_passed_over, tell_warnings};
use super::volume_format::OutputFormat;
use crate::cli::args::ConvertArgs;
use crate::cli::exit::UsageError;
use crate::cli::{Exit, output, printer};
use crate::dicom::Irregular;
use crate::intake::{Item, ItemKind, ReadSettings, Search};

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<Exit> {
    let Some(format) = OutputFormat::of(&args.out) else {
        return Err(UsageError("--out must end in .nii, .nii.gz or .mha".to_owned()).into());
    };
    let mut search = Search::new(std::slice::from_ref(&args.input), args.read.links());
    let items: Vec<Item> = search.by_ref().collect();
    tell_passed_over(&search);
    let item = only_volume(&items, &args.input)?;
    let mut settings = ReadSettings::default();
    settings.assemble.partial = args.read.partial();
    if args.regularize {
        settings.assemble.irregular = Irregular::Resample;
    }
    let loaded = item.load(&settings).map_err(|error| {
        let code = error.code();
        anyhow::Error::new(error).context(format!("{}: {code}: {}", item.path.display(), code.advice()))
    })?;
    tell_warnings(&loaded.warnings);
    output::make_folder_of(&args.out)?;
    format
        .write(&args.out, &loaded.volume, "pulmo, Hounsfield units")
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    let grid = loaded.volume.grid();
    let (shape, spacing) = (grid.shape_zyx(), grid.spacing_mm());
    printer::say(&format!("{}: shape {shape:?} [z, y, x], spacing {spacing:?} mm", args.out.display()));
    Ok(Exit::Done)
}

/// The one series or volume among the items.
fn only_volume<'a>(items: &'a [Item], input: &Path) -> anyhow::Result<&'a Item> {
    let volumes: Vec<&Item> =
        items.iter().filter(|item| matches!(item.kind(), ItemKind::Series | ItemKind::VolumeFile)).collect();
    match volumes[..] {
        [volume] => Ok(volume),
        [] => match items.iter().find_map(|item| item.refusal()?.reasons().first().cloned()) {
            Some(reason) => bail!("{}: {reason}; {}", input.display(), reason.code.advice()),
            None => bail!("{}: there is no series or volume", input.display()),
        },
        [..] => bail!("{} holds {} series or volumes; name one", input.display(), volumes.len()),
    }
}
