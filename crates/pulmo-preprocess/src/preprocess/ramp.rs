//! A linear map and a clamp of every value: what window, clip, scale and normalize have in common.

use crate::gpu::{self, Pass, Recording};
use pulmo_scan::geometry::Grid;
use pulmo_scan::volume::Volume;

/// `clamp((value - subtract) * multiply + add, low, high)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ramp {
    pub(super) subtract: f32,
    pub(super) multiply: f32,
    pub(super) add: f32,
    pub(super) low: f32,
    pub(super) high: f32,
}

/// The ramp that changes nothing.
pub(super) const UNCHANGED: Ramp =
    Ramp { subtract: 0.0, multiply: 1.0, add: 0.0, low: f32::MIN, high: f32::MAX };

impl Ramp {
    /// The map applied to every voxel.
    pub(super) fn apply(self, volume: Volume) -> Volume {
        volume.map(move |value| {
            ((value - self.subtract) * self.multiply + self.add).max(self.low).min(self.high)
        })
    }

    /// The map as a pass on a volume on `grid`.
    pub(super) fn record(self, grid: &Grid, recording: &mut Recording) {
        let Self { subtract, multiply, add, low, high } = self;
        let ramp = gpu::Ramp { subtract, multiply, add, low, high, ..gpu::Ramp::IDENTITY };
        recording.push(Pass::intensity(ramp, grid.shape_zyx()));
    }
}
