//! The choices, from the fingerprint and the memory at hand.

use super::{Fingerprint, Modality};
use crate::geometry::whole;
use crate::network::NetworkKind;

/// Sides that the network may see.
const SIDES: std::ops::RangeInclusive<usize> = 32..=224;
/// Sides are multiples of it, so that every stage halves them evenly.
const SIDE_STEP: usize = 16;
/// Most slices of a study that are worth reading one by one.
const SLICES: usize = 64;
/// Share of the memory that one training step may take.
const STEP_SHARE: f64 = 0.5;
/// Distance of slices over distance of pixels up to which a volume is seen in all directions alike.
const ISOTROPIC: f64 = 2.0;
/// Cases that must fit into a step of a `volume` network.
const VOLUMES: f64 = 2.0;
/// Slices of a `volume` network are multiples of it.
const SLICE_STEP: usize = 4;
/// Copies of each feature map in a training step: values, gradients, what normalisation and rectifier keep.
const COPIES: f64 = 8.0;
/// Training steps that a run is worth.
const STEPS: usize = 3000;

/// What a plan chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Single images or whole studies.
    pub kind: NetworkKind,
    /// Why.
    pub kind_reason: String,
    /// Spacing `[z, y, x]` to resample to, millimetres; `None` without units.
    pub spacing_mm: Option<[f64; 3]>,
    /// Rows and columns that the network sees.
    pub sides: [usize; 2],
    /// Slices that the network sees; 0 for all.
    pub slices: usize,
    /// Channels of each stage.
    pub widths: Vec<usize>,
    /// Stride of the first convolution.
    pub stem_stride: usize,
    /// Whether a pooling follows it.
    pub stem_pool: bool,
    /// Memory planned for, MiB.
    pub memory_mib: usize,
    /// Cases a step.
    pub batch_size: usize,
    /// Memory of a training step as estimated, MiB.
    pub step_mib: usize,
    /// Memory for preprocessed cases, MiB.
    pub cache_mib: usize,
    /// Passes over the data.
    pub epochs: usize,
    /// Epochs without a better validation AUC after which training stops.
    pub patience: usize,
    /// Weight of the past in the averaged weights.
    pub average_decay: f64,
    /// Folds; 0 for one training.
    pub folds: usize,
    /// Largest class over smallest.
    pub imbalance: f64,
}

/// Chooses for a data set and `memory_mib` of memory.
pub fn design(found: &Fingerprint, memory_mib: usize) -> Design {
    let (spacing_mm, sides) = sampling(found);
    let median = match spacing_mm {
        Some(spacing) if spacing[0] > 0.0 => found.extent[0].median / spacing[0],
        _ => found.shape[0].median,
    };
    let slices = whole(median.round()).max(1);
    let (kind, kind_reason) = representation(found, spacing_mm, [slices, sides[0], sides[1]], memory_mib);
    let slices = if kind == NetworkKind::Volume { slices.next_multiple_of(SLICE_STEP) } else { slices };
    let seen = [slices, sides[0], sides[1]];
    let (stem_stride, stem_pool) = stem(kind, sides);
    let most = if kind == NetworkKind::Slice { 16 } else { 4 };
    let wanted = most.min((found.cases / 4).max(2));
    let short = sides[0].min(sides[1]);
    let (widths, case_mib) = widths(found.cases, short, &|widths| {
        let case_mib = case_mib(kind, seen, widths);
        (case_mib * (wanted as f64 / 4.0).max(1.0) <= STEP_SHARE * memory_mib as f64, case_mib)
    });
    let fits = STEP_SHARE * memory_mib as f64 / case_mib;
    let batch_size = wanted.min(whole(fits.floor())).max(1);
    let per_epoch = found.cases.div_ceil(batch_size);
    // few cases are soon known by heart
    let most = if found.cases < 100 { 40 } else { 100 };
    let epochs = (STEPS / per_epoch).clamp(20, most);
    let voxels = found.cases * 2 * slices * sides[0] * sides[1];
    let sizes = || found.classes.iter().map(|class| class.cases.max(1) as f64);
    let patients = found.classes.iter().map(|class| class.patients).min().unwrap_or(0);
    Design {
        kind,
        kind_reason,
        spacing_mm,
        sides,
        slices: if kind == NetworkKind::Volume { slices } else { 0 },
        widths,
        stem_stride,
        stem_pool,
        memory_mib,
        batch_size,
        step_mib: whole((case_mib * batch_size as f64).ceil()),
        cache_mib: ((voxels * size_of::<f32>()) >> 20).clamp(64, (memory_mib / 4).max(64)),
        epochs,
        patience: epochs / 3,
        average_decay: if epochs * per_epoch > 1000 { 0.99 } else { 0.95 },
        folds: if found.has_splits || patients < 2 { 0 } else { patients.min(5) },
        imbalance: sizes().fold(1.0, f64::max) / sizes().fold(f64::INFINITY, f64::min),
    }
}

/// Single images, studies slice by slice, or studies as volumes; and why.
fn representation(
    found: &Fingerprint,
    spacing_mm: Option<[f64; 3]>,
    seen: [usize; 3],
    memory_mib: usize,
) -> (NetworkKind, String) {
    if found.shape[0].max <= 1.0 {
        return (NetworkKind::Slice, "Every case is one image.".into());
    }
    let by_slices = "all slices are read one by one, attention says which count.";
    let Some([through, plane, _]) = spacing_mm else {
        return (NetworkKind::Mil, format!("Cases have several slices of unknown distance: {by_slices}"));
    };
    let ratio = through / plane;
    if !(1.0 / ISOTROPIC..=ISOTROPIC).contains(&ratio) {
        let why = format!("Slices are {ratio:.1} times as far apart as pixels: {by_slices}");
        return (NetworkKind::Mil, why);
    }
    let [slices, rows, columns] = seen;
    let step_mib =
        VOLUMES * case_mib(NetworkKind::Volume, seen, &first_widths(found.cases, rows.min(columns)));
    if step_mib > STEP_SHARE * memory_mib as f64 {
        let why =
            format!("Two volumes of {slices} slices take about {step_mib:.0} MiB, too much: {by_slices}");
        return (NetworkKind::Mil, why);
    }
    let why = format!(
        "Slices are {ratio:.1} times as far apart as pixels and {slices} of them fit into memory: convolutions \
         see all three directions."
    );
    (NetworkKind::Volume, why)
}

/// Stride of the first convolution, and whether a pooling follows it.
fn stem(kind: NetworkKind, sides: [usize; 2]) -> (usize, bool) {
    let is_large = sides[0].min(sides[1]) >= 128;
    match kind {
        NetworkKind::Volume if is_large => (4, false),
        NetworkKind::Volume => (2, false),
        NetworkKind::Slice | NetworkKind::Mil => (2, is_large),
    }
}

/// Widths for so many cases before memory is looked at.
fn first_widths(cases: usize, short: usize) -> Vec<usize> {
    match (cases, short) {
        (0..100, _) | (_, 0..48) => vec![16, 32, 64],
        (100..2000, _) => vec![32, 64, 128, 256],
        _ => vec![48, 96, 192, 384],
    }
}

/// Widths for so many cases, halved until `fits` says that a quarter of the batch fits; and the memory of
/// a case, MiB.
fn widths(cases: usize, short: usize, fits: &dyn Fn(&[usize]) -> (bool, f64)) -> (Vec<usize>, f64) {
    let mut widths = first_widths(cases, short);
    loop {
        let (does_fit, case_mib) = fits(&widths);
        if does_fit || widths[0] <= 8 {
            return (widths, case_mib);
        }
        widths.iter_mut().for_each(|width| *width /= 2);
    }
}

/// Spacing, and rows and columns.
fn sampling(found: &Fingerprint) -> (Option<[f64; 3]>, [usize; 2]) {
    let rounded = |side: f64| {
        let steps = whole((side / SIDE_STEP as f64).round()).max(1);
        (steps * SIDE_STEP).clamp(*SIDES.start(), *SIDES.end())
    };
    if found.modality != Modality::Hounsfield {
        let [_, rows, columns] = found.shape.map(|range| range.median);
        // pictures of many shapes are stretched to a square, those of one shape keep it
        let is_one_shape =
            found.shape[1].min == found.shape[1].max && found.shape[2].min == found.shape[2].max;
        let sides = if is_one_shape {
            let shrink = (*SIDES.end() as f64 / rows.max(columns)).min(1.0);
            [rounded(rows * shrink), rounded(columns * shrink)]
        } else {
            [rounded(rows.min(columns)); 2]
        };
        return (None, sides);
    }
    let extent = found.extent.map(|range| range.median);
    let finest = found.spacing_mm.map(|range| range.median);
    let plane = finest[1].max(finest[2]).max(extent[1].max(extent[2]) / *SIDES.end() as f64);
    let through = if found.shape[0].max <= 1.0 { 0.0 } else { finest[0].max(extent[0] / SLICES as f64) };
    let nice = |spacing: f64| (spacing * 100.0).ceil() / 100.0;
    let spacing = [nice(through), nice(plane), nice(plane)];
    (Some(spacing), [rounded(extent[1] / spacing[1]), rounded(extent[2] / spacing[2])])
}

/// Memory that a case of `seen` slices, rows and columns takes in a training step of a network with one
/// block a stage, MiB.
fn case_mib(kind: NetworkKind, seen: [usize; 3], widths: &[usize]) -> f64 {
    let [slices, rows, columns] = seen;
    let (stride, pool) = stem(kind, [rows, columns]);
    let shrink = (stride * if pool { 2 } else { 1 }) as f64;
    // every stage halves the rows and columns, and the slices of a volume
    let directions = if kind == NetworkKind::Volume { 3 } else { 2 };
    let mut voxels = (slices * rows * columns) as f64 / shrink.powi(directions);
    let mut values = 0.0;
    for &width in widths {
        values += 3.0 * voxels * width as f64;
        voxels /= 2.0f64.powi(directions);
    }
    (values * COPIES * size_of::<f32>() as f64 / f64::from(1 << 20)).max(0.01)
}

#[cfg(test)]
mod tests {
    use super::super::{ClassSize, RangeSummary};
    use super::*;

    fn range([min, median, max]: [f64; 3]) -> RangeSummary {
        RangeSummary { min, median, max }
    }

    fn ct() -> Fingerprint {
        let class = |label: &str, cases| ClassSize { label: label.into(), cases, patients: cases };
        Fingerprint {
            modality: Modality::Hounsfield,
            cases: 300,
            failures: Vec::new(),
            partial: Vec::new(),
            classes: vec![class("a", 200), class("b", 100)],
            has_splits: false,
            shape: [range([100.0, 300.0, 400.0]), range([512.0; 3]), range([512.0; 3])],
            spacing_mm: [range([1.0; 3]), range([0.6, 0.7, 0.9]), range([0.6, 0.7, 0.9])],
            extent: [
                range([100.0, 300.0, 400.0]),
                range([300.0, 358.4, 460.0]),
                range([300.0, 358.4, 460.0]),
            ],
            clip: [-1000.0, 300.0],
            mean: -500.0,
            deviation: 400.0,
        }
    }

    #[test]
    fn volumes_are_read_whole_at_a_spacing_that_fits() {
        let plan = design(&ct(), 8192);
        assert_eq!((plan.kind, plan.sides, plan.folds), (NetworkKind::Mil, [224, 224], 5));
        assert_eq!(plan.spacing_mm, Some([4.69, 1.6, 1.6]));
        assert!(plan.step_mib <= 4096 && plan.batch_size >= 1, "{plan:?}");
        assert_eq!(plan.imbalance, 2.0);
    }

    /// Boxes of 64 mm around a finding, at nearly the same distance in all directions.
    fn boxes() -> Fingerprint {
        let sides = [range([30.0, 42.0, 50.0]), range([64.0; 3]), range([64.0; 3])];
        let spacing = [range([1.0, 1.5, 2.0]), range([1.0; 3]), range([1.0; 3])];
        let extent = [range([60.0, 63.0, 66.0]), range([64.0; 3]), range([64.0; 3])];
        Fingerprint { shape: sides, spacing_mm: spacing, extent, ..ct() }
    }

    #[test]
    fn small_isotropic_studies_are_seen_as_volumes() {
        let plan = design(&boxes(), 8192);
        assert_eq!((plan.kind, plan.slices, plan.sides), (NetworkKind::Volume, 44, [64, 64]));
        assert_eq!((plan.stem_stride, plan.stem_pool), (2, false));
        assert!(plan.batch_size >= 2 && plan.step_mib <= 4096, "{plan:?}");
    }

    #[test]
    fn studies_too_large_or_too_coarse_are_read_slice_by_slice() {
        let little = design(&boxes(), 64);
        assert_eq!((little.kind, little.slices), (NetworkKind::Mil, 0));
        assert!(little.kind_reason.contains("too much"), "{}", little.kind_reason);
        let coarse = [range([5.0; 3]), range([1.0; 3]), range([1.0; 3])];
        let coarse = design(&Fingerprint { spacing_mm: coarse, ..boxes() }, 8192);
        assert_eq!(coarse.kind, NetworkKind::Mil);
        assert!(coarse.kind_reason.contains("5.0 times as far apart"), "{}", coarse.kind_reason);
        let unknown = Fingerprint { modality: Modality::Array, ..boxes() };
        assert_eq!(design(&unknown, 8192).kind, NetworkKind::Mil);
    }

    #[test]
    fn less_memory_gives_a_smaller_batch() {
        let (much, little) = (design(&ct(), 65536), design(&ct(), 2048));
        assert!(much.batch_size > little.batch_size, "{} {}", much.batch_size, little.batch_size);
        let least = design(&ct(), 512);
        assert!(least.widths[0] < much.widths[0] && least.batch_size == 1, "{least:?}");
    }

    #[test]
    fn pictures_of_many_shapes_become_squares() {
        let shape = [range([1.0; 3]), range([98.0, 250.0, 1049.0]), range([115.0, 350.0, 1671.0])];
        let pictures = Fingerprint { modality: Modality::Picture, shape, ..ct() };
        let plan = design(&pictures, 8192);
        assert_eq!((plan.kind, plan.spacing_mm), (NetworkKind::Slice, None));
        assert_eq!((plan.sides, plan.batch_size), ([224, 224], 16));
        let small = Fingerprint { shape: [range([1.0; 3]), range([40.0; 3]), range([60.0; 3])], ..pictures };
        assert_eq!(design(&small, 8192).sides, [48, 64]);
    }

    #[test]
    fn named_splits_are_kept() {
        assert_eq!(design(&Fingerprint { has_splits: true, ..ct() }, 8192).folds, 0);
    }
}
