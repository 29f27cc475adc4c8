//! Another voxel count.

use serde::{Deserialize, Serialize};

use super::gather::Gather;
use super::operation::Operation;
use super::resample::{grid_on, widening, yes};
use super::separable::Separable;
use super::taps::{Line, Taps};
use super::{Interpolation, Problem};
use crate::gpu::Recording;
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// Brings the volume to the voxel counts asked for. `cover` and `contain` keep the ratio of the voxel
/// counts, which for a picture is its shape; where voxels are not cubes, resample first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// Voxels along `[z, y, x]`; 0 keeps the axis as it is.
    pub shape: [usize; 3],
    /// What happens to what does not fit; stretch where not given.
    #[serde(default)]
    pub fit: Fit,
    /// How values between voxels are made; linear where not given.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// Whether shrinking averages over what it shrinks; true where not given.
    #[serde(default = "yes")]
    pub antialias: bool,
    /// Value around a contained volume; 0 where not given.
    #[serde(default)]
    pub fill: f32,
}

/// How a shape is brought to another with other ratios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Each axis by itself.
    #[default]
    Stretch,
    /// One factor for all axes, so that the result is full; what sticks out is cut off on both sides.
    Cover,
    /// One factor for all axes, so that all is seen; the rest is filled on both sides.
    Contain,
}

impl Resize {
    /// Where the new voxels lie on each axis `[z, y, x]`, before padding.
    fn lines(&self, grid: &Grid) -> [Line; 3] {
        let shape = grid.shape_zyx();
        let asked = (0..3).filter(|axis| self.shape[*axis] > 0);
        let steps: Vec<f64> = asked.map(|axis| shape[axis] as f64 / self.shape[axis] as f64).collect();
        let smallest = steps.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = steps.iter().copied().fold(0.0, f64::max);
        std::array::from_fn(|axis| match (self.shape[axis], self.fit) {
            (0, _) => Line::stretched(shape[axis], shape[axis]),
            (side, Fit::Stretch) => Line::stretched(shape[axis], side),
            (side, Fit::Cover) => Line::centred(shape[axis], side, smallest),
            (side, Fit::Contain) => Line::stretched(shape[axis], contained(shape[axis], largest, side)),
        })
    }

    fn filter(&self, lines: [Line; 3]) -> Separable {
        let taps =
            |line: Line| Taps::interpolation(line, self.interpolation, widening(line.step, self.antialias));
        Separable::new(lines.map(taps))
    }

    /// The padding that brings a contained volume to the shape; `None` where there is none.
    fn padding(&self, lines: [Line; 3]) -> Option<Gather> {
        let inner = lines.map(|line| line.out_len);
        let outer = std::array::from_fn(|axis| self.shape[axis].max(inner[axis]));
        let first = std::array::from_fn(|axis| -((outer[axis] - inner[axis]) / 2).cast_signed());
        (outer != inner).then(|| Gather::window(first, outer, self.fill))
    }
}

/// Voxels of an axis of `len` when each new voxel covers `step` old ones, within `1..=side`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and bounded by side"
)]
fn contained(len: usize, step: f64, side: usize) -> usize {
    ((len as f64 / step).round() as usize).clamp(1, side)
}

impl Operation for Resize {
    fn validate(&self) -> Result<(), Problem> {
        if self.fill.is_finite() {
            Ok(())
        } else {
            Err(Problem::invalid("fill", self.fill, "a finite number"))
        }
    }

    fn output_grid(&self, grid: &Grid) -> Result<Option<Grid>, Problem> {
        let lines = self.lines(grid);
        let inner = grid_on(lines, grid)?;
        match self.padding(lines) {
            Some(Gather { first, out_shape_zyx, .. }) => Ok(Some(inner.window(first, out_shape_zyx)?)),
            None => Ok(Some(inner)),
        }
    }

    fn apply_cpu(&self, volume: Volume) -> Result<Volume, Problem> {
        let grid = self.output_grid(volume.grid())?.ok_or(Problem::NeedsVoxels)?;
        let lines = self.lines(volume.grid());
        let inner = self.filter(lines).apply(volume.into_parts().1);
        let voxels = match self.padding(lines) {
            Some(padding) => padding.apply(inner),
            None => inner,
        };
        Ok(Volume::new(grid, voxels)?)
    }

    fn record(&self, grid: &Grid, recording: &mut Recording) -> Result<(), Problem> {
        let lines = self.lines(grid);
        self.filter(lines).record(grid.shape_zyx(), recording);
        if let Some(padding) = self.padding(lines) {
            padding.record(lines.map(|line| line.out_len), recording);
        }
        Ok(())
    }
}
