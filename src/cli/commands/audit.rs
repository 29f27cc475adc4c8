//! `pulmo audit`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;
use ndarray::Axis;

use super::shared::manifest_cases;
use crate::audit::{Audit, SharedImages, audit};
use crate::cli::args::AuditArgs;
use crate::cli::{Exit, output, printer, progress};
use crate::cohort::{self, Case, Split};
use crate::dicom::Partial;
use crate::files::write_png;
use crate::report::{GalleryItem, audit_json, audit_text, write_audit};

/// Pairs and patients listed on the terminal.
const LISTED: usize = 20;
/// Pairs shown as pictures.
const SHOWN: usize = 40;
/// Longest side of a picture in pixels.
const PICTURE_SIDE: u32 = 200;
/// Lung window: -600 HU wide 1500, as radiologists set it.
const LUNG_WINDOW_HU: [f32; 2] = [-1350.0, 150.0];

pub(super) fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    let cases = manifest_cases(&args.data)?;
    args.out.as_deref().map(output::make_folder).transpose()?;
    let bar = progress::bar(cases.len(), "reading cases");
    let found = audit(&cases, args.series.partial(), &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    printer::data(audit_text(&found, LISTED).trim_end())?;
    if let Some(out) = &args.out {
        write(&found, out, args.series.partial())
            .with_context(|| format!("cannot write into {}", out.display()))?;
        printer::say(&format!("written: {}", out.display()));
    }
    Ok(match found.is_clean() {
        _ if found.failures.len() == cases.len() => Exit::Nothing,
        true => Exit::Done,
        false => Exit::Partly,
    })
}

fn write(found: &Audit, out: &Path, partial: Partial) -> anyhow::Result<()> {
    output::write_file(&out.join("audit.json"), audit_json(found)?)?;
    let pictures: Vec<GalleryItem> = found
        .shared_images
        .iter()
        .take(SHOWN)
        .enumerate()
        .flat_map(|(index, pair)| pictures(index, pair, partial))
        .collect();
    Ok(write_audit(BufWriter::new(File::create(out.join("index.html"))?), found, &pictures)?)
}

/// The two pictures of a pair; one that cannot be drawn is left out.
fn pictures(index: usize, pair: &SharedImages, partial: Partial) -> Vec<GalleryItem> {
    let draw = |case: &Case| {
        let (_, loaded) = cohort::open(case, partial).ok()?;
        let slice = loaded.volume.grid().shape_zyx()[0] / 2;
        let range = loaded.max_value.map_or(LUNG_WINDOW_HU, |white| [0.0, white]);
        let png = write_png(loaded.volume.voxels().index_axis(Axis(0), slice), range, PICTURE_SIDE).ok()?;
        let split = case.split.map_or("no split", Split::name);
        Some(GalleryItem {
            png,
            caption: format!("pair {}: {} ({}, {split})", index + 1, case.path, case.label),
        })
    };
    pair.cases.iter().filter_map(draw).collect()
}
