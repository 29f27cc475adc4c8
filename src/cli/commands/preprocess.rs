//! `pulmo preprocess`.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::json;

use super::shared::{open_device, tell_passed_over, tell_warnings};
use super::volume_format::OutputFormat;
use crate::cli::args::PreprocessArgs;
use crate::cli::exit::UsageError;
use crate::cli::{Exit, output, printer};
use crate::files::write_npy;
use crate::gpu::Rescued;
use crate::intake::{Item, ReadSettings, Search};
use crate::preprocess::{Chain, Processor};
use crate::volume::Volume;

pub(super) fn run(args: &PreprocessArgs) -> anyhow::Result<Exit> {
    let placed = args.out.as_deref().map(placed_format).transpose()?.flatten();
    let text = std::fs::read_to_string(&args.chain)
        .with_context(|| format!("cannot read the chain {}", args.chain.display()))?;
    let chain = read_chain(&text).with_context(|| format!("chain {}", args.chain.display()))?;
    if placed.is_some() && !chain.keeps_place() {
        let message =
            "the chain has a `rotate` step, so that voxels lie no longer where a grid says: write .npy";
        return Err(UsageError(message.to_owned()).into());
    }
    let compute = open_device(args.device)?;
    let processor = compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    let mut search = Search::new(std::slice::from_ref(&args.input), args.read.links());
    let items: Vec<Item> = search.by_ref().collect();
    tell_passed_over(&search);
    let item = match items.as_slice() {
        [item] => item,
        [] => bail!("{}: nothing to read there", args.input.display()),
        several => bail!("{} holds {} images or series; name one", args.input.display(), several.len()),
    };
    let mut watch = Stopwatch::started();
    let loaded = item.load(&ReadSettings::default().with_partial(args.read.partial())).map_err(|error| {
        let code = error.code();
        anyhow::Error::new(error).context(format!("{}: {code}: {}", args.input.display(), code.advice()))
    })?;
    tell_warnings(&loaded.warnings);
    let Some(out) = &args.out else {
        printer::data(chain.plan(loaded.volume.grid())?.to_string().trim_end())?;
        return Ok(Exit::Done);
    };
    output::make_folder_of(out)?;
    let load_s = watch.lap_s();
    let Rescued { value: volume, setbacks } = chain.run_anyway(loaded.volume, &processor)?;
    setbacks.iter().for_each(|setback| printer::say(&format!("warning: {setback}")));
    let chain_s = watch.lap_s();
    write(out, placed, &volume).with_context(|| format!("cannot write {}", out.display()))?;
    if args.timings {
        let seconds = json!({ "load_s": load_s, "chain_s": chain_s, "write_s": watch.lap_s() });
        printer::say(&seconds.to_string());
    }
    let (shape, spacing) = (volume.grid().shape_zyx(), volume.grid().spacing_mm());
    printer::say(&format!("{}: shape {shape:?} [z, y, x], spacing {spacing:?}", out.display()));
    Ok(Exit::Done)
}

/// The format that keeps the volume's place; `None` for `.npy`, which does not.
fn placed_format(out: &Path) -> Result<Option<OutputFormat>, UsageError> {
    let is_npy = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
    match OutputFormat::of(out) {
        None if !is_npy => Err(UsageError("--out must end in .npy, .nii, .nii.gz or .mha".to_owned())),
        format => Ok(format),
    }
}

fn write(path: &Path, placed: Option<OutputFormat>, volume: &Volume) -> anyhow::Result<()> {
    match placed {
        Some(format) => format.write(path, volume, "pulmo, preprocessed")?,
        None => write_npy(path, &volume.grid().shape_zyx(), volume.as_slice())?,
    }
    Ok(())
}

/// Tells the seconds since it was last asked.
struct Stopwatch(Instant);

impl Stopwatch {
    fn started() -> Self {
        Self(Instant::now())
    }

    fn lap_s(&mut self) -> f64 {
        let now = Instant::now();
        (now - std::mem::replace(&mut self.0, now)).as_secs_f64()
    }
}

/// A chain by itself, or the `[chain]` of a recipe or bundle.
fn read_chain(text: &str) -> anyhow::Result<Chain> {
    let mut table: toml::Table = toml::from_str(text)?;
    let chain: Chain = match table.remove("chain") {
        Some(chain) => chain.try_into()?,
        None => toml::from_str(text)?,
    };
    chain.validate()?;
    Ok(chain)
}
