//! Where on a scan a classifier found what speaks for a class.

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

/// The cell of a heat map that speaks most for its class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Its evidence.
    pub evidence: f32,
    /// Its middle `[x, y, z]` in LPS millimetres; for a picture column, row and 0.
    pub position_mm: [Millimetres; 3],
}

impl HeatMap {
    /// Returns the cell that speaks most for the class; the first of several.
    pub fn peak(&self) -> Peak {
        let mut best = (f32::NEG_INFINITY, [0.0; 3]);
        for ((z, y, x), &evidence) in self.cells.voxels().indexed_iter() {
            if evidence > best.0 {
                best = (evidence, [x, y, z].map(|index| index as f64));
            }
        }
        let position_mm = self.cells.grid().patient_point(best.1.into()).to_array();
        Peak { evidence: best.0, position_mm }
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
        let fine = map.on(&seen);
        assert_eq!(fine.voxels()[[2, 4, 0]], 3.0);
        assert_eq!(fine.voxels()[[2, 7, 0]], 3.0);
        assert_eq!(fine.voxels()[[2, 2, 0]], 1.0);
    }
}
