//! From blocks to voxels.

use ndarray::{Array3, Axis, Zip};
use rayon::prelude::*;

use super::balls::closed;
use super::blocks::Blocks;
use super::sides::{LUNG_HU, grown_within};
use crate::units::Hounsfield;
use crate::volume::Volume;

/// Below this voxels in the airway's blocks are lumen.
const LUMEN_HU: Hounsfield = -500.0;

/// What the voxels of a block may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Outside,
    /// Lung where it is air.
    Edge(u8),
    /// Lung whatever its value.
    Inside(u8),
    Airway,
}

/// The right and left lung and the airway at full resolution, in the volume's order.
pub(super) struct Voxels {
    pub(super) sides: [Array3<bool>; 2],
    pub(super) airway: Array3<bool>,
}

/// The structures in blocks.
pub(super) struct FoundLungs<'a> {
    /// Right and left lung.
    pub(super) lungs: &'a super::opaque::BothLungs,
    /// What of them holds no air up to its surface.
    pub(super) opaque: &'a Array3<bool>,
    /// Trachea and main bronchi with their walls.
    pub(super) airway: &'a Array3<bool>,
    pub(super) body: &'a Array3<bool>,
}

/// Decides each voxel: blocks inside a lung are lung, at its surface the voxels' own values tell.
pub(super) fn refined(volume: &Volume, blocks: &Blocks, found: &FoundLungs<'_>) -> Voxels {
    let kinds = blocks.as_stored(kinds(found));
    let [sz, sy, sx] = blocks.side();
    let shape = volume.voxels().dim();
    let empty = || Array3::from_elem(shape, false);
    let (mut right, mut left, mut airway) = (empty(), empty(), empty());
    let slices = right
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(left.axis_iter_mut(Axis(0)))
        .zip(airway.axis_iter_mut(Axis(0)))
        .zip(volume.voxels().axis_iter(Axis(0)))
        .enumerate();
    slices.for_each(|(z, (((mut right, mut left), mut airway), hu))| {
        let layer = kinds.index_axis(Axis(0), z / sz);
        for (y, row) in hu.outer_iter().enumerate() {
            let line = layer.row(y / sy);
            if line.iter().all(|kind| *kind == Kind::Outside) {
                continue;
            }
            for (block, kind) in line.iter().enumerate().filter(|(_, kind)| **kind != Kind::Outside) {
                for x in block * sx..((block + 1) * sx).min(row.len()) {
                    match kind {
                        Kind::Outside => {}
                        Kind::Airway => airway[[y, x]] = row[x] < LUMEN_HU,
                        Kind::Edge(1) => right[[y, x]] = row[x] < LUNG_HU,
                        Kind::Edge(_) => left[[y, x]] = row[x] < LUNG_HU,
                        Kind::Inside(1) => right[[y, x]] = true,
                        Kind::Inside(_) => left[[y, x]] = true,
                    }
                }
            }
        }
    });
    Voxels { sides: [right, left], airway }
}

/// The kind of each block, along the patient's axes.
fn kinds(found: &FoundLungs<'_>) -> Array3<Kind> {
    let [right, left] = found.lungs;
    let mut marks: Array3<u8> = Array3::zeros(right.dim());
    Zip::from(&mut marks).and(right).and(left).for_each(|mark, right, left| {
        *mark = if *right { 1 } else { 2 * u8::from(*left) };
    });
    let surface = surface(&marks);
    let around = grown_within(marks.clone(), found.body, 1);
    let mut kinds = Array3::from_elem(marks.dim(), Kind::Outside);
    Zip::indexed(&mut kinds).and(&around).and(found.airway).for_each(|at, kind, around, airway| {
        *kind = match (marks[at], *around) {
            _ if *airway => Kind::Airway,
            (0, 0) => Kind::Outside,
            (0, side) => Kind::Edge(side),
            (side, _) if surface[at] && !found.opaque[at] => Kind::Edge(side),
            (side, _) => Kind::Inside(side),
        };
    });
    kinds
}

/// Marked blocks with an unmarked one beside them, also over edges.
fn surface(marks: &Array3<u8>) -> Array3<bool> {
    let outside = marks.mapv(|mark| mark == 0);
    let mut near = outside.clone();
    for axis in 0..3 {
        let before = near.clone();
        let (ahead, behind) = (ndarray::Slice::from(1..), ndarray::Slice::from(..-1));
        for (own, other) in [(behind, ahead), (ahead, behind)] {
            Zip::from(near.slice_axis_mut(Axis(axis), own))
                .and(before.slice_axis(Axis(axis), other))
                .for_each(|own, other| *own |= other);
        }
    }
    near
}

/// A lung with clefts and holes filled: vessels, nodules at the pleura, patches without air.
pub(super) fn filled(
    blocks: &Blocks,
    lung: &Array3<bool>,
    forbidden: &Array3<bool>,
    radius_mm: f64,
) -> Array3<bool> {
    let Some((low, high)) = extent(lung) else { return lung.clone() };
    let shape = [lung.len_of(Axis(0)), lung.len_of(Axis(1)), lung.len_of(Axis(2))];
    let margin: [usize; 3] = std::array::from_fn(|axis| blocks.steps(axis, radius_mm) + 2);
    let from: [usize; 3] = std::array::from_fn(|axis| low[axis].saturating_sub(margin[axis]));
    let to: [usize; 3] = std::array::from_fn(|axis| (high[axis] + margin[axis] + 1).min(shape[axis]));
    let part = ndarray::s![from[0]..to[0], from[1]..to[1], from[2]..to[2]];
    let cut = lung.slice(part).to_owned();
    let mut closed = closed(&cut, blocks.spacing_mm, radius_mm);
    fill_holes(&mut closed);
    Zip::from(&mut closed).and(&cut).and(forbidden.slice(part)).for_each(|closed, own, forbidden| {
        *closed = *own || (*closed && !forbidden);
    });
    let mut filled = lung.clone();
    filled.slice_mut(part).assign(&closed);
    filled
}

/// The first and last place of a structure along each axis.
fn extent(inside: &Array3<bool>) -> Option<([usize; 3], [usize; 3])> {
    inside.indexed_iter().filter(|(_, inside)| **inside).fold(None, |so_far, ((z, y, x), _)| {
        let at = [z, y, x];
        let (low, high): ([usize; 3], [usize; 3]) = so_far.unwrap_or((at, at));
        Some((std::array::from_fn(|a| low[a].min(at[a])), std::array::from_fn(|a| high[a].max(at[a]))))
    })
}

/// Fills what does not reach the array's sides; its ends along z are open.
fn fill_holes(inside: &mut Array3<bool>) {
    let (slices, rows, columns) = inside.dim();
    let mut open: Array3<u8> = Array3::zeros(inside.dim());
    Zip::indexed(&mut open).and(&*inside).for_each(|(z, y, x), open, inside| {
        let at_side = z == 0 || z + 1 == slices || y == 0 || x == 0 || y + 1 == rows || x + 1 == columns;
        *open = u8::from(at_side && !inside);
    });
    let outside = grown_within(open, &inside.mapv(|inside| !inside), usize::MAX);
    Zip::from(inside).and(&outside).for_each(|inside, outside| *inside |= *outside == 0);
}
