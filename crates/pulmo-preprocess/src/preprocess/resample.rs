//! Another voxel spacing.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::separable::Separable;
use super::taps::{Line, Taps};
use super::{Interpolation, Problem};
use crate::gpu::Recording;
use pulmo_scan::geometry::{Grid, Unit};
use pulmo_scan::units::Millimetres;
use pulmo_scan::volume::Volume;

/// Brings the volume to exactly the spacing asked for. Each axis gets `round(extent / spacing)` voxels
/// (at least one), centred on the extent that was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resample {
    /// Spacing `[z, y, x]`; 0 keeps the axis as it is.
    pub spacing_mm: [Millimetres; 3],
    /// How values between voxels are made; linear where not given.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// Whether shrinking averages over what it shrinks, by a kernel as much wider; true where not given.
    /// Without it, values are those at the new centres.
    #[serde(default = "yes")]
    pub antialias: bool,
}

pub(super) fn yes() -> bool {
    true
}

/// How much wider the kernel gets where voxels grow by `step`.
pub(super) fn widening(step: f64, antialias: bool) -> f64 {
    if antialias { step.max(1.0) } else { 1.0 }
}

impl Resample {
    /// Where the new voxels lie on each axis `[z, y, x]`.
    fn lines(&self, grid: &Grid) -> [Line; 3] {
        let (shape, spacing, extent) = (grid.shape_zyx(), grid.spacing_mm(), grid.extent_mm());
        std::array::from_fn(|axis| match self.spacing_mm[axis] {
            wanted if wanted > 0.0 => {
                Line::centred(shape[axis], rounded(extent[axis] / wanted), wanted / spacing[axis])
            }
            _ => Line::stretched(shape[axis], shape[axis]),
        })
    }

    fn filter(&self, grid: &Grid) -> Separable {
        let taps =
            |line: Line| Taps::interpolation(line, self.interpolation, widening(line.step, self.antialias));
        Separable::new(self.lines(grid).map(taps))
    }
}

/// The nearest whole number, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped; huge grids are refused"
)]
fn rounded(value: f64) -> usize {
    value.round().clamp(1.0, f64::from(u32::MAX)) as usize
}

/// The grid whose voxels lie on `lines` of `grid`.
pub(super) fn grid_on(lines: [Line; 3], grid: &Grid) -> Result<Grid, Problem> {
    Ok(grid.strided(
        lines.map(|line| line.out_len),
        lines.map(|line| line.step),
        lines.map(|line| line.first),
    )?)
}

impl Operation for Resample {
    fn validate(&self) -> Result<(), Problem> {
        if self.spacing_mm.iter().all(|spacing| spacing.is_finite() && *spacing >= 0.0) {
            return Ok(());
        }
        Err(Problem::invalid(
            "spacing_mm",
            self.spacing_mm,
            "[z, y, x], each more than 0, or 0 to keep the axis",
        ))
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        if grid.unit() == Unit::Pixel {
            return Err(Problem::NeedsMillimetres { instead: "use resize" });
        }
        grid_on(self.lines(grid), grid).map(Some)
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let grid = self.output_grid(volume.grid())?.ok_or(Problem::NeedsVoxels)?;
        let (before, voxels) = volume.into_parts();
        Ok(Volume::new(grid, self.filter(&before).apply(voxels))?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        self.filter(grid).record(grid.shape_zyx(), recording);
        Ok(())
    }
}
