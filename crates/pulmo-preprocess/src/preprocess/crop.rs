//! A part of the volume.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::gather::Gather;
use super::operation::Operation;
use crate::gpu::Recording;
use pulmo_scan::geometry::{BoundingBox, Grid, Unit};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::{Volume, anatomy};

/// Keeps one box of the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// What is kept.
    pub to: Region,
}

/// A box of a volume, by what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Region {
    /// The middle. Where one more voxel must go, it goes at the end of the axis.
    Center {
        /// Voxels along `[z, y, x]`; 0, or more than there are, keeps the axis as it is.
        shape: [usize; 3],
    },
    /// A box of voxels that must lie inside.
    Box {
        /// First voxel kept, `[z, y, x]`.
        start: [usize; 3],
        /// First voxel beyond, `[z, y, x]`.
        end: [usize; 3],
    },
    /// The patient's body, without table and air around.
    Body {
        /// What is kept around it.
        margin_mm: Millimetres,
    },
    /// Both lungs.
    Lungs {
        /// What is kept around them.
        margin_mm: Millimetres,
    },
}

impl Crop {
    /// The box kept of a volume on `grid`; `None` where the voxels decide.
    fn fixed_box(&self, grid: &Grid) -> Result<Option<BoundingBox>, Problem> {
        let shape_zyx = grid.shape_zyx();
        match self.to {
            Region::Center { shape } => Ok(Some(central(shape, shape_zyx))),
            Region::Box { start, end } if (0..3).all(|axis| end[axis] <= shape_zyx[axis]) => {
                Ok(Some(BoundingBox { start_zyx: start, end_zyx: end }))
            }
            Region::Box { end, .. } => Err(Problem::Outside { end_zyx: end, shape_zyx }),
            Region::Body { .. } | Region::Lungs { .. } if grid.unit() == Unit::Pixel => {
                Err(Problem::NeedsMillimetres { instead: "crop a picture to its center or to a box" })
            }
            Region::Body { .. } | Region::Lungs { .. } => Ok(None),
        }
    }

    /// The box kept of this volume.
    fn box_in(&self, volume: &Volume) -> Result<BoundingBox, Problem> {
        if let Some(fixed) = self.fixed_box(volume.grid())? {
            return Ok(fixed);
        }
        let (mask, structure, margin_mm) = match self.to {
            Region::Lungs { margin_mm } => (anatomy::lung_mask(volume), "lungs", margin_mm),
            Region::Body { margin_mm } => (anatomy::body_mask(volume), "body", margin_mm),
            Region::Center { .. } | Region::Box { .. } => return Err(Problem::NeedsVoxels),
        };
        mask.and_then(|mask| anatomy::box_on(&mask, volume.grid(), margin_mm))
            .ok_or(Problem::NoAnatomy { structure })
    }
}

fn central(asked: [usize; 3], shape_zyx: [usize; 3]) -> BoundingBox {
    let sides: [usize; 3] = std::array::from_fn(|axis| match asked[axis] {
        0 => shape_zyx[axis],
        side => side.min(shape_zyx[axis]),
    });
    let start_zyx: [usize; 3] = std::array::from_fn(|axis| (shape_zyx[axis] - sides[axis]) / 2);
    BoundingBox { start_zyx, end_zyx: std::array::from_fn(|axis| start_zyx[axis] + sides[axis]) }
}

fn window(kept: BoundingBox) -> Gather {
    Gather::window(kept.start_zyx.map(usize::cast_signed), kept.shape_zyx(), 0.0)
}

impl Operation for Crop {
    fn validate(&self) -> Result<(), Problem> {
        match self.to {
            Region::Box { start, end } if (0..3).any(|axis| start[axis] >= end[axis]) => {
                Err(Problem::invalid("to.box", (start, end), "a start before its end along each axis"))
            }
            Region::Body { margin_mm } | Region::Lungs { margin_mm }
                if !(0.0..=1000.0).contains(&margin_mm) =>
            {
                Err(Problem::invalid("margin_mm", margin_mm, "from 0 to 1000"))
            }
            _ => Ok(()),
        }
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        let Some(kept) = self.fixed_box(grid)? else { return Ok(None) };
        Ok(Some(grid.window(kept.start_zyx.map(usize::cast_signed), kept.shape_zyx())?))
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let kept = self.box_in(&volume)?;
        let grid = volume.grid().window(kept.start_zyx.map(usize::cast_signed), kept.shape_zyx())?;
        Ok(Volume::new(grid, window(kept).apply(volume.into_parts().1))?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        window(self.fixed_box(grid)?.ok_or(Problem::NeedsVoxels)?).record(grid.shape_zyx(), recording);
        Ok(())
    }

    fn needs_voxels(&self) -> bool {
        matches!(self.to, Region::Body { .. } | Region::Lungs { .. })
    }

    fn settled(&self, volume: &Volume) -> Result<Option<Box<dyn Operation>>, Problem> {
        let BoundingBox { start_zyx, end_zyx } = self.box_in(volume)?;
        Ok(Some(Box::new(Self { to: Region::Box { start: start_zyx, end: end_zyx } })))
    }
}
