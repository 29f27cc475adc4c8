//! Changes to training cases, worked out on a device or on the CPU with the same result: geometry, blur,
//! brightness, noise and cut-out. What changes by how much is drawn elsewhere; here it is given.

mod random;
mod tone;
mod warp;

use ndarray::Array3;

pub use tone::Tone;
pub use warp::{Elastic, Warp};

use super::separable::Separable;
use super::taps::Taps;
use crate::gpu::Recording;

/// One change of a case. Its parts are done in the order of the fields; the shape stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Where voxels come from.
    pub warp: Warp,
    /// Standard deviation of a Gaussian blur along `[z, y, x]`, in voxels; 0 leaves the axis alone.
    pub blur_voxels: [f64; 3],
    /// What becomes of their values.
    pub tone: Tone,
}

impl Change {
    /// Returns the case changed on the CPU.
    ///
    /// # Shapes
    /// `[z, y, x]` in and out.
    pub fn apply(&self, case: &Array3<f32>) -> Array3<f32> {
        let warped = self.warp.apply(case);
        let blurred = self.blur(warped.dim().into()).apply(warped);
        self.tone.apply(blurred)
    }

    /// Adds the passes that change a case of `shape_zyx` on a device: none for what changes nothing.
    pub fn record(&self, shape_zyx: [usize; 3], recording: &mut Recording) {
        self.warp.record(shape_zyx, recording);
        self.blur(shape_zyx).record(shape_zyx, recording);
        self.tone.record(shape_zyx, recording);
    }

    fn blur(&self, shape_zyx: [usize; 3]) -> Separable {
        Separable::new(std::array::from_fn(|axis| Taps::gaussian(shape_zyx[axis], self.blur_voxels[axis])))
    }
}
