//! Where on a scan a classifier found what speaks for a class.

use ndarray::s;

use crate::geometry::Grid;
use crate::units::Millimetres;
use crate::volume::Volume;

/// Where a scan speaks for a class, and how much.
///
/// # Units
/// Evidence is the logit of the class less the mean of the others': for two classes the log-odds, before
/// any calibration. Positive values speak for the class, negative ones against it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// The class that it is about.
    pub class: String,
    /// The evidence of the whole scan: that of all cells and what belongs to no place.
    pub evidence: f32,
    /// The evidence of each cell of the network's last maps, where it lies in the patient. The cells sum
    /// to the evidence, but for what belongs to no place.
    pub cells: Volume,
    /// Where the network looked: the preprocessed volume's grid.
    pub seen: Grid,
}

/// The place on a heat map that speaks most for its class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The evidence of the cell that speaks most.
    pub evidence: f32,
    /// The centre of what speaks for the class in that cell and its neighbours, `[x, y, z]` in LPS
    /// millimetres; for a picture column, row and 0. Cells are coarse and a finding often lies between
    /// them: this is nearer to it than the middle of the cell.
    pub position_mm: [Millimetres; 3],
}

impl HeatMap {
    /// Returns the place that speaks most for the class; of several cells the first.
    pub fn peak(&self) -> Peak {
        let cells = self.cells.voxels();
        let mut best = (f32::NEG_INFINITY, [0; 3]);
        for (place, &evidence) in cells.indexed_iter() {
            if evidence > best.0 {
                best = (evidence, place.into());
            }
        }
        let (evidence, at) = best;
        let shape = self.cells.grid().shape_zyx();
        let near: [_; 3] =
            std::array::from_fn(|axis| at[axis].saturating_sub(1)..(at[axis] + 2).min(shape[axis]));
        let around = cells.slice(s![near[0].clone(), near[1].clone(), near[2].clone()]);
        let (mut weight, mut sum) = (0.0, [0.0; 3]);
        for ((z, y, x), value) in around.indexed_iter() {
            let share = f64::from(value.max(0.0));
            weight += share;
            let place = [near[2].start + x, near[1].start + y, near[0].start + z];
            sum.iter_mut().zip(place).for_each(|(sum, index)| *sum += share * index as f64);
        }
        let [z, y, x] = at;
        let middle =
            if weight > 0.0 { sum.map(|sum| sum / weight) } else { [x, y, z].map(|index| index as f64) };
        Peak { evidence, position_mm: self.cells.grid().patient_point(middle.into()).to_array() }
    }

    /// Returns the map on another grid in the same space, such as that of the scan it was made from:
    /// linear between the middles of cells, 0 where the network did not look.
    pub fn on(&self, grid: &Grid) -> Volume {
        self.cells.placed_on(grid, &self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_told_in_the_patient() {
        let seen = Grid::aligned([4, 8, 8], [5.0, 2.0, 2.0]).unwrap();
        let cells = seen.strided([4, 2, 2], [1.0, 4.0, 4.0], [0.0; 3]).unwrap();
        let cells = Volume::from_fn(cells, |place| if place == [2, 1, 0] { 3.0 } else { -1.0 });
        let map = HeatMap { class: "nodule".into(), evidence: 0.0, cells, seen };
        assert_eq!(map.peak(), Peak { evidence: 3.0, position_mm: [0.0, 8.0, 10.0] });
        let mut between = map.clone();
        between.cells = Volume::from_fn(*map.cells.grid(), |place| match place {
            [2, 1, 0] => 3.0,
            [2, 1, 1] | [3, 1, 0] => 1.0,
            [0, 0, 0] => 2.0,
            _ => -1.0,
        });
        let expected = Peak { evidence: 3.0, position_mm: [8.0 / 5.0, 8.0, 11.0] };
        assert_eq!(between.peak(), expected);
        let fine = map.on(&seen);
        assert_eq!(fine.voxels()[[2, 4, 0]], 3.0);
        assert_eq!(fine.voxels()[[2, 7, 0]], 3.0);
        assert_eq!(fine.voxels()[[2, 2, 0]], 1.0);
    }
}
