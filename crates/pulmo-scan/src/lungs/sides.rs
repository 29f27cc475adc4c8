//! Which air in the body is lung, and of which side.

use ndarray::{Array3, Axis, Zip};

use super::LungsError;
use super::blocks::Blocks;
use super::distance::squared_distance_mm2;
use crate::units::{Hounsfield, Millimetres};
use crate::volume::{Components, label};

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
/// How far from the rest it lies at most.
const ISLAND_MM: Millimetres = 25.0;

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

/// Returns the aerated lungs among the air in a body.
pub(super) fn aerated(blocks: &Blocks, air: &Array3<bool>, middle_x: f64) -> Result<Aerated, LungsError> {
    let core = eroded_once(air);
    let parts = label(&core);
    let described = describe(blocks, &parts, middle_x);
    let is_lung = |part: &&Part| {
        part.ml >= LUNG_ML / 2.0 && part.nearest_mm < ASIDE_MM && part.pure_share < PURE_AIR_SHARE
    };
    let candidates: Vec<&Part> = described.iter().filter(is_lung).collect();
    let first = candidates.first().ok_or(LungsError::NoLung)?;
    let second = candidates.iter().skip(1).find(|part| {
        part.ml >= SECOND_LUNG * first.ml && part.mean_x.signum() != first.mean_x.signum()
    });
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
    add_islands(blocks, &mut seeds, &parts, &described, middle_x);
    let grown = grown_within(seeds, air, 2);
    let side = |number: u8| Some(grown.mapv(|own| own == number)).filter(|mask| mask.iter().any(|inside| *inside));
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
        Part { number: place + 1, ml, mean_x: x / count, nearest_mm, mean_z: z / count, pure_share: pure as f64 / count }
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
        let mut large = described.iter().filter(|part| part.ml >= LUNG_ML / 2.0 && part.mean_x.abs() > SIDE_MM);
        let first = large.next()?;
        let other = large.find(|part| {
            part.mean_x.signum() != first.mean_x.signum() && part.ml >= 0.1 * first.ml && part.nearest_mm < ASIDE_MM
        });
        if let Some(second) = other {
            let mut seeds = Array3::zeros(whole.dim());
            let sides = if first.mean_x < 0.0 { [1, 2] } else { [2, 1] };
            mark(&mut seeds, &parts, first.number, sides[0]);
            mark(&mut seeds, &parts, second.number, sides[1]);
            return Some(grown_within(seeds, whole, usize::MAX));
        }
        wear_mm += WEAR_MM;
    }
    None
}

/// Adds parts of aerated lung that lie beside the lungs, not below them as bowel does.
fn add_islands(blocks: &Blocks, seeds: &mut Array3<u8>, parts: &Components, described: &[Part], middle_x: f64) {
    let base = |side: u8| -> Option<(f64, f64)> {
        let held: Vec<bool> = seeds.outer_iter().map(|slice| slice.iter().any(|seed| *seed == side)).collect();
        Some((held.iter().position(|held| *held)? as f64, held.iter().rposition(|held| *held)? as f64))
    };
    let spans = [base(1), base(2)];
    let main: Vec<bool> = described.iter().map(|part| {
        let found = parts.labels.iter().zip(seeds.iter()).find(|(own, _)| **own as usize == part.number);
        found.is_some_and(|(_, seed)| *seed > 0)
    }).collect();
    let lungs = seeds.mapv(|seed| seed > 0);
    let islands: Vec<&Part> = described
        .iter()
        .zip(&main)
        .filter(|(part, main)| !**main && part.ml >= ISLAND_ML && part.pure_share < PURE_AIR_SHARE && part.nearest_mm < ASIDE_MM)
        .map(|(part, _)| part)
        .collect();
    if islands.is_empty() {
        return;
    }
    let away = squared_distance_mm2(&lungs, blocks.spacing_mm);
    let _ = middle_x;
    for part in islands {
        let side = if part.mean_x < 0.0 { 1 } else { 2 };
        let Some((low, high)) = spans[usize::from(side == 2)] else { continue };
        let near = parts.labels.iter().zip(away.iter()).any(|(own, away)| {
            *own as usize == part.number && f64::from(*away) < ISLAND_MM * ISLAND_MM
        });
        if near && part.mean_z > low + 0.25 * (high - low) {
            mark(seeds, parts, part.number, side);
        }
    }
}

/// What is left after one layer of blocks is taken off.
fn eroded_once(inside: &Array3<bool>) -> Array3<bool> {
    let mut left = inside.clone();
    for axis in (0..3).filter(|axis| inside.len_of(Axis(*axis)) > 1) {
        let (ahead, behind) = (ndarray::Slice::from(1..), ndarray::Slice::from(..-1));
        for (own, other) in [(behind, ahead), (ahead, behind)] {
            Zip::from(left.slice_axis_mut(Axis(axis), own))
                .and(inside.slice_axis(Axis(axis), other))
                .for_each(|own, other| *own &= other);
        }
    }
    left
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
                [z.wrapping_sub(1), y, x], [z + 1, y, x], [z, y.wrapping_sub(1), x],
                [z, y + 1, x], [z, y, x.wrapping_sub(1)], [z, y, x + 1],
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
