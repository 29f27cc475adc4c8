//! `pulmo demo`: the main job on phantoms that the shipped bundle has never seen.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;
use ndarray::Axis;
use rayon::prelude::*;

use super::evaluate::{predictions, write_evaluation};
use super::phantom::make_phantoms;
use super::shared::{loading_bar, open_bundle, open_device_for, watch_loading};
use crate::cli::args::DemoArgs;
use crate::cli::exit::UsageError;
use crate::cli::{Exit, printer};
use crate::cohort::read_manifest;
use crate::engine::Engine;
use crate::files::write_png;
use crate::intake::{self, ReadSettings};
use crate::phantom::{Collection, NoduleKind, NoduleTruth, PhantomSettings, StudyTruth};
use crate::report::{Figures, GalleryItem, Page, write_index};
use crate::train::{Evaluated, evaluate};

/// Studies shown in the page.
const SHOWN: usize = 8;
/// Longest side of a picture in pixels.
const PICTURE_SIDE: u32 = 320;
/// Lung window: -600 HU wide 1500, as radiologists set it.
const LUNG_WINDOW_HU: [f32; 2] = [-1350.0, 150.0];

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    if args.studies < 2 {
        return Err(UsageError("--studies must be at least 2: one with a nodule, one without".into()).into());
    }
    let bundle = open_bundle(None)?;
    let compute = open_device_for(&bundle, args.device)?;
    let studies = args.out.join("studies");
    let collection =
        Collection { settings: PhantomSettings::default(), seed: args.seed, studies: args.studies };
    let truths = make_phantoms(&studies, &collection)?;
    let cases = read_manifest(&studies.join("truth.csv"))?;
    let bar = loading_bar();
    let evaluated = evaluate(&Engine::new(&bundle, &compute), &cases, &watch_loading(&bar))?;
    bar.finish_and_clear();
    write_evaluation(&evaluated, &args.out)?;
    let page = args.out.join("index.html");
    write_page(&page, &args.out, &evaluated, &truths)
        .with_context(|| format!("cannot write {}", page.display()))?;
    printer::say(&format!("open {} in a browser; the studies are in {}", page.display(), studies.display()));
    Ok(Exit::of_items(evaluated.failures.len(), cases.len()))
}

fn write_page(page: &Path, out: &Path, evaluated: &Evaluated, truths: &[StudyTruth]) -> anyhow::Result<()> {
    let intro = [
        format!(
            "{} synthetic chest CT studies, made for this run and never seen in training, classified by the \
             bundle that is shipped with pulmo.",
            truths.len()
        ),
        "Phantoms are no patients: these figures show that the software works, not what it is worth in a \
         clinic. For research only; not a medical device."
            .to_owned(),
    ];
    let studies = out.join("studies");
    let shown: Vec<_> = truths.iter().take(SHOWN).collect();
    let gallery = shown
        .par_iter()
        .map(|truth| gallery_item(&studies, truth, evaluated))
        .collect::<anyhow::Result<Vec<GalleryItem>>>()?;
    let page_content = Page {
        title: "pulmo demo",
        intro: &intro,
        evaluation: Some(&evaluated.evaluation),
        figures: Some(&Figures::draw(&evaluated.samples, &evaluated.evaluation)?),
        gallery: &gallery,
        predictions: Some(&predictions(evaluated)),
    };
    Ok(write_index(BufWriter::new(File::create(page)?), &page_content)?)
}

/// The slice through a study's largest nodule, or its middle slice, and what was said of the study.
fn gallery_item(studies: &Path, truth: &StudyTruth, evaluated: &Evaluated) -> anyhow::Result<GalleryItem> {
    let items = intake::find(&[studies.join(&truth.path)]);
    let item = items.first().with_context(|| format!("{} is gone", truth.path))?;
    let volume = item.load(&ReadSettings::default())?.volume;
    let largest = truth.nodules.iter().max_by(|a, b| a.diameter_mm.total_cmp(&b.diameter_mm));
    let middle = volume.grid().shape_zyx()[0] / 2;
    let slice =
        largest.and_then(|nodule| volume.grid().voxel_near(nodule.centre_mm)).map_or(middle, |[z, _, _]| z);
    let png = write_png(volume.voxels().index_axis(Axis(0), slice), LUNG_WINDOW_HU, PICTURE_SIDE)?;
    let scored = evaluated.scored.iter().find(|scored| scored.case.path == truth.path);
    let said = scored.map_or("not classified".to_owned(), |scored| {
        let most = scored.prediction.probabilities.iter().copied().fold(0.0, f32::max);
        format!("predicted {} ({most:.2})", scored.prediction.class)
    });
    let is = largest.map_or("no nodule".to_owned(), describe);
    Ok(GalleryItem { png, caption: format!("{}, slice {slice}: {is}; {said}", truth.path) })
}

fn describe(nodule: &NoduleTruth) -> String {
    let kind = match nodule.kind {
        NoduleKind::Solid => "solid",
        NoduleKind::PartSolid => "part-solid",
        NoduleKind::GroundGlass => "ground-glass",
    };
    format!("{kind} nodule of {:.0} mm", nodule.diameter_mm)
}
