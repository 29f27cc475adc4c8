//! Which air in the body is lung, and of which side.

use ndarray::{Array3, Zip};

use super::LungsError;
use super::blocks::Blocks;
use crate::units::{Hounsfield, Millimetres};
use crate::volume::{Components, eroded, label, squared_distance_mm2};

/// Below this is air or aerated lung: midway between lung (-850) and what lies around it, fat (-100) or muscle (50).
pub(super) const LUNG_HU: Hounsfield = -450.0;
/// Least volume of one lung.
const LUNG_ML: f64 = 50.0;
/// The same as a part of the other.
const SECOND_LUNG: f64 = 0.05;
/// Air that comes no nearer to the midline than this lies beside the body, under an arm.
const ASIDE_MM: Millimetres = 80.0;
/// Air without tissue in it: even in emphysema vessels run through most blocks.
const PURE_AIR_HU: Hounsfield = -965.0;
const PURE_AIR_SHARE: f64 = 0.75;
/// Steps by which lungs that hang together are worn down until they part, and their end.
const WEAR_MM: Millimetres = 2.0;
const MOST_WEAR_MM: Millimetres = 14.0;
/// How far from the midline the middle of a single lung lies at least.
const SIDE_MM: Millimetres = 12.0;
/// Smallest part of aerated lung cut off from the rest, by a consolidation.
const ISLAND_ML: f64 = 4.0;
/// How far from the rest it lies at most, and how far up, as a share of the lung's height: below lies bowel.
const ISLAND_MM: Millimetres = 25.0;
const ISLAND_BASE: f64 = 0.25;

/// Aerated lung by side; `None` where there is none.
pub(super) struct Aerated {
    pub(super) right: Option<Array3<bool>>,
    pub(super) left: Option<Array3<bool>>,
}

/// A part of the air in a body.
struct Part {
    number: usize,
    ml: f64,
    /// Mean x, and the nearest to the midline, in blocks from it; positive to the left.
    mean_x: f64,
    nearest_mm: f64,
    mean_z: f64,
    pure_share: f64,
}

impl Part {
    /// Whether it is neither air beside the body nor air alone.
    fn may_be_lung(&self) -> bool {
        self.nearest_mm < ASIDE_MM && self.pure_share < PURE_AIR_SHARE
    }
}

/// Returns the aerated lungs among the air in a body.
pub(super) fn aerated(blocks: &Blocks, air: &Array3<bool>, middle_x: f64) -> Result<Aerated, LungsError> {
    let parts = label(&eroded(air));
    let described = describe(blocks, &parts, middle_x);
    let candidates: Vec<&Part> =
        described.iter().filter(|part| part.ml >= LUNG_ML / 2.0 && part.may_be_lung()).collect();
    let first = candidates.first().ok_or(LungsError::NoLung)?;
    let second = candidates
        .iter()
        .skip(1)
        .find(|part| part.ml >= SECOND_LUNG * first.ml && part.mean_x.signum() != first.mean_x.signum());
    let mut seeds: Array3<u8> = Array3::zeros(air.dim());
    match second {
        Some(second) => {
            let side = if first.mean_x < second.mean_x { [1, 2] } else { [2, 1] };
            mark(&mut seeds, &parts, first.number, side[0]);
            mark(&mut seeds, &parts, second.number, side[1]);
        }
        None => {
            let whole = parts.labels.mapv(|own| own as usize == first.number);
            match parted(blocks, &whole, middle_x) {
                Some(parted) => seeds = parted,
                None => mark(&mut seeds, &parts, first.number, side_of(first)?),
            }
        }
    }
    add_islands(blocks, &mut seeds, &parts, &described);
    let grown = grown_within(seeds, air, 2);
    let side =
        |number: u8| Some(grown.mapv(|own| own == number)).filter(|mask| mask.iter().any(|inside| *inside));
    Ok(Aerated { right: side(1), left: side(2) })
}

/// 1 for the right and 2 for the left lung.
fn side_of(part: &Part) -> Result<u8, LungsError> {
    if part.mean_x.abs() < SIDE_MM {
        return Err(LungsError::Side { from_midline_mm: part.mean_x });
    }
    Ok(if part.mean_x < 0.0 { 1 } else { 2 })
}

fn mark(seeds: &mut Array3<u8>, parts: &Components, number: usize, side: u8) {
    Zip::from(seeds).and(&parts.labels).for_each(|seed, own| {
        if *own as usize == number {
            *seed = side;
        }
    });
}

fn describe(blocks: &Blocks, parts: &Components, middle_x: f64) -> Vec<Part> {
    let large = parts.sizes.iter().take_while(|size| **size as f64 * blocks.block_ml() >= 1.0).count();
    let column_mm = blocks.spacing_mm[2];
    let mut sums = vec![(0.0, 0.0, f64::INFINITY, 0usize); large];
    Zip::indexed(&parts.labels).and(&blocks.hu).for_each(|(z, _, x), own, hu| {
        if let Some(sums) = (*own as usize).checked_sub(1).and_then(|place| sums.get_mut(place)) {
            let aside = (x as f64 - middle_x) * column_mm;
            sums.0 += aside;
            sums.1 += z as f64;
            sums.2 = sums.2.min(aside.abs());
            sums.3 += usize::from(*hu < PURE_AIR_HU);
        }
    });
    let part = |(place, (x, z, nearest_mm, pure)): (usize, (f64, f64, f64, usize))| {
        let count = parts.sizes[place] as f64;
        let ml = count * blocks.block_ml();
        Part {
            number: place + 1,
            ml,
            mean_x: x / count,
            nearest_mm,
            mean_z: z / count,
            pure_share: pure as f64 / count,
        }
    };
    sums.into_iter().enumerate().map(part).collect()
}

/// Lungs that hang together, parted where they are thinnest; `None` where it is one lung.
fn parted(blocks: &Blocks, whole: &Array3<bool>, middle_x: f64) -> Option<Array3<u8>> {
    let depth = squared_distance_mm2(&whole.mapv(|inside| !inside), blocks.spacing_mm);
    let mut wear_mm = WEAR_MM;
    while wear_mm <= MOST_WEAR_MM {
        let limit = wear_mm * wear_mm;
        let parts = label(&depth.mapv(|squared| f64::from(squared) > limit));
        let described = describe(blocks, &parts, middle_x);
        let large = |part: &&Part| {
            part.ml >= LUNG_ML / 2.0 && part.mean_x.abs() > SIDE_MM && part.nearest_mm < ASIDE_MM
        };
        let largest = |sign: f64| described.iter().filter(large).find(|part| part.mean_x.signum() == sign);
        if let [Some(right), Some(left)] = [-1.0, 1.0].map(largest)
            && right.ml.min(left.ml) >= SECOND_LUNG * right.ml.max(left.ml)
        {
            let mut seeds = Array3::zeros(whole.dim());
            mark(&mut seeds, &parts, right.number, 1);
            mark(&mut seeds, &parts, left.number, 2);
            return Some(grown_within(seeds, whole, usize::MAX));
        }
        wear_mm += WEAR_MM;
    }
    None
}

/// Adds parts of aerated lung that lie beside the lungs, not below them as bowel does.
fn add_islands(blocks: &Blocks, seeds: &mut Array3<u8>, parts: &Components, described: &[Part]) {
    let mut is_main = vec![false; described.len() + 1];
    Zip::from(&*seeds).and(&parts.labels).for_each(|seed, own| {
        if let Some(main) = is_main.get_mut(*own as usize) {
            *main |= *seed > 0;
        }
    });
    let islands: Vec<&Part> = described
        .iter()
        .filter(|part| !is_main[part.number] && part.ml >= ISLAND_ML && part.may_be_lung())
        .collect();
    if islands.is_empty() {
        return;
    }
    let spans = [1, 2].map(|side| span(seeds, side));
    let away = squared_distance_mm2(&seeds.mapv(|seed| seed > 0), blocks.spacing_mm);
    for part in islands {
        let side = if part.mean_x < 0.0 { 1 } else { 2 };
        let Some([low, high]) = spans[usize::from(side == 2)] else { continue };
        let is_near = parts
            .labels
            .iter()
            .zip(&away)
            .any(|(own, away)| *own as usize == part.number && f64::from(*away) < ISLAND_MM * ISLAND_MM);
        if is_near && part.mean_z > low + ISLAND_BASE * (high - low) {
            mark(seeds, parts, part.number, side);
        }
    }
}

/// The first and last slice with a mark.
fn span(seeds: &Array3<u8>, side: u8) -> Option<[f64; 2]> {
    let held = |slice: &ndarray::ArrayView2<'_, u8>| slice.iter().any(|seed| *seed == side);
    let first = seeds.outer_iter().position(|slice| held(&slice))?;
    let last = seeds.outer_iter().rposition(|slice| held(&slice))?;
    Some([first as f64, last as f64])
}

/// Marks grown layer by layer within `limit`, at most so many layers; where two meet, the first stays.
pub(super) fn grown_within(mut marks: Array3<u8>, limit: &Array3<bool>, layers: usize) -> Array3<u8> {
    let (slices, rows, columns) = marks.dim();
    let mut front: Vec<[usize; 3]> =
        marks.indexed_iter().filter(|(_, mark)| **mark > 0).map(|((z, y, x), _)| [z, y, x]).collect();
    for _ in 0..layers {
        let mut next = Vec::new();
        for [z, y, x] in front {
            let mark = marks[[z, y, x]];
            let around = [
                [z.wrapping_sub(1), y, x],
                [z + 1, y, x],
                [z, y.wrapping_sub(1), x],
                [z, y + 1, x],
                [z, y, x.wrapping_sub(1)],
                [z, y, x + 1],
            ];
            for at in around.into_iter().filter(|[z, y, x]| *z < slices && *y < rows && *x < columns) {
                if marks[at] == 0 && limit[at] {
                    marks[at] = mark;
                    next.push(at);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        front = next;
    }
    marks
}
