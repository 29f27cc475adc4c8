//! Where the body and the lungs are, found by thresholds and connectivity.
//!
//! Coarse on purpose: masks are made on blocks of about 3 mm and serve to cut a volume to its region
//! of interest, not to measure. Values must be Hounsfield units.

use glam::{DAffine3, DMat3, DVec3};
use ndarray::{Array3, ArrayView2, Axis, Zip};
use rayon::prelude::*;

use super::block_means::block_means;
use super::components::{Components, label};
use super::neighbours::{eroded, with_neighbours};
use super::{Mask, Volume};
use crate::geometry::{BoundingBox, CanonicalAxes, Grid, canonical_axes, whole};
use crate::units::{Hounsfield, Millimetres};

/// Side of the blocks that masks are made of.
const BLOCK_MM: Millimetres = 3.0;
/// Above this is tissue: between fat (-100) and lung (-850).
const TISSUE_HU: Hounsfield = -300.0;
/// Below this is air or aerated lung; consolidated lung is not found.
const LUNG_HU: Hounsfield = -400.0;
/// Smallest structure taken for a body.
const BODY_MM3: f64 = 500e3;
/// Smallest structure taken for a lung.
const LUNG_MM3: f64 = 50e3;
/// Smallest part of the first lung's volume that a second one must have.
const SECOND_LUNG: f64 = 0.1;
/// Air in a slice that is more than a trachea: its normal area is below 4 cm2.
const LUNG_SLICE_MM2: f64 = 600.0;
/// Air that comes no nearer to the body's midline lies beside the trunk, under an arm: lungs come as near as spine and
/// mediastinum are wide, and half a trunk is wider than 10 cm.
const ASIDE_MM: Millimetres = 80.0;
/// Below this there is no tissue in a block: in lungs with emphysema vessels run through most of them.
const PURE_AIR_HU: Hounsfield = -965.0;
/// Of what is no lung, at least so much is pure air.
const PURE_AIR_SHARE: f64 = 0.75;
/// Blocks by which the body grows back after it was cut off from the table.
const GROW_BACK: usize = 3;

/// A volume in blocks of about 3 mm, with the body and the lungs on them.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyMap {
    /// The mean of each block in Hounsfield units, nothing below air; axes as the volume's.
    pub blocks: Volume,
    /// What [`body_mask`] gives, on the grid of the blocks.
    pub body: Option<Mask>,
    /// What [`lung_mask`] gives, on the grid of the blocks.
    pub lungs: Option<Mask>,
}

impl BodyMap {
    /// The map of a volume in Hounsfield units.
    pub fn of(volume: &Volume) -> Self {
        let coarse = Coarse::of(volume);
        let body = coarse.body();
        let lungs = body.as_ref().and_then(|body| coarse.lungs(body));
        let mask = |found: Option<Array3<bool>>| found.and_then(|found| coarse.mask(&found));
        Self { body: mask(body), lungs: mask(lungs), blocks: coarse.blocks() }
    }
}

/// Returns the patient's body with everything inside it, without table and air around, on a grid of
/// blocks of about 3 mm; `None` where there is nothing of a body's size.
pub fn body_mask(volume: &Volume) -> Option<Mask> {
    let coarse = Coarse::of(volume);
    let body = coarse.body()?;
    coarse.mask(&body)
}

/// Returns both lungs as far as they hold air, on a grid of blocks of about 3 mm; `None` where there
/// is nothing of a lung's size in a body. The trachea may hang on to them, as high as the lungs go.
pub fn lung_mask(volume: &Volume) -> Option<Mask> {
    let coarse = Coarse::of(volume);
    let body = coarse.body()?;
    coarse.mask(&coarse.lungs(&body)?)
}

/// Returns the smallest box of `grid` around a mask made on a coarser grid of the same axes, with a
/// margin on each side as far as the grid goes; `None` where the mask is empty.
pub fn box_on(mask: &Mask, grid: &Grid, margin_mm: Millimetres) -> Option<BoundingBox> {
    let found = mask.bounding_box()?;
    // A box of voxels reaches from half a voxel before its first centre to half before its end's.
    let edge = |[z, y, x]: [usize; 3]| {
        let corner = DVec3::new(x as f64, y as f64, z as f64) - 0.5;
        let at = grid.voxel_point(mask.grid().patient_point(corner)) + 0.5;
        [at.z, at.y, at.x].map(|place| whole(place.round()))
    };
    let shape = grid.shape_zyx();
    let spacing = grid.spacing_mm();
    let (start, end) = (edge(found.start_zyx), edge(found.end_zyx));
    let on_grid = BoundingBox {
        start_zyx: std::array::from_fn(|axis| start[axis].min(shape[axis] - 1)),
        end_zyx: std::array::from_fn(|axis| end[axis].clamp(1, shape[axis])),
    };
    let margin = std::array::from_fn(|axis| whole((margin_mm / spacing[axis]).ceil()));
    Some(on_grid.grown(margin, shape))
}

/// What was seen of a part of the air in a body.
#[derive(Debug, Clone, Copy)]
struct SeenAir {
    /// How near it comes to the body's midline.
    nearest_mm: Millimetres,
    /// Blocks of nothing but air.
    pure: usize,
}

impl Default for SeenAir {
    fn default() -> Self {
        Self { nearest_mm: Millimetres::INFINITY, pure: 0 }
    }
}

/// The mean column of a body.
fn middle_column(body: &Array3<bool>) -> f64 {
    let (sum, count) = body
        .indexed_iter()
        .filter(|(_, inside)| **inside)
        .fold((0, 0usize), |(sum, count), ((_, _, x), _)| (sum + x, count + 1));
    sum as f64 / count.max(1) as f64
}

/// A volume averaged over blocks, its axes in the patient's order.
struct Coarse {
    grid: Grid,
    /// `[z, y, x]` with z along the patient, whatever the order in which the volume is stored.
    hu: Array3<Hounsfield>,
    /// How the volume's stored axes lie.
    axes: CanonicalAxes,
}

impl Coarse {
    fn of(volume: &Volume) -> Self {
        let fine = volume.grid();
        let side: [usize; 3] = fine.spacing_mm().map(|spacing| whole((BLOCK_MM / spacing).round()).max(1));
        let axes = canonical_axes(fine);
        let hu = block_means(volume, side).permuted_axes(axes.source_axis).as_standard_layout().into_owned();
        Self { grid: grid_of_blocks(fine, side), hu, axes }
    }

    fn block_mm3(&self) -> f64 {
        self.grid.voxel_mm3()
    }

    /// The largest piece of tissue, freed of the table by an erosion, with all that it encloses.
    fn body(&self) -> Option<Array3<bool>> {
        let tissue = self.hu.mapv(|hu| hu > TISSUE_HU);
        let core = label(&eroded(&tissue)).select(|number, _| number == 1);
        let mut body = grown_within(core, &tissue, GROW_BACK);
        body.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut slice| {
            let outside = open_from_border(slice.view());
            slice.indexed_iter_mut().for_each(|((y, x), inside)| *inside = !outside[[y, x]]);
        });
        let count = body.iter().filter(|inside| **inside).count();
        (count as f64 * self.block_mm3() >= BODY_MM3).then_some(body)
    }

    /// The air in a body that is lung.
    fn lungs(&self, body: &Array3<bool>) -> Option<Array3<bool>> {
        let mut air = self.hu.mapv(|hu| hu < LUNG_HU);
        Zip::from(&mut air).and(body).for_each(|air, body| *air &= body);
        let parts = label(&eroded(&air));
        let is_lung = self.like_lungs(&parts, body);
        let mut lungs = (1..).zip(&parts.sizes).filter(|(number, _)| is_lung[number - 1]);
        let (first, most) = lungs.next()?;
        let second = lungs.next().filter(|(_, size)| **size as f64 >= SECOND_LUNG * *most as f64);
        let lungs =
            parts.select(|number, _| number == first || second.is_some_and(|(second, _)| number == second));
        let lungs = self.without_neck(grown_within(lungs, &air, 1));
        let count = lungs.iter().filter(|inside| **inside).count();
        (count as f64 * self.block_mm3() >= LUNG_MM3).then_some(lungs)
    }

    /// Whether each part of the air in a body may be a lung: large enough, not beside the trunk as air under an arm
    /// is, and not air alone as in a gap of the table. Empty where none is large enough.
    fn like_lungs(&self, parts: &Components, body: &Array3<bool>) -> Vec<bool> {
        let enough = |size: &&usize| **size as f64 * self.block_mm3() >= LUNG_MM3 / 2.0;
        let mut seen = vec![SeenAir::default(); parts.sizes.iter().take_while(enough).count()];
        let column_mm = self.grid.spacing_mm()[self.axes.source_axis[2]];
        let middle_x = middle_column(body);
        Zip::indexed(&parts.labels).and(&self.hu).for_each(|(_, _, x), label, hu| {
            if let Some(seen) = (*label as usize).checked_sub(1).and_then(|part| seen.get_mut(part)) {
                seen.nearest_mm = seen.nearest_mm.min((x as f64 - middle_x).abs() * column_mm);
                seen.pure += usize::from(*hu < PURE_AIR_HU);
            }
        });
        let mut is_lung: Vec<bool> = seen
            .iter()
            .zip(&parts.sizes)
            .map(|(seen, size)| {
                seen.nearest_mm < ASIDE_MM && (seen.pure as f64) < PURE_AIR_SHARE * *size as f64
            })
            .collect();
        is_lung.resize(parts.sizes.len(), false);
        is_lung
    }

    /// The lungs without the slices at the head's end that show a trachea's worth of air or less.
    fn without_neck(&self, mut lungs: Array3<bool>) -> Array3<bool> {
        let slice_mm = self.grid.spacing_mm()[self.axes.source_axis[0]];
        let block_mm2 = self.block_mm3() / slice_mm;
        let slices = lungs.len_of(Axis(0));
        for place in 0..slices {
            let from_head = if self.axes.flipped[0] { place } else { slices - 1 - place };
            let mut slice = lungs.index_axis_mut(Axis(0), from_head);
            if slice.iter().filter(|inside| **inside).count() as f64 * block_mm2 >= LUNG_SLICE_MM2 {
                break;
            }
            slice.fill(false);
        }
        lungs
    }

    /// A mask in the volume's stored order of axes.
    fn mask(&self, inside: &Array3<bool>) -> Option<Mask> {
        Mask::new(self.grid, self.stored(inside)).ok()
    }

    /// The blocks in the volume's stored order of axes.
    fn blocks(&self) -> Volume {
        Volume { grid: self.grid, voxels: self.stored(&self.hu) }
    }

    fn stored<T: Copy>(&self, canonical: &Array3<T>) -> Array3<T> {
        let mut stored_from_canonical = [0; 3];
        (0..3).for_each(|axis| stored_from_canonical[self.axes.source_axis[axis]] = axis);
        canonical.view().permuted_axes(stored_from_canonical).as_standard_layout().into_owned()
    }
}

/// The grid of blocks of `side_zyx` voxels.
fn grid_of_blocks(fine: &Grid, side_zyx: [usize; 3]) -> Grid {
    let shape = fine.shape_zyx();
    let blocks: [usize; 3] = std::array::from_fn(|axis| shape[axis].div_ceil(side_zyx[axis]));
    let [z, y, x] = side_zyx.map(|side| side as f64);
    let side = DVec3::new(x, y, z);
    let fine_from_block = DAffine3::from_mat3_translation(DMat3::from_diagonal(side), (side - 1.0) / 2.0);
    // Blocks of at least one voxel on a sound grid always make a sound grid.
    fine.derived(blocks, fine_from_block).unwrap_or(*fine)
}

/// `inside` grown by `layers` layers of blocks, within `limit`.
fn grown_within(inside: Array3<bool>, limit: &Array3<bool>, layers: usize) -> Array3<bool> {
    (0..layers).fold(inside, |inside, _| {
        let mut grown = with_neighbours(&inside, |own, neighbour| own || neighbour);
        Zip::from(&mut grown).and(limit).for_each(|grown, limit| *grown &= limit);
        grown
    })
}

/// What is not `inside` and reaches the border of the slice.
fn open_from_border(inside: ArrayView2<'_, bool>) -> ndarray::Array2<bool> {
    let (rows, columns) = inside.dim();
    let mut open = ndarray::Array2::from_elem((rows, columns), false);
    let on_border = |y: usize, x: usize| y == 0 || x == 0 || y + 1 == rows || x + 1 == columns;
    let mut todo: Vec<(usize, usize)> =
        open.indexed_iter().map(|(place, _)| place).filter(|(y, x)| on_border(*y, *x)).collect();
    while let Some((y, x)) = todo.pop() {
        if inside[[y, x]] || open[[y, x]] {
            continue;
        }
        open[[y, x]] = true;
        let around = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
        todo.extend(around.into_iter().filter(|(y, x)| *y < rows && *x < columns));
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cylinder of tissue, 300 x 200 mm, with two lungs of 80 mm diameter, over a thin table.
    fn chest(spacing_mm: [f64; 3], extent_mm: [f64; 3]) -> Volume {
        let shape = std::array::from_fn(|axis| whole((extent_mm[axis] / spacing_mm[axis]).round()));
        let grid = Grid::aligned(shape, spacing_mm).unwrap();
        Volume::from_fn(grid, |[z, y, x]| {
            let mm =
                |index: usize, axis: usize| (index as f64 + 0.5) * spacing_mm[axis] - extent_mm[axis] / 2.0;
            let (z, y, x) = (mm(z, 0), mm(y, 1), mm(x, 2));
            let lung = (x.abs() - 70.0).hypot(y) < 40.0 && z.abs() < 60.0;
            let body = (x / 150.0).hypot(y / 100.0) < 1.0;
            let table = (108.0..112.0).contains(&y);
            if lung {
                -850.0
            } else if body || table {
                40.0
            } else {
                -1000.0
            }
        })
    }

    #[test]
    fn lungs_are_boxed_on_the_full_grid() {
        let volume = chest([2.0, 1.0, 1.0], [160.0, 260.0, 340.0]);
        let mask = lung_mask(&volume).unwrap();
        let expected = 2.0 * std::f64::consts::PI * 40.0f64.powi(2) * 120.0;
        assert!((mask.volume_mm3() / expected - 1.0).abs() < 0.1, "{}", mask.volume_mm3() / expected);
        let found = box_on(&mask, volume.grid(), 0.0).unwrap();
        let exact = BoundingBox { start_zyx: [10, 90, 60], end_zyx: [70, 170, 280] };
        for axis in 0..3 {
            assert!(found.start_zyx[axis].abs_diff(exact.start_zyx[axis]) <= 3, "{found:?}");
            assert!(found.end_zyx[axis].abs_diff(exact.end_zyx[axis]) <= 3, "{found:?}");
        }
        let wide = box_on(&mask, volume.grid(), 1000.0).unwrap();
        assert_eq!(wide, BoundingBox { start_zyx: [0; 3], end_zyx: volume.grid().shape_zyx() });
    }

    #[test]
    fn the_table_is_not_body() {
        let volume = chest([3.0, 1.5, 1.5], [90.0, 260.0, 340.0]);
        let found = box_on(&body_mask(&volume).unwrap(), volume.grid(), 0.0).unwrap();
        assert!((found.end_zyx[1] as f64 * 1.5 - 230.0).abs() <= 4.5, "{found:?}");
        assert_eq!([found.start_zyx[0], found.end_zyx[0]], [0, 30]);
    }

    #[test]
    fn what_has_no_lungs_gives_none() {
        let grid = Grid::aligned([30, 60, 60], [5.0; 3]).unwrap();
        assert_eq!(lung_mask(&Volume::from_fn(grid, |_| -1000.0)), None);
        assert_eq!(lung_mask(&Volume::from_fn(grid, |_| 40.0)), None);
        assert_eq!(body_mask(&Volume::from_fn(grid, |_| -1000.0)), None);
    }
}
