//! Lung without air at the chest wall: effusion and consolidation.
//!
//! The chest is nearly convex and nearly the same on both sides. In each slice the convex outline of both lungs and of
//! their mirror images is taken for the wall. What lies inside it, in soft tissue, and where the other lung has lung or
//! between aerated lung above and below, may be lung. It is taken where it is thick, reaches the wall at the flank or
//! the back, and something tells it from liver, spleen and heart: fluid's density, air in it, or aerated lung below.

use ndarray::{Array3, ArrayView2, Axis, Zip};

use super::balls::{dilated, eroded};
use super::blocks::Blocks;
use crate::units::{Hounsfield, Millimetres};
use crate::volume::{Components, label};

/// Half the least thickness of what is taken; in blocks at least so much, so that none is in part aerated lung.
const THIN_MM: Millimetres = 4.0;
const THIN_BLOCKS: f64 = 1.5;
/// How near to the wall it must come.
const WALL_MM: Millimetres = 13.0;
/// Least volume.
const LEAST_ML: f64 = 3.0;
/// Fluid, below muscle, liver and spleen (45 to 65 HU) and above fat.
const FLUID_HU: [Hounsfield; 2] = [-40.0, 30.0];
/// Above this is bone.
const BONE_HU: Hounsfield = 220.0;
/// Share of a fluid's blocks near the wall; of what is all near it, more is wall than fluid.
const FLUID_WALL_SHARE: std::ops::Range<f64> = 0.05..0.55;
/// Below this are bronchi in a consolidation; the least share of them, and of what is near the wall.
const AIRY_HU: Hounsfield = -200.0;
const AIRY_SHARE: f64 = 0.003;
const AIRY_WALL_SHARE: f64 = 0.05;
/// Most density of a consolidation known by its size and its share near the wall alone: below that of liver and spleen.
const LOBE_HU: Hounsfield = 42.0;
const LOBE_ML: f64 = 100.0;
const LOBE_WALL_SHARE: f64 = 0.15;
/// What is so much denser than a part is another organ that touches it.
const DENSER_HU: Hounsfield = 9.0;
/// Where flank and front wall begin, as shares of the chest's half width.
const FLANK: f64 = 0.5;
const BESIDE_HEART: f64 = 0.4;
/// Longest way along z between aerated lung above and below.
const BETWEEN_MM: Millimetres = 120.0;
/// Share of what lies so that tells lung.
const BETWEEN_SHARE: f64 = 0.5;

/// Both lungs of a patient, right first.
pub(super) type BothLungs = [Array3<bool>; 2];

/// The outline of the chest in each slice: half its width at each row; nothing where there is no lung.
struct Cage {
    half_mm: Vec<Vec<f64>>,
    widest_mm: f64,
    middle_x: f64,
}

/// Adds to each lung what of it holds no air.
pub(super) fn add_opaque(blocks: &Blocks, body: &Array3<bool>, lungs: &mut BothLungs) {
    let Some(middle_x) = mirror_x(lungs) else { return };
    let cage = Cage::of(blocks, lungs, middle_x);
    let own = lungs.clone();
    for side in 0..2 {
        let lung =
            OneSide { own: &own[side], other: &own[1 - side], sign: if side == 0 { -1.0 } else { 1.0 } };
        let found = opaque_of(blocks, body, &cage, &lung);
        Zip::from(&mut lungs[side]).and(&found).for_each(|lung, found| *lung |= found);
    }
}

/// The plane between both lungs, by their outer edges; `None` without lungs.
pub(super) fn mirror_x([right, left]: &BothLungs) -> Option<f64> {
    let edge = |slice: ArrayView2<'_, bool>, last: bool| {
        let columns = 0..slice.len_of(Axis(1));
        let held = |x: &usize| slice.column(*x).iter().any(|inside| *inside);
        if last { columns.rev().find(held) } else { { columns }.find(held) }
    };
    let mut middles: Vec<usize> = right
        .outer_iter()
        .zip(left.outer_iter())
        .filter_map(|(right, left)| Some(edge(right, false)? + edge(left, true)?))
        .collect();
    middles.sort_unstable();
    middles.get(middles.len() / 2).map(|sum| *sum as f64 / 2.0)
}

impl Cage {
    fn of(blocks: &Blocks, lungs: &BothLungs, middle_x: f64) -> Self {
        let [_, row_mm, column_mm] = blocks.spacing_mm;
        let slices = blocks.hu.len_of(Axis(0));
        let half = |z: usize| {
            let reach = |y: usize| {
                let rows = lungs.iter().map(|lung| lung.index_axis(Axis(0), z));
                let reach = |row: ndarray::Array1<bool>| {
                    let held = |x: &usize| row[*x];
                    let ends = [(0..row.len()).find(held), (0..row.len()).rev().find(held)];
                    ends.into_iter()
                        .flatten()
                        .map(|x| (x as f64 - middle_x).abs() * column_mm)
                        .fold(f64::NEG_INFINITY, f64::max)
                };
                rows.map(|slice| reach(slice.row(y).to_owned())).fold(f64::NEG_INFINITY, f64::max)
            };
            let widths: Vec<f64> = (0..blocks.hu.len_of(Axis(1))).map(reach).collect();
            convex(&widths, row_mm)
        };
        let half_mm: Vec<Vec<f64>> = (0..slices).map(half).collect();
        let widest_mm = half_mm.iter().flatten().copied().fold(0.0, f64::max);
        Self { half_mm, widest_mm, middle_x }
    }
}

/// The least concave function above heights at even distances; minus infinity beyond the outermost ones.
fn convex(heights: &[f64], step: f64) -> Vec<f64> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (place, height) in heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let point = (place as f64 * step, *height);
        while let [.., a, b] = corners.as_slice() {
            if (b.1 - a.1) * (point.0 - a.0) > (point.1 - a.1) * (b.0 - a.0) {
                break;
            }
            corners.pop();
        }
        corners.push(point);
    }
    let mut result = vec![f64::NEG_INFINITY; heights.len()];
    for (place, value) in result.iter_mut().enumerate() {
        let x = place as f64 * step;
        let Some(next) = corners.iter().position(|corner| corner.0 >= x) else { continue };
        let to = corners[next];
        *value = match next.checked_sub(1).map(|before| corners[before]) {
            _ if to.0 <= x => to.1,
            Some(from) => from.1 + (to.1 - from.1) * (x - from.0) / (to.0 - from.0),
            None => continue,
        };
    }
    result
}

/// One lung, and the other one.
struct OneSide<'a> {
    own: &'a Array3<bool>,
    other: &'a Array3<bool>,
    /// -1 for the right lung, 1 for the left: the sign of x.
    sign: f64,
}

/// What of one lung holds no air: fluid first, then what is denser.
fn opaque_of(blocks: &Blocks, body: &Array3<bool>, cage: &Cage, lung: &OneSide<'_>) -> Array3<bool> {
    let may_be = may_be(blocks, body, cage, lung);
    let between = between(blocks, lung.own);
    let mut search = Search { blocks, cage, between, even_hu: evened(&blocks.hu, &may_be), may_be };
    let is_fluid = search.even_hu.mapv(|hu| (FLUID_HU[0]..FLUID_HU[1]).contains(&hu));
    let fluid = search.taken(&is_fluid, |part| FLUID_WALL_SHARE.contains(&part.share(part.at_wall)));
    Zip::from(&mut search.may_be).and(&fluid).for_each(|may_be, fluid| *may_be &= !fluid);
    let mut found = search.taken(&is_fluid.mapv(|_| true), Part::is_lung);
    Zip::from(&mut found).and(&fluid).for_each(|found, fluid| *found |= fluid);
    found
}

/// Soft tissue inside the chest's outline where the other lung has lung, or between aerated lung.
fn may_be(blocks: &Blocks, body: &Array3<bool>, cage: &Cage, lung: &OneSide<'_>) -> Array3<bool> {
    let OneSide { own, other, sign } = *lung;
    let between = between(blocks, own);
    let [_, _, column_mm] = blocks.spacing_mm;
    let columns = own.len_of(Axis(2));
    let mirrored = |z: usize, y: usize, x: usize| {
        let there = (2.0 * cage.middle_x - x as f64).round();
        (0.0..columns as f64).contains(&there) && other[[z, y, crate::geometry::whole(there)]]
    };
    Array3::from_shape_fn(own.dim(), |(z, y, x)| {
        let aside = (x as f64 - cage.middle_x) * column_mm;
        let on_side = sign * aside > 0.0;
        let at = [z, y, x];
        on_side
            && body[at]
            && !own[at]
            && blocks.hu[at] < BONE_HU
            && aside.abs() <= cage.half_mm[z][y]
            && (between[at] || mirrored(z, y, x))
    })
}

/// Where opaque lung of one side is looked for.
struct Search<'a> {
    blocks: &'a Blocks,
    cage: &'a Cage,
    between: Array3<bool>,
    may_be: Array3<bool>,
    /// Means over neighbours, which noise moves less.
    even_hu: Array3<Hounsfield>,
}

/// What is known of a thick part of what may be lung.
struct Part {
    count: usize,
    at_wall: usize,
    between: usize,
    airy: usize,
    ml: f64,
    median_hu: Hounsfield,
}

impl Search<'_> {
    fn thin_mm(&self) -> Millimetres {
        let widest = self.blocks.spacing_mm.into_iter().fold(0.0, f64::max);
        THIN_MM.max(THIN_BLOCKS * widest)
    }

    /// The thick parts of what may be lung, within `limit`, that `is_lung`, with what is thin around them.
    fn taken(&self, limit: &Array3<bool>, is_lung: impl Fn(&Part) -> bool) -> Array3<bool> {
        let mut open = self.may_be.clone();
        Zip::from(&mut open).and(limit).for_each(|open, limit| *open &= limit);
        let parts = label(&eroded(&open, self.blocks.spacing_mm, self.thin_mm()));
        let large =
            parts.sizes.iter().take_while(|size| **size as f64 * self.blocks.block_ml() >= LEAST_ML).count();
        let mut found = Array3::from_elem(open.dim(), false);
        for number in 1..=large {
            let part = self.part(&parts, number);
            if is_lung(&part) {
                let core = parts.labels.mapv(|label| label as usize == number);
                let grown =
                    dilated(&core, self.blocks.spacing_mm, self.thin_mm() + 0.5 * self.blocks.spacing_mm[1]);
                Zip::from(&mut found).and(&grown).and(&self.may_be).and(&self.even_hu).for_each(
                    |found, grown, may_be, hu| {
                        *found |= *grown && *may_be && *hu < part.median_hu + DENSER_HU
                    },
                );
            }
        }
        found
    }

    fn part(&self, parts: &Components, number: usize) -> Part {
        let (mut at_wall, mut between, mut airy) = (0, 0, 0);
        let mut values = Vec::new();
        for ((z, y, x), _) in parts.labels.indexed_iter().filter(|(_, label)| **label as usize == number) {
            let hu = self.blocks.hu[[z, y, x]];
            at_wall += usize::from(self.is_at_wall(z, y, x));
            between += usize::from(self.between[[z, y, x]]);
            airy += usize::from(hu < AIRY_HU);
            values.push(hu);
        }
        let count = values.len();
        let (_, median_hu, _) = values.select_nth_unstable_by(count / 2, f32::total_cmp);
        Part {
            count,
            at_wall,
            between,
            airy,
            ml: count as f64 * self.blocks.block_ml(),
            median_hu: *median_hu,
        }
    }

    /// Whether a block lies near the wall of flank or back, or of the front away from the heart.
    fn is_at_wall(&self, z: usize, y: usize, x: usize) -> bool {
        let [_, row_mm, column_mm] = self.blocks.spacing_mm;
        let rows = &self.cage.half_mm[z];
        let aside = (x as f64 - self.cage.middle_x).abs() * column_mm;
        let near = |row: Option<usize>| row.is_some_and(|row| row.abs_diff(y) as f64 * row_mm < WALL_MM);
        let flank = aside > FLANK * self.cage.widest_mm && rows[y] - aside < WALL_MM;
        let behind = near(rows.iter().rposition(|half| half.is_finite()));
        let in_front =
            aside > BESIDE_HEART * self.cage.widest_mm && near(rows.iter().position(|half| half.is_finite()));
        flank || behind || in_front
    }
}

impl Part {
    fn share(&self, some: usize) -> f64 {
        some as f64 / self.count.max(1) as f64
    }

    /// Whether a part denser than fluid reaches the wall and is told from liver, spleen and heart.
    fn is_lung(&self) -> bool {
        let at_wall = self.share(self.at_wall);
        let airy = at_wall > AIRY_WALL_SHARE && self.share(self.airy) > AIRY_SHARE;
        let held = at_wall > 0.0 && self.share(self.between) > BETWEEN_SHARE;
        let lobar = at_wall > LOBE_WALL_SHARE && self.ml > LOBE_ML && self.median_hu < LOBE_HU;
        airy || held || lobar
    }
}

/// The mean of what `within` holds of each block and its neighbours; infinite elsewhere.
fn evened(hu: &Array3<Hounsfield>, within: &Array3<bool>) -> Array3<Hounsfield> {
    let mut sums = hu.clone();
    let mut counts = within.mapv(|within| if within { 1.0 } else { 0.0 });
    Zip::from(&mut sums).and(&counts).for_each(|sum, count| *sum *= count);
    for axis in 0..3 {
        for values in [&mut sums, &mut counts] {
            let before = values.clone();
            let (ahead, behind) = (ndarray::Slice::from(1..), ndarray::Slice::from(..-1));
            for (own, other) in [(behind, ahead), (ahead, behind)] {
                Zip::from(values.slice_axis_mut(Axis(axis), own))
                    .and(before.slice_axis(Axis(axis), other))
                    .for_each(|own, other| *own += other);
            }
        }
    }
    Zip::from(&mut sums).and(&counts).and(within).for_each(|sum, count, within| {
        *sum = if *within { *sum / count } else { Hounsfield::INFINITY };
    });
    sums
}

/// Blocks with aerated lung above and below, not too far away.
fn between(blocks: &Blocks, own: &Array3<bool>) -> Array3<bool> {
    let most = blocks.steps(0, BETWEEN_MM);
    let mut between = Array3::from_elem(own.dim(), false);
    Zip::from(between.lanes_mut(Axis(0))).and(own.lanes(Axis(0))).for_each(|mut between, own| {
        let mut last = None;
        for (z, _) in own.iter().enumerate().filter(|(_, inside)| **inside) {
            if let Some(last) = last.filter(|last| z - last > 1 && z - last <= most) {
                (last + 1..z).for_each(|z| between[z] = true);
            }
            last = Some(z);
        }
    });
    between
}
