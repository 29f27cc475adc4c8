//! Slow, random variation inside a tissue: values on a lattice, joined smoothly.

use glam::DVec3;

use super::shape::narrow;
use pulmo_random::Random;

/// Half the box that the lattice covers: more than the largest trunk.
const HALF_MM: DVec3 = DVec3::new(230.0, 170.0, 230.0);

/// Random values (mean 0, standard deviation 1 at the nodes) on a cubic lattice.
pub(super) struct Lattice {
    cell_mm: f64,
    count_zyx: [usize; 3],
    values: Vec<f32>,
}

/// A lattice at one level.
pub(super) struct LatticeLevel {
    per_mm: f32,
    columns: usize,
    rows: usize,
    values: Vec<f32>,
}

impl Lattice {
    pub(super) fn new(cell_mm: f64, random: &mut Random) -> Self {
        let count_zyx =
            [HALF_MM.z, HALF_MM.y, HALF_MM.x].map(|half| floor(narrow(2.0 * half / cell_mm)).0 + 2);
        // Three uniform numbers: near enough to normal here, and several times as fast.
        let value = |_| narrow(2.0 * (random.unit() + random.unit() + random.unit() - 1.5));
        let values = (0..count_zyx.iter().product()).map(value).collect();
        Self { cell_mm, count_zyx, values }
    }

    /// The values at a level, between the layers above and below.
    pub(super) fn level(&self, z_mm: f64) -> LatticeLevel {
        let [layers, rows, columns] = self.count_zyx;
        let (layer, part) = floor(narrow((z_mm + HALF_MM.z) / self.cell_mm));
        let layer = layer.min(layers - 2);
        let [below, above] = [0, 1].map(|up| &self.values[(layer + up) * rows * columns..][..rows * columns]);
        let weight = ease(part);
        let values = below.iter().zip(above).map(|(b, a)| b + weight * (a - b)).collect();
        LatticeLevel { per_mm: narrow(1.0 / self.cell_mm), columns, rows, values }
    }
}

impl LatticeLevel {
    /// The value at a place of the level.
    #[inline]
    pub(super) fn value(&self, x: f32, y: f32) -> f32 {
        let (column, part_x) = floor((x + narrow(HALF_MM.x)) * self.per_mm);
        let (row, part_y) = floor((y + narrow(HALF_MM.y)) * self.per_mm);
        let corner = row.min(self.rows - 2) * self.columns + column.min(self.columns - 2);
        let (weight_x, weight_y) = (ease(part_x), ease(part_y));
        let near = &self.values[corner..];
        let upper = near[0] + weight_x * (near[1] - near[0]);
        let lower = near[self.columns] + weight_x * (near[self.columns + 1] - near[self.columns]);
        upper + weight_y * (lower - upper)
    }
}

#[inline]
fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Whole part (0 where negative) and the rest, within 0 to 1.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "floats saturate; far below the limit"
)]
fn floor(value: f32) -> (usize, f32) {
    let value = value.max(0.0);
    let whole = value as usize;
    (whole, (value - whole as f32).min(1.0))
}
