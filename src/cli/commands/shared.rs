//! What several commands do alike: open a device, open a bundle, watch a run.

use std::path::Path;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;

use crate::bundle::{Bundle, embedded};
use crate::cli::args::DeviceArg;
use crate::cli::exit::UsageError;
use crate::cli::{printer, progress};
use crate::cohort::{Case, Failure, Labels, Split, read_cases, read_manifest};
use crate::dicom::{Passed, PassedOver};
use crate::engine::Engine;
use crate::findings::Reason;
use crate::gpu::Choice;
use crate::intake::Search;
use crate::key::{SecretKey, SecretKeyError};
use crate::network::Compute;
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

/// Reads the key that patients, studies and series are named by; a file that is none is a mistake in what was
/// typed.
pub(super) fn read_key(path: &Path) -> anyhow::Result<SecretKey> {
    SecretKey::read(path).map_err(|error| match error {
        SecretKeyError::Length { .. } => UsageError(format!("--key-file {}: {error}", path.display())).into(),
        _ => anyhow::Error::new(error).context(format!("cannot read the key {}", path.display())),
    })
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
    let unbounded = match bundle.domain() {
        Some(_) => "",
        None => {
            "; it does not tell what it was trained on, so it refuses no scan that is unlike (see `pulmo domain`)"
        }
    };
    printer::say(&format!("bundle: {} ({from}){unbounded}", bundle.manifest().name));
    Ok(bundle)
}

/// Says what a search passed over, if anything.
pub(super) fn tell_passed_over(search: &Search) {
    let passed = search.passed_over();
    if !passed.is_empty() {
        printer::say(&format!("passed over: {passed}{}", advice(passed)));
    }
}

/// The error of a search that found nothing, with what was there.
pub(super) fn nothing_to_read(search: &Search) -> anyhow::Error {
    let passed = search.passed_over();
    if passed.is_empty() {
        return anyhow!("there is nothing to read at the given paths: no file is there");
    }
    anyhow!("there is nothing to read at the given paths; passed over: {passed}{}", advice(passed))
}

fn advice(passed: &PassedOver) -> &'static str {
    if passed.count(&Passed::FolderLink) > 0 { " (--follow-links follows links to folders)" } else { "" }
}

/// The cases of the manifest `data`; what was read in another way than it is written is said.
pub(super) fn manifest_cases(data: &Path) -> anyhow::Result<Vec<Case>> {
    Ok(read_cases(data, Labels::Needed, &mut |what| tell_of(data, what))?)
}

/// Says something about a manifest.
pub(super) fn tell_of(data: &Path, what: &str) {
    printer::say(&format!("manifest {}: {what}", data.display()));
}

/// What `--positive` gives; a class that there is not is a mistake in what was typed.
pub(super) fn named_positive<T, E: std::fmt::Display>(given: Result<T, E>) -> anyhow::Result<T> {
    given.map_err(|error| UsageError(format!("--positive: {error}")).into())
}

/// The cases of the manifest `data` that are of the split called `name`.
pub(super) fn cases_of_split(data: &Path, name: &str) -> anyhow::Result<Vec<Case>> {
    of_split(read_manifest(data)?, name, data)
}

/// Those of the `cases` of the manifest `data` that are of the split called `name`.
pub(super) fn of_split(mut cases: Vec<Case>, name: &str, data: &Path) -> anyhow::Result<Vec<Case>> {
    let wanted = Split::parse(name)
        .ok_or_else(|| UsageError(format!("a split is train, val or test, not `{name}`")))?;
    cases.retain(|case| case.split == Some(wanted));
    anyhow::ensure!(!cases.is_empty(), "no row of {} has split `{name}`", data.display());
    Ok(cases)
}

/// Tells what was seen while an item was read.
pub(super) fn tell_warnings(warnings: &[Reason]) {
    warnings.iter().for_each(|reason| printer::say(&format!("warning: {reason} ({})", reason.code.advice())));
}

/// The engine that averages over mirror images, along the axes that training mirrored; said aloud.
pub(super) fn mirrored(engine: Engine) -> Engine {
    let axes = engine.manifest().mirrors.clone();
    let note = if axes.is_empty() { "; the bundle names no axis to mirror along" } else { "" };
    printer::say(&format!("test-time augmentation: {} views{note}", 1 << axes.len()));
    engine.with_mirrors(&axes)
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
