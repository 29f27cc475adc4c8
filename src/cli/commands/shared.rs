//! What several commands do alike: open a device, open a bundle, watch a run.

use std::path::Path;

use anyhow::Context;
use indicatif::ProgressBar;

use crate::bundle::{Axis, Bundle, embedded};
use crate::cli::args::DeviceArg;
use crate::cli::exit::UsageError;
use crate::cli::{printer, progress};
use crate::cohort::{Case, Failure, Split, read_manifest};
use crate::gpu::{Choice, Compute};
use crate::train::Event;

/// Opens the device and says which and why.
pub(super) fn open_device(arg: DeviceArg) -> anyhow::Result<Compute> {
    let compute = Compute::open(arg.device).context("cannot open the device (see `pulmo devices`)")?;
    printer::say(&format!("device: {} ({})", compute.name(), compute.reason()));
    Ok(compute)
}

/// Reads the weights that a training starts from.
pub(super) fn read_init(path: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read the weights {}", path.display()))
    };
    path.map(read).transpose()
}

/// Opens the device for a bundle; a GPU that does not compute the bundle's network as the CPU does is
/// refused by name, and the CPU used.
pub(super) fn open_device_for(bundle: &Bundle, arg: DeviceArg) -> anyhow::Result<Compute> {
    let compute = open_device(arg)?;
    if compute.gpu().is_none() {
        return Ok(compute);
    }
    match bundle.self_test(&compute) {
        Ok(()) => Ok(compute),
        Err(error) => {
            printer::say(&format!("{} is not used: {error}; the CPU is used instead", compute.name()));
            Ok(Compute::open(Choice::Cpu)?)
        }
    }
}

/// Opens the bundle in `folder`, or the shipped one, and says which.
pub(super) fn open_bundle(folder: Option<&Path>) -> anyhow::Result<Bundle> {
    let bundle = match folder {
        Some(folder) => Bundle::open(folder)?,
        None => embedded()?,
    };
    let from = folder.map_or("shipped with pulmo".to_owned(), |folder| folder.display().to_string());
    printer::say(&format!("bundle: {} ({from})", bundle.manifest().name));
    Ok(bundle)
}

/// The cases of the manifest `data` that are of the split called `name`.
pub(super) fn cases_of_split(data: &Path, name: &str) -> anyhow::Result<Vec<Case>> {
    let wanted = Split::parse(name)
        .ok_or_else(|| UsageError(format!("a split is train, val or test, not `{name}`")))?;
    let mut cases = read_manifest(data)?;
    cases.retain(|case| case.split == Some(wanted));
    anyhow::ensure!(!cases.is_empty(), "no row of {} has split `{name}`", data.display());
    Ok(cases)
}

/// The axes to mirror along, said aloud.
pub(super) fn mirrors(bundle: &Bundle) -> &[Axis] {
    let axes = &bundle.manifest().mirrors;
    let note = if axes.is_empty() { "; the bundle names no axis to mirror along" } else { "" };
    printer::say(&format!("test-time augmentation: {} views{note}", 1 << axes.len()));
    axes
}

/// Tells of a case that cannot be used.
pub(super) fn tell_failure(failure: &Failure, bar: &ProgressBar) {
    bar.suspend(|| printer::say(&failure.to_string()));
}

/// A watcher that shows cases being read.
pub(super) fn watch_loading(bar: &ProgressBar) -> impl Fn(Event) + Sync + '_ {
    move |event| match event {
        Event::Loaded { done, total } => {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Event::Failed(failure) => tell_failure(failure, bar),
        Event::Warning(what) => bar.suspend(|| printer::say(&format!("warning: {what}"))),
        _ => {}
    }
}

/// A bar for cases being read.
pub(super) fn loading_bar() -> ProgressBar {
    progress::bar(0, "reading cases")
}
