//! Trachea and main bronchi, followed from the head down.

use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::blocks::Blocks;
use crate::units::{Hounsfield, Millimetres};

/// Below this a block is lumen; where lung hangs on to it in a slice, the next is tried.
const LUMEN_HU: [Hounsfield; 5] = [-550.0, -700.0, -820.0, -900.0, -940.0];
/// Area of a normal trachea in a slice (inner diameters of 10 to 27 mm: Breatnach 1984, doi:10.2214/ajr.142.5.903).
const TRACHEA_MM2: std::ops::RangeInclusive<f64> = 70.0..=650.0;
/// Most that trachea and main bronchi have in one slice: where they part, they lie in it lengthwise.
const MOST_MM2: f64 = 1000.0;
/// By what an area may grow from one slice to the next.
const GROWTH: f64 = 1.7;
const GROWTH_MM2: f64 = 120.0;
/// How far from the midline a trachea lies at most.
const ASIDE_MM: Millimetres = 40.0;
/// Length of air by which a trachea is known.
const LENGTH_MM: Millimetres = 25.0;
/// How far below the carina a main bronchus is followed.
const BELOW_CARINA_MM: Millimetres = 35.0;
/// Half the width of what is looked at.
const REACH_MM: Millimetres = 65.0;

/// Returns the lumen of trachea and main bronchi; empty where no trachea is found.
pub(super) fn airway(blocks: &Blocks, body: &Array3<bool>, middle_x: f64) -> Array3<bool> {
    let tracker = Tracker::new(blocks, body, middle_x);
    let slices = blocks.hu.len_of(Axis(0));
    for top in (0..slices).rev() {
        for seed in tracker.seeds(top) {
            let track = tracker.followed(top, &seed);
            if track.slices as f64 * blocks.spacing_mm[0] >= LENGTH_MM {
                return track.lumen;
            }
        }
    }
    Array3::from_elem(blocks.hu.dim(), false)
}

/// Places `[y, x]` in a slice that hang together.
type Places = Vec<[usize; 2]>;

struct Track {
    lumen: Array3<bool>,
    slices: usize,
}

struct Tracker<'a> {
    blocks: &'a Blocks,
    body: &'a Array3<bool>,
    columns: std::ops::Range<usize>,
    middle_x: f64,
    block_mm2: f64,
}

impl<'a> Tracker<'a> {
    fn new(blocks: &'a Blocks, body: &'a Array3<bool>, middle_x: f64) -> Self {
        let reach = blocks.steps(2, REACH_MM);
        let middle = crate::geometry::whole(middle_x);
        let columns = middle.saturating_sub(reach)..(middle + reach).min(blocks.hu.len_of(Axis(2)));
        let block_mm2 = blocks.spacing_mm[1] * blocks.spacing_mm[2];
        Self { blocks, body, columns, middle_x, block_mm2 }
    }

    fn area_mm2(&self, places: &Places) -> f64 {
        places.len() as f64 * self.block_mm2
    }

    /// Air in a slice that may be a trachea, the largest first.
    fn seeds(&self, z: usize) -> Vec<Places> {
        let mut seeds: Vec<Places> = self.parts(z, LUMEN_HU[0], None);
        seeds.retain(|places| self.is_round(places));
        seeds.sort_by_key(|places| std::cmp::Reverse(places.len()));
        seeds
    }

    fn is_round(&self, places: &Places) -> bool {
        let [_, row_mm, column_mm] = self.blocks.spacing_mm;
        let extent = |axis: usize, mm: f64| {
            let (low, high) = places
                .iter()
                .fold((usize::MAX, 0), |(low, high), place| (low.min(place[axis]), high.max(place[axis])));
            (high - low + 1) as f64 * mm
        };
        let (high, wide) = (extent(0, row_mm), extent(1, column_mm));
        let mean_x = places.iter().map(|place| place[1] as f64).sum::<f64>() / places.len() as f64;
        TRACHEA_MM2.contains(&self.area_mm2(places))
            && self.area_mm2(places) / (high * wide) > 0.5
            && (0.4..2.5).contains(&(high / wide))
            && (mean_x - self.middle_x).abs() * column_mm < ASIDE_MM
    }

    /// The parts of a slice below `lumen_hu`; of `near` those alone that lie on or beside it.
    fn parts(&self, z: usize, lumen_hu: Hounsfield, near: Option<&Places>) -> Vec<Places> {
        let (hu, body) = (self.blocks.hu.index_axis(Axis(0), z), self.body.index_axis(Axis(0), z));
        let is_lumen = |[y, x]: [usize; 2]| hu[[y, x]] < lumen_hu && body[[y, x]];
        let (rows, columns) = hu.dim();
        let mut seen = Array2::from_elem((rows, columns), false);
        let mut parts = Vec::new();
        let starts: Places = match near {
            Some(near) => near.clone(),
            None => (0..rows).flat_map(|y| self.columns.clone().map(move |x| [y, x])).collect(),
        };
        for start in starts.into_iter().filter(|start| is_lumen(*start)) {
            let part = self.flooded(start, &is_lumen, &mut seen);
            if !part.is_empty() {
                parts.push(part);
            }
        }
        parts
    }

    /// What hangs together with a place and was not seen.
    fn flooded(
        &self,
        start: [usize; 2],
        is_lumen: impl Fn([usize; 2]) -> bool,
        seen: &mut Array2<bool>,
    ) -> Places {
        let (mut open, mut part) = (vec![start], Vec::new());
        let rows = seen.dim().0;
        while let Some([y, x]) = open.pop() {
            if seen[[y, x]] || !is_lumen([y, x]) {
                continue;
            }
            seen[[y, x]] = true;
            part.push([y, x]);
            let around = [[y.wrapping_sub(1), x], [y + 1, x], [y, x.wrapping_sub(1)], [y, x + 1]];
            open.extend(around.into_iter().filter(|[y, x]| *y < rows && self.columns.contains(x)));
        }
        part
    }

    /// Follows a lumen towards the feet until it ends or meets lung, at most so far below the carina.
    fn followed(&self, top: usize, seed: &Places) -> Track {
        let mut lumen = Array3::from_elem(self.blocks.hu.dim(), false);
        let mut branches = vec![seed.clone()];
        let (mut slices, mut carina) = (0, None);
        for z in (0..=top).rev() {
            if z < top {
                let nexts: Vec<Places> = branches.iter().flat_map(|branch| self.next(z, branch)).collect();
                branches = nexts;
                // Two branches that meet again are one.
                branches.dedup();
            }
            if branches.len() > 1 {
                carina = carina.or(Some(z));
            }
            let below = carina.map_or(0.0, |carina: usize| (carina - z) as f64 * self.blocks.spacing_mm[0]);
            if branches.is_empty() || below > BELOW_CARINA_MM {
                break;
            }
            slices += 1;
            for [y, x] in branches.iter().flatten() {
                lumen[[z, *y, *x]] = true;
            }
        }
        Track { lumen, slices }
    }

    /// The lumens of the next slice that continue a branch.
    fn next(&self, z: usize, branch: &Places) -> Vec<Places> {
        let most = (self.area_mm2(branch) * GROWTH + GROWTH_MM2).min(MOST_MM2);
        for lumen_hu in LUMEN_HU {
            let mut parts = self.parts(z, lumen_hu, Some(branch));
            parts.retain(|part| self.area_mm2(part) > 2.0 * self.block_mm2);
            let area: f64 = parts.iter().map(|part| self.area_mm2(part)).sum();
            if area <= most {
                return parts;
            }
        }
        Vec::new()
    }
}

/// A slice's worth of blocks with those beside them.
pub(super) fn with_wall(lumen: &Array3<bool>) -> Array3<bool> {
    let mut wide = lumen.clone();
    for (mut wide, lumen) in wide.outer_iter_mut().zip(lumen.outer_iter()) {
        grow_in_slice(&mut wide, lumen);
    }
    wide
}

fn grow_in_slice(wide: &mut ndarray::ArrayViewMut2<'_, bool>, lumen: ArrayView2<'_, bool>) {
    let (rows, columns) = lumen.dim();
    for ((y, x), _) in lumen.indexed_iter().filter(|(_, inside)| **inside) {
        for row in y.saturating_sub(1)..(y + 2).min(rows) {
            for column in x.saturating_sub(1)..(x + 2).min(columns) {
                wide[[row, column]] = true;
            }
        }
    }
}
