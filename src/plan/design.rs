//! The choices, from the fingerprint and the memory at hand.

use super::{Fingerprint, Modality};
use crate::network::NetworkKind;

/// Sides that the network may see.
const SIDES: std::ops::RangeInclusive<usize> = 32..=224;
/// Sides are multiples of it, so that every stage halves them evenly.
const SIDE_STEP: usize = 16;
/// Most slices of a study that are worth reading one by one.
const SLICES: usize = 64;
/// Share of the memory that one training step may take.
const STEP_SHARE: f64 = 0.5;
/// Copies of each feature map in a training step: values, gradients, what normalisation and rectifier keep.
const COPIES: f64 = 8.0;
/// Training steps that a run is worth.
const STEPS: usize = 3000;

/// What a plan chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Single images or whole studies.
    pub kind: NetworkKind,
    /// Spacing `[z, y, x]` to resample to, millimetres; `None` without units.
    pub spacing_mm: Option<[f64; 3]>,
    /// Rows and columns that the network sees.
    pub sides: [usize; 2],
    /// Channels of each stage.
    pub widths: Vec<usize>,
    /// Whether a pooling follows the first convolution.
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides and counts are small and positive"
)]
fn whole(value: f64) -> usize {
    value.round().max(0.0) as usize
}

/// Chooses for a data set and `memory_mib` of memory.
pub fn design(found: &Fingerprint, memory_mib: usize) -> Design {
    let is_single = found.shape[0].max <= 1.0;
    let kind = if is_single { NetworkKind::Slice } else { NetworkKind::Mil };
    let (spacing_mm, sides) = sampling(found);
    let slices = match (kind, spacing_mm) {
        (NetworkKind::Slice, _) => 1,
        (_, Some(spacing)) => whole(found.extent[0].median / spacing[0]).max(1),
        (_, None) => whole(found.shape[0].median).max(1),
    };
    let short = sides[0].min(sides[1]);
    let stem_pool = short >= 128;
    let wanted = if is_single { 16 } else { 4 }.min((found.cases / 4).max(2));
    let (widths, case_mib) = widths(found.cases, short, &|widths| {
        let case_mib = image_mib(sides, widths, if stem_pool { 4 } else { 2 }) * slices as f64;
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
        spacing_mm,
        sides,
        widths,
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

/// Widths for so many cases, halved until `fits` says that a quarter of the batch fits; and the memory of
/// a case, MiB.
fn widths(cases: usize, short: usize, fits: &dyn Fn(&[usize]) -> (bool, f64)) -> (Vec<usize>, f64) {
    let mut widths = match (cases, short) {
        (0..100, _) | (_, 0..48) => vec![16, 32, 64],
        (100..2000, _) => vec![32, 64, 128, 256],
        _ => vec![48, 96, 192, 384],
    };
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
        let steps = whole(side / SIDE_STEP as f64).max(1);
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

/// Memory that an image takes in a training step of a network with one block a stage, MiB.
fn image_mib(sides: [usize; 2], widths: &[usize], stem: usize) -> f64 {
    let mut area = (sides[0] * sides[1]) as f64 / (stem * stem) as f64;
    let mut values = 0.0;
    for &width in widths {
        values += 3.0 * area * width as f64;
        area /= 4.0;
    }
    (values * COPIES * size_of::<f32>() as f64 / f64::from(1 << 20)).max(0.01)
}

#[cfg(test)]
mod tests {
    use super::super::{ClassSize, Range};
    use super::*;

    fn range([min, median, max]: [f64; 3]) -> Range {
        Range { min, median, max }
    }

    fn ct() -> Fingerprint {
        let class = |label: &str, cases| ClassSize { label: label.into(), cases, patients: cases };
        Fingerprint {
            modality: Modality::Hounsfield,
            cases: 300,
            failures: Vec::new(),
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
        let pictures = Fingerprint { modality: Modality::Picture8, shape, ..ct() };
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
